/** A table as CSV: safe to open in a spreadsheet (S9). Nobody imports it, so that what is guarded need not be undone. */

/**
 * Before what a spreadsheet may take for a formula: the rule of the Service Info CSV. In the midst of a cell as well: where
 * the list separator is another than the comma, quotes keep no cell together that is not the first of its row.
 */
const formula = /^(?='*[=+\-@\t\r\n＝＋－＠])|(?<=[;\t\r\n])(?=["']*[=+\-@＝＋－＠])/g;
const plain = /^[\w.:/-]*$/;

function cell(text: string): string {
  const safe = text.replaceAll(formula, "'");
  return plain.test(safe) ? safe : `"${safe.replaceAll('"', '""')}"`;
}

export function csvOf(header: readonly string[], rows: Iterable<readonly string[]>): string {
  const lines = [header.map(cell).join(",")];
  for (const row of rows) lines.push(row.map(cell).join(","));
  return `${lines.join("\r\n")}\r\n`;
}
