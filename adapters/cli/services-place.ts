/** Where the Service Info Table is that a command is about: a ledger, or a running engine. */
import type { ImportResult } from "../../actors/service-commands.ts";
import type { Result } from "../../machines/failure.ts";

export interface ServicesPlace {
  /** What it is called in a message. */
  readonly name: string;
  export(): Promise<string>;
  import(csv: Uint8Array, how: { readonly by: string; readonly dryRun: boolean }): Promise<ImportResult>;
  select(name: string, how: { readonly by: string }): Promise<Result<null>>;
}
