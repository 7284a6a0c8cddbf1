/** One command, from its words to its exit code: 0 done, 1 failed, 2 wrong use. */
import { FailureError } from "../../machines/failure.ts";
import { ListenError } from "../http/server.ts";
import { hasReaderLeft, letReaderLeave, tell } from "./output.ts";
import { createProgram } from "./program.ts";
import { UsageError } from "./words.ts";

/** What went wrong has been told on stderr. */
export async function run(words: readonly string[]): Promise<number> {
  letReaderLeave();
  try {
    return await createProgram().run(words);
  } catch (error) {
    if (error instanceof UsageError) return error.exitCode;
    if (hasReaderLeft(error)) return 0;
    const isExpected = error instanceof FailureError || error instanceof ListenError;
    if (!isExpected) {
      const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
      for (const line of `ticket-client: ${stack}`.split("\n")) tell(line);
      return 1;
    }
    tell(`ticket-client: ${error instanceof FailureError ? error.failure.detail : error.message}`);
    return error instanceof FailureError && error.failure.code === "CONFIGURATION_INVALID" ? 2 : 1;
  }
}
