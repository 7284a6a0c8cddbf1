/**
 * The password files of a table, looked at before anything is sent: a request that met one that cannot be read would
 * fail for good.
 */
import type { Log } from "../../actors/ports.ts";
import { fail, ok, type Result } from "../../machines/failure.ts";
import type { ServiceInfo } from "../../machines/vocabulary.ts";
import { readPassword } from "./password-file.ts";

/** Fails CONFIGURATION_INVALID where the selected service's cannot be read; of the others the log tells. */
export async function checkPasswords(
  services: readonly ServiceInfo[],
  selected: string,
  log: Pick<Log, "warn">,
): Promise<Result<null>> {
  for (const { name, user, passwordFile: file } of services) {
    if (user === undefined || file === undefined) continue;
    const reason = await reasonAgainst(file); // oxlint-disable-line no-await-in-loop -- a few files
    if (reason === null) continue;
    if (name === selected)
      return fail(
        "CONFIGURATION_INVALID",
        `passwordFile of service ${name}: ${file} cannot be read (${reason}). Mend the file or its rights, or import a table that names another.`,
      );
    log.warn("services.passwordUnreadable", { service: name, file, reason });
  }
  return ok(null);
}

/** null: it can be read. */
async function reasonAgainst(file: string): Promise<string | null> {
  try {
    await readPassword(file);
    return null;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "unreadable";
  }
}
