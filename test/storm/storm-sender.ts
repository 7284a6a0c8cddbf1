/** A process that sends a storm and reports. Arguments: the URL of the intake, a StormPlan as JSON. */
import { PacedSource } from "./paced-source.ts";
import { planStorm, type StormPlan } from "./storm-alarms.ts";

const [url = "", plan = "{}"] = process.argv.slice(2);
const sources = planStorm(JSON.parse(plan) as StormPlan).map((one) => new PacedSource(one));
await Promise.all(sources.map((source) => source.connect(url)));
const reports = await Promise.all(sources.map((source) => source.run()));
process.send?.(reports, () => process.disconnect());
