/**
 * How wide a text is at most. No font is at hand where drawings are made, and none is known where they are seen:
 * these are the advances of DejaVu Sans, the widest of the faces that `system-ui` commonly stands for.
 */

/** Advance in thousandths of the font size, then the characters that have it or less. */
const advances: readonly (readonly [perMille: number, characters: string])[] = [
  [320, "ijlI.,:;'|! \u00a0·"],
  [420, 'ftrJ()[]{}/\\-"`'],
  [560, "cszL*?_"],
  [640, "abdeghknopquvxyBEFPSTYK$0123456789"],
  [700, "ACRVXZ&~"],
  [840, "DGHNOQUw<>=+#^"],
  [1000, "mMW@%…→"],
];

/** A character of no class: as wide as high. */
const widest = 1000;
const boldFactor = 1.12;

const advance: ReadonlyMap<string, number> = new Map(
  advances.flatMap(([perMille, characters]) => Array.from(characters, (one) => [one, perMille] as const)),
);

/** In px, for a font size in px. */
export function textWidth(text: string, size: number, bold = false): number {
  let perMille = 0;
  for (const character of text) perMille += advance.get(character) ?? widest;
  return (perMille / 1000) * size * (bold ? boldFactor : 1);
}

/** Lines no wider than `widthMax` px, broken at spaces; a longer word has a line of its own. */
export function wrapText(text: string, size: number, widthMax: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && textWidth(longer, size) > widthMax) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line];
}
