/** The process of one measurement. Arguments: its name, its load as JSON. Its figures go to the parent. */
import { measurements, type MeasurementName } from "./measurements.ts";

const [name, load] = process.argv.slice(2);
const measure = measurements[name as MeasurementName] as (load: unknown) => Promise<object>;
const figures = await measure(JSON.parse(load ?? "{}"));
process.send?.(figures, () => process.disconnect());
