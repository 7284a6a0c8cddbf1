/** A copy of the checkout as it stands, committed or not, in which a defect can be planted: the checkout is not touched. */
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Defect } from "./defect.ts";
import { timesIn } from "./defects.ts";

export interface Checkout {
  readonly dir: string;
  /** Puts the defect in; the function that comes back takes it out. Throws where its text is not there exactly once. */
  plant(defect: Defect): () => void;
  remove(): void;
}

export function copyCheckout(from: string): Checkout {
  const dir = mkdtempSync(join(tmpdir(), "planted-"));
  const listed = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const names = execFileSync("git", listed, { cwd: from, encoding: "utf8", maxBuffer: 64 << 20 }).split("\0");
  for (const name of new Set(names)) {
    const file = join(from, name);
    if (name === "" || !existsSync(file)) continue;
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    cpSync(file, join(dir, name));
  }
  symlinkSync(join(from, "node_modules"), join(dir, "node_modules"));
  // The built page: otherwise every run would begin by building it.
  const page = join(from, "dist", "console");
  if (existsSync(page)) cpSync(page, join(dir, "dist", "console"), { recursive: true });
  return {
    dir,
    plant({ name, file, was, becomes }) {
      const place = join(dir, file);
      const content = readFileSync(place, "utf8");
      const times = timesIn(content, was);
      if (times !== 1)
        throw new Error(`${name}: its text stands ${times} times in ${file}; expected exactly once.`);
      writeFileSync(
        place,
        content.replace(was, () => becomes),
      );
      return () => writeFileSync(place, content);
    },
    remove: () => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }),
  };
}
