/** The configuration of a command: file, then environment, then the command's own options. */
import { readFileSync } from "node:fs";
import { type Config, type ConfigInput, resolveConfig } from "../../actors/config.ts";
import { withEnvironment } from "../../actors/environment.ts";
import { FailureError } from "../../machines/failure.ts";

export interface DataOptions {
  readonly config?: string;
  readonly dataDir?: string;
}

export interface EngineFlags extends DataOptions {
  readonly port?: number;
  readonly clients?: number;
  /** Where neither file nor environment says. */
  readonly coalesceDefault?: boolean;
}

/** A configuration, and what is said of it where: the environment overrides the file, options both. */
export interface SettingsRead {
  readonly config: Config;
  readonly inFile: Readonly<Record<string, unknown>>;
  readonly inEnvironment: Readonly<Record<string, unknown>>;
}

/** Reads and checks it all; throws FailureError CONFIGURATION_INVALID naming file, path and reason. */
export function readSettings(flags: EngineFlags): Config {
  return readLayers(flags).config;
}

/** As `readSettings`. */
export function readLayers({
  config: file,
  dataDir,
  port,
  clients,
  coalesceDefault,
}: EngineFlags): SettingsRead {
  const inFile = file === undefined ? {} : readConfigFile(file);
  const merged = withEnvironment(inFile, process.env);
  if (dataDir !== undefined) merged["dataDir"] = dataDir;
  if (clients !== undefined) merged["clients"] = clients;
  if (port !== undefined) merged["listen"] = { ...(merged["listen"] as ConfigInput["listen"]), port };
  if (coalesceDefault !== undefined) merged["coalesce"] ??= coalesceDefault;
  const config = resolveConfig(merged);
  if (!config.ok)
    throw new FailureError(
      config.failure.code,
      file === undefined ? config.failure.detail : `${file}: ${config.failure.detail}`,
    );
  return { config: config.value, inFile, inEnvironment: withEnvironment({}, process.env) };
}

function readConfigFile(file: string): Record<string, unknown> {
  const wrong = (what: string) =>
    new FailureError("CONFIGURATION_INVALID", `The configuration ${file} ${what}`);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    throw wrong(`cannot be read (${code}).`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw wrong(`is not JSON: ${error instanceof Error ? error.message : "unreadable"}.`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw wrong("holds no JSON object.");
  return { ...value };
}
