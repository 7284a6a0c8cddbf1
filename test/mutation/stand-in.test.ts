/** What stands in for Vitest in a mutation run knows all that the tests of machines/ ask of it. */
import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as standIn from "./vitest-stand-in.ts";

test("every test of machines/ imports from vitest what the stand-in gives", () => {
  const asked = globSync("test/machines/**/*.ts").flatMap((file) =>
    [...readFileSync(file, "utf8").matchAll(/^import \{([^}]+)\} from "vitest";/gm)].flatMap(
      ([, names = ""]) => names.split(",").map((name) => ({ file, name: name.trim() })),
    ),
  );
  expect(asked.length).toBeGreaterThan(100);
  expect(asked.filter(({ name }) => !name.startsWith("type ") && !(name in standIn))).toEqual([]);
});
