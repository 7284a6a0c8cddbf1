/** One command, from its words to its exit code: 0 done, 1 failed, 2 wrong use. */
import { FailureError } from "../../machines/failure.ts";
import { ListenError } from "../http/server.ts";
import { flushed, hasReaderLeft, isOutputError, letOutputFail, lostOutput, tell } from "./output.ts";
import { createProgram } from "./program.ts";
import { UsageError } from "./words.ts";

/** What went wrong has been told on stderr, and what was said is handed over. */
export async function run(words: readonly string[]): Promise<number> {
  letOutputFail();
  let code: number;
  try {
    code = await createProgram().run(words);
    // What it says is that it is ready; its log has told that this was lost.
    if (words[0] === "serve") return code;
  } catch (error) {
    code = tellError(error);
  }
  await flushed();
  const lost = lostOutput();
  if (lost === null) return code;
  tell(`ticket-client: ${lost}: what this command says is not whole. Make room, or send it elsewhere.`);
  return code === 0 ? 1 : code;
}

/** The exit code. */
function tellError(error: unknown): number {
  if (error instanceof UsageError) return error.exitCode;
  // Left or lost: what there is to say of it is said at the end.
  if (hasReaderLeft(error) || isOutputError(error)) return 0;
  const isExpected = error instanceof FailureError || error instanceof ListenError;
  if (!isExpected) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    for (const line of `ticket-client: ${stack}`.split("\n")) tell(line);
    return 1;
  }
  tell(`ticket-client: ${error instanceof FailureError ? error.failure.detail : error.message}`);
  return error instanceof FailureError && error.failure.code === "CONFIGURATION_INVALID" ? 2 : 1;
}
