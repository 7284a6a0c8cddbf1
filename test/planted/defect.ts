/** One small breakage of the product that some test must catch. */
export interface Defect {
  readonly name: string;
  /** The laws it breaks. */
  readonly law: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly was: string;
  readonly becomes: string;
  /** Tests that are to catch it, `file` or `file#title` (a pattern), the closest first. */
  readonly tests: readonly string[];
}
