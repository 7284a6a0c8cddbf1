/** `settings`: what can be set, what is set and where; and whether an engine could start with it. */
import { configSettings } from "../../actors/config.ts";
import { misspeltVariables } from "../../actors/environment.ts";
import { type Setting, valueAt } from "../../actors/settings-list.ts";
import { checkConfiguration } from "../check-configuration.ts";
import type { Output } from "./output.ts";
import { type DataOptions, readLayers, type SettingsRead } from "./settings.ts";

type From = "default" | "file" | "environment" | "option";

interface SettingShown {
  readonly name: string;
  readonly variable: string;
  /** Absent: nothing is set, or it is a secret (S4). */
  readonly value?: unknown;
  readonly from: From;
  readonly default?: unknown;
  readonly expected: string;
  readonly about: string;
  readonly secret?: true;
}

/** Rejects with FailureError CONFIGURATION_INVALID with what the engine would refuse. */
export async function runSettings(options: DataOptions, output: Output): Promise<number> {
  const read = readLayers(options);
  await checkConfiguration(read.config);
  const shown = configSettings().map((one) => show(one, read, options));
  output.data({ settings: shown });
  for (const { name, value, from, expected, about, secret, variable, ...one } of shown) {
    const said = secret === true ? "a secret" : value === undefined ? "nothing" : JSON.stringify(value);
    const initial = one.default === undefined ? "" : `; default ${JSON.stringify(one.default)}`;
    output.line(from === "default" ? `  ${name} = ${said}` : `* ${name} = ${said}  (${from})`);
    output.line(`      ${about}`);
    output.line(`      ${expected}${initial}; ${variable}`);
  }
  output.line();
  for (const sentence of misspeltVariables(process.env)) output.line(sentence);
  output.line("serve would take this configuration. * marks what is set; all else has its default.");
  return 0;
}

function show(
  { path, name, variable, expected, about, initial, isSecret }: Setting,
  { config, inFile, inEnvironment }: SettingsRead,
  { dataDir }: DataOptions,
): SettingShown {
  const value = valueAt(config, path);
  return {
    name,
    variable,
    ...(value === undefined || (isSecret && value !== null) ? undefined : { value }),
    from:
      name === "dataDir" && dataDir !== undefined
        ? "option"
        : valueAt(inEnvironment, path) !== undefined
          ? "environment"
          : valueAt(inFile, path) !== undefined
            ? "file"
            : "default",
    ...(initial === undefined ? undefined : { default: initial }),
    expected,
    about,
    ...(isSecret && value !== null && value !== undefined ? { secret: true } : undefined),
  };
}
