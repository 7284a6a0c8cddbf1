/** The known word that was meant by one that is not known; null: none is within three letters of it. */
export function nearest(known: readonly string[], word: string): string | null {
  const [near] = known.toSorted((a, b) => distance(a, word) - distance(b, word));
  return near !== undefined && distance(near, word) <= 3 ? near : null;
}

/** Edits between two short words (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      next.push(
        Math.min(
          (row[j] ?? 0) + 1,
          (next[j - 1] ?? 0) + 1,
          (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
        ),
      );
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
