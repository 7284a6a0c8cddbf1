/** Memory of another process, from Linux's own account of it. */
import { readFileSync } from "node:fs";

const megabyte = 1024;

/** Resident megabytes now, and the most there ever were. */
export function memoryOf(pid: number): { readonly residentMb: number; readonly peakMb: number } {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  const kilobytes = (name: string): number => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1];
    if (found === undefined) throw new Error(`/proc/${pid}/status has no ${name}.`);
    return Number(found);
  };
  return { residentMb: kilobytes("VmRSS") / megabyte, peakMb: kilobytes("VmHWM") / megabyte };
}
