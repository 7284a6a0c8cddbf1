/**
 * Answers remembered by `Idempotency-Key`, so that a command sent again has no second effect. Of one process: what
 * a restart forgets is kept harmless by the commands themselves, which name what they saw.
 *   S3 so many answers for so long.
 */
import { limits } from "../../../machines/limits.ts";

export interface RememberedAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export type Attempt =
  | { readonly kind: "first"; readonly done: (answer: RememberedAnswer | null) => void }
  | { readonly kind: "again"; readonly answer: RememberedAnswer }
  | { readonly kind: "inProgress" }
  | { readonly kind: "otherRequest" };

interface Remembered {
  readonly digest: string;
  readonly since: number;
  answer: RememberedAnswer | null;
}

export class IdempotencyKeys {
  readonly #monotonicMs: () => number;
  readonly #known = new Map<string, Remembered>();

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /**
   * @param digest of method, path, query and body. `done`: the answer to give again, or null to forget the attempt
   * (it failed on our side and may be tried again).
   */
  begin(principal: string, key: string, digest: string): Attempt {
    const name = JSON.stringify([principal, key]);
    this.#forgetOld();
    const known = this.#known.get(name);
    if (known !== undefined) {
      if (known.digest !== digest) return { kind: "otherRequest" };
      return known.answer === null ? { kind: "inProgress" } : { kind: "again", answer: known.answer };
    }
    this.#makeRoom();
    const attempt: Remembered = { digest, since: this.#monotonicMs(), answer: null };
    this.#known.set(name, attempt);
    return {
      kind: "first",
      done: (answer) => {
        if (answer === null) this.#known.delete(name);
        else attempt.answer = answer;
      },
    };
  }

  #forgetOld(): void {
    const since = this.#monotonicMs() - limits.idempotencySeconds * 1000;
    for (const [name, { since: at, answer }] of this.#known) {
      if (at >= since) return;
      if (answer !== null) this.#known.delete(name);
    }
  }

  /** The oldest leaves; one in progress stays, for its effect is not known yet. */
  #makeRoom(): void {
    for (const [name, { answer }] of this.#known) {
      if (this.#known.size < limits.idempotencyKeysKept) return;
      if (answer !== null) this.#known.delete(name);
    }
  }
}
