/** Text on a terminal: what comes from elsewhere is shown and never obeyed, and takes the cells that it takes. */

/** Wide in every terminal's font: they take two cells. */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
const noCell = /\p{Mn}|\p{Me}|[\u{200b}-\u{200d}]/u;
/** Control characters, and those that turn the direction of what follows. */
const orders = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** An alarm's text could hold the terminal's own control sequences: they become visible marks. */
export function harmless(text: string): string {
  return text.replaceAll(orders, "·");
}

/** JSON in one line, of the same value: what JSON leaves of them as it stands is written as an escape. */
export function harmlessJson(json: string): string {
  return json.replaceAll(orders, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function cellsOfOne(character: string): number {
  if (noCell.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}

export function cellsOf(text: string): number {
  let cells = 0;
  for (const character of text) cells += cellsOfOne(character);
  return cells;
}

/** At most so many cells; what is cut off is shown to be. */
export function cut(text: string, cells: number): string {
  if (cellsOf(text) <= cells) return text;
  if (cells <= 0) return "";
  let kept = "";
  let used = 1;
  for (const character of text) {
    used += cellsOfOne(character);
    if (used > cells) break;
    kept += character;
  }
  return `${kept}…`;
}

/** Exactly so many cells, on the left or on the right. */
export function fitted(text: string, cells: number, side: "left" | "right" = "left"): string {
  const short = cut(text, cells);
  const space = " ".repeat(Math.max(0, cells - cellsOf(short)));
  return side === "left" ? `${short}${space}` : `${space}${short}`;
}

/** `12 s`, `3 min 05 s`, `2 h 10 min`, `4 d 3 h`. */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(seconds % 60).padStart(2, "0")} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${String(minutes % 60).padStart(2, "0")} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
