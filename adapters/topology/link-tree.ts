/**
 * Parents from links. Of each connected part of the network the root is the element with the most links, of equals the
 * one whose id is first in text order; an element's parent is its neighbour one link nearer to the root, of equals again
 * the first in text order. So the order of rows makes no difference.
 */
export interface Links {
  /** Ends of link n are `a[n]` and `b[n]`: numbers of elements; no link twice, none from an element to itself. */
  readonly a: Int32Array;
  readonly b: Int32Array;
  /** By number. */
  readonly ids: readonly string[];
}

/** By number the number of the parent, −1 of a root. */
export function parentsOf({ a, b, ids }: Links): Int32Array {
  const { from, neighbours } = neighbourLists({ a, b, ids });
  const isFirst = (one: number, other: number) => (ids[one] ?? "") < (ids[other] ?? "");
  const degree = (one: number) => (from[one + 1] ?? 0) - (from[one] ?? 0);
  const parents = new Int32Array(ids.length).fill(-1);
  const distance = new Int32Array(ids.length).fill(-1);
  const seen = new Uint8Array(ids.length);
  const queue = new Int32Array(ids.length);

  function rootOfPart(start: number): number {
    let root = start;
    let end = 1;
    queue[0] = start;
    seen[start] = 1;
    for (let at = 0; at < end; at += 1) {
      const one = queue[at] ?? 0;
      if (degree(one) > degree(root) || (degree(one) === degree(root) && isFirst(one, root))) root = one;
      for (let n = from[one] ?? 0; n < (from[one + 1] ?? 0); n += 1) {
        const next = neighbours[n] ?? 0;
        if (seen[next] === 1) continue;
        seen[next] = 1;
        queue[end] = next;
        end += 1;
      }
    }
    return root;
  }

  function hangUnder(root: number): void {
    let end = 1;
    queue[0] = root;
    distance[root] = 0;
    for (let at = 0; at < end; at += 1) {
      const one = queue[at] ?? 0;
      const away = (distance[one] ?? 0) + 1;
      for (let n = from[one] ?? 0; n < (from[one + 1] ?? 0); n += 1) {
        const next = neighbours[n] ?? 0;
        if (distance[next] === -1) {
          distance[next] = away;
          parents[next] = one;
          queue[end] = next;
          end += 1;
        } else if (distance[next] === away && isFirst(one, parents[next] ?? 0)) parents[next] = one;
      }
    }
  }

  for (let start = 0; start < ids.length; start += 1) if (seen[start] === 0) hangUnder(rootOfPart(start));
  return parents;
}

/** Neighbours of element n: `neighbours[from[n]]` up to, not with, `neighbours[from[n + 1]]`. */
function neighbourLists({ a, b, ids }: Links): {
  readonly from: Int32Array;
  readonly neighbours: Int32Array;
} {
  const from = new Int32Array(ids.length + 1);
  for (const ends of [a, b]) for (const end of ends) from[end + 1] = (from[end + 1] ?? 0) + 1;
  for (let n = 1; n < from.length; n += 1) from[n] = (from[n] ?? 0) + (from[n - 1] ?? 0);
  const next = Int32Array.from(from);
  const neighbours = new Int32Array(a.length * 2);
  const put = (one: number, other: number) => {
    const at = next[one] ?? 0;
    neighbours[at] = other;
    next[one] = at + 1;
  };
  for (const [link, one] of a.entries()) {
    put(one, b[link] ?? 0);
    put(b[link] ?? 0, one);
  }
  return { from, neighbours };
}
