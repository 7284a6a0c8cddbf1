/** Durations, times and names as people read them. Pure: the zone and the present are passed in. */

/** `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`, `4 d 3 h`. */
export function durationText(ms: number): string {
  if (ms < 0) return "0 s";
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1_000;
  if (seconds < 10) return `${(Math.floor(seconds * 10) / 10).toFixed(1)} s`;
  return ageText(ms);
}

/** As `durationText`, in whole seconds: what ticks on the screen. */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${two(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${two(minutes % 60)} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}

/** Local time of day, with the date where it is not today's. */
export function timeText(at: number, now: number): string {
  const date = new Date(at);
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  if (date.toDateString() === new Date(now).toDateString()) return time;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
}

export function utcText(at: number): string {
  return `${new Date(at).toISOString().replace("T", " ").replace("Z", "")} UTC`;
}

const thousands = new Intl.NumberFormat("en-GB");
export function countText(count: number): string {
  return thousands.format(count);
}

/** `1 lock`, `2 locks`; `many` where an s is not enough. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`;
}

/** `5m`, `90s`, `2h`, `1d`, `250ms`, `30` (seconds) → ms; null: no duration. */
export function readDuration(text: string): number | null {
  const [, digits = "", unit = "s"] = /^(\d+(?:\.\d+)?)(ms|s|m|min|h|d)?$/.exec(text.trim()) ?? [];
  if (digits === "") return null;
  const factor = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 }[unit];
  return factor === undefined ? null : Number(digits) * factor;
}

/** The end of a GUID: what a person compares, and is asked for. */
export function lastFour(guid: string): string {
  return guid.slice(-4);
}

/** `…3f9a` in tables; the whole stands in the title. */
export function shortGuid(guid: string): string {
  return guid.length <= 9 ? guid : `${guid.slice(0, 8)}…`;
}
