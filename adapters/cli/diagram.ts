/** `diagram`: the statecharts as files. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AnyStateMachine } from "xstate";
import { FailureError } from "../../machines/failure.ts";
import { drawMermaid } from "../diagram/mermaid.ts";
import { statecharts } from "../diagram/statecharts.ts";
import { drawSvg } from "../diagram/svg.ts";
import { makeFolder } from "../folder.ts";
import type { Output } from "./output.ts";

export interface DiagramOptions {
  readonly format: "mermaid" | "svg";
  readonly out: string;
}

const formats: Readonly<
  Record<
    DiagramOptions["format"],
    { readonly ending: string; readonly draw: (machine: AnyStateMachine) => string }
  >
> = {
  mermaid: { ending: "mmd", draw: drawMermaid },
  svg: { ending: "svg", draw: drawSvg },
};

export function runDiagram({ format, out }: DiagramOptions, output: Output): number {
  const { ending, draw } = formats[format];
  try {
    makeFolder(out);
  } catch (error) {
    throw new FailureError(
      "INVALID",
      `The folder ${out} cannot be made (${codeOf(error)}). Name another with --out.`,
    );
  }
  const files = [...statecharts].map(([name, machine]) => {
    const file = join(out, `${name}.${ending}`);
    write(file, draw(machine));
    return file;
  });
  output.data({ files });
  for (const file of files) output.line(file);
  return 0;
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new FailureError(
      "INVALID",
      `The file ${file} cannot be written (${codeOf(error)}). Name another folder with --out.`,
    );
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "refused";
}
