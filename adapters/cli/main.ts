#!/usr/bin/env node
/** The command line: reads the words, runs one command, ends with its code: 0 done, 1 failed, 2 wrong use. */
// oxlint-disable-next-line import/no-unassigned-import -- what it does must come before the rest is loaded
import "./heap.ts";
import { FailureError } from "../../machines/failure.ts";
import { ListenError } from "../http/server.ts";
import { flushed } from "./output.ts";
import { createProgram } from "./program.ts";
import { UsageError } from "./words.ts";

async function run(): Promise<number> {
  try {
    return await createProgram().run(process.argv.slice(2));
  } catch (error) {
    if (error instanceof UsageError) return error.exitCode;
    const isExpected = error instanceof FailureError || error instanceof ListenError;
    if (!isExpected) {
      process.stderr.write(
        `ticket-client: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
      );
      return 1;
    }
    process.stderr.write(
      `ticket-client: ${error instanceof FailureError ? error.failure.detail : error.message}\n`,
    );
    return error instanceof FailureError && error.failure.code === "CONFIGURATION_INVALID" ? 2 : 1;
  }
}

const code = await run();
await flushed();
process.exit(code);
