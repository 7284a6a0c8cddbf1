/** A process that sends alarms as fast as they are acknowledged, and reports. Argument: a SendOrder as JSON. */
import { replay } from "../../adapters/alarms/replay.ts";
import { systemClock, systemIds } from "../../adapters/clock/system.ts";
import type { SendOrder, SendReport } from "./acks.ts";
import { alarmEvents } from "./alarms.ts";

const order = JSON.parse(process.argv[2] ?? "{}") as SendOrder;
const { accepted, duplicates, rejected, reconnects, ratePerSecond, ackMs, gaveUp } = await replay({
  events: alarmEvents(order),
  url: order.url,
  speed: "max",
  inFlight: order.inFlight,
  clock: systemClock,
  ids: systemIds,
});
const clean = duplicates + rejected.length + reconnects === 0;
const wrong = gaveUp ?? (clean ? null : JSON.stringify({ duplicates, rejected: rejected[0], reconnects }));
const report: SendReport = { accepted, ratePerSecond, ackMs, wrong };
process.send?.(report, () => process.disconnect());
