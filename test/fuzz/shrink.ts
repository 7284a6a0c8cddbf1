/** The smallest part of an input that still fails: pieces are left out, halves first, then ever smaller ones. */
const triesMax = 400;

export async function shrink(input: Buffer, fails: (smaller: Buffer) => Promise<boolean>): Promise<Buffer> {
  let smallest = input;
  let tries = 0;
  for (let size = Math.ceil(input.length / 2); size >= 1 && tries < triesMax;) {
    let shrunk = false;
    for (let from = 0; from < smallest.length && tries < triesMax;) {
      const without = Buffer.concat([smallest.subarray(0, from), smallest.subarray(from + size)]);
      tries += 1;
      // oxlint-disable-next-line no-await-in-loop -- each depends on the one before
      if (await fails(without)) {
        smallest = without;
        shrunk = true;
      } else from += size;
    }
    if (size === 1 && !shrunk) break;
    size = size === 1 ? 1 : Math.floor(size / 2);
  }
  return smallest;
}
