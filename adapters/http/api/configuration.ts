/** What an operator may change while the engine runs; every change is a fact (R1). */
import { settingsPatchSchema, settingsSchema } from "../../../actors/api-messages.ts";
import type { Supervisor } from "../../../actors/supervisor.ts";
import { ok } from "../../../machines/failure.ts";
import { operation, type Operation } from "./operation.ts";

export function configurationOperations(supervisor: Supervisor): readonly Operation[] {
  const { reader } = supervisor;
  return [
    operation({
      method: "GET",
      path: "/configuration",
      id: "getConfiguration",
      summary: "Names of related elements, the response table's maximum, hold-down delays",
      role: "viewer",
      answer: settingsSchema,
      handle: () => ok(reader.settings()),
    }),
    operation({
      method: "PATCH",
      path: "/configuration",
      id: "changeConfiguration",
      summary: "Changes what is named; it outlasts a restart until the configuration file says something new",
      role: "operator",
      isCommand: true,
      body: settingsPatchSchema,
      answer: settingsSchema,
      async handle({ body, by }) {
        const done = await supervisor.operators.changeSettings(body, by);
        return done.ok ? ok(reader.settings()) : done;
      },
    }),
  ];
}
