/** `diagram`: the statecharts as files. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { drawMermaid } from "../diagram/mermaid.ts";
import { statecharts } from "../diagram/statecharts.ts";
import type { Output } from "./output.ts";

export function runDiagram({ out }: { readonly out: string }, output: Output): number {
  mkdirSync(out, { recursive: true });
  const files = [...statecharts].map(([name, machine]) => {
    const file = join(out, `${name}.mmd`);
    writeFileSync(file, drawMermaid(machine));
    return file;
  });
  output.data({ files });
  for (const file of files) output.line(file);
  return 0;
}
