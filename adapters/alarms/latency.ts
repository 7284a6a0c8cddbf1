/** Percentiles of any number of measurements in bounded memory. */

/** Neighbouring buckets differ by 2 %, so that is the error of a percentile. */
const growth = 1.02;
const lowestMs = 0.01;
/** 0.01 ms to 24 hours. */
const buckets = Math.ceil(Math.log(86_400_000 / lowestMs) / Math.log(growth)) + 1;

export class LatencyHistogram {
  readonly #counts = new Uint32Array(buckets);
  #total = 0;

  add(ms: number): void {
    const bucket = ms <= lowestMs ? 0 : Math.ceil(Math.log(ms / lowestMs) / Math.log(growth));
    const at = Math.min(bucket, buckets - 1);
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#total++;
  }

  /** Upper edge, in ms, of the bucket that holds the given share (0 to 1) of the measurements; 0 without any. */
  percentile(share: number): number {
    const wanted = Math.max(1, Math.ceil(this.#total * share));
    let seen = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count;
      if (this.#total > 0 && seen >= wanted) return lowestMs * growth ** bucket;
    }
    return 0;
  }
}
