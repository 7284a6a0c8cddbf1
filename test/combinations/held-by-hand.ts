/** A flow written by hand, as a program would write it: it looks, asks for what is not there, and lets go. */
import type { Supervisor } from "../../actors/supervisor.ts";
import type { Instant } from "../../machines/vocabulary.ts";
import type { FlowAct } from "./flow-kinds.ts";

export async function holdByHand(
  supervisor: Supervisor,
  { key, command }: Extract<FlowAct, { act: "hand" }>,
  at: Instant,
): Promise<void> {
  const client = await supervisor.lock({ timeoutSeconds: 30 });
  if (command === "editNinasCounters")
    await client.forward(key, {
      command,
      kind: "MO",
      networkElement: key,
      counters: [{ name: "outages", delta: 1 }],
    });
  else {
    const found = await client.search({ clientReference: key });
    if (found.ok && found.value.tickets.length === 0)
      await client.forward(key, {
        command,
        kind: "MO",
        clientReference: key,
        networkElements: [key],
        severity: "major",
        summary: `${key} is down`,
        startAt: at,
        alarmRefs: [],
      });
  }
  await client.close();
}
