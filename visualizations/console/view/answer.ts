/** What the engine said when a page asked it: asked when the page opens and whenever `asked` changes. */
import { useEffect, useState } from "preact/hooks";
import { api, lives } from "../live.ts";

export interface Asking<T> {
  /** null: not yet answered. Of the last question that was answered. */
  readonly value: T | null;
  /** When that answer came. */
  readonly at: number | null;
  readonly refusal: string | null;
  readonly reload: () => Promise<void>;
}

/** `path`: below `/api`; null asks nothing. `asked`: when it changes the question is put anew. */
export function useAnswer<T>(path: string | null, asked: unknown = null): Asking<T> {
  const [said, setSaid] = useState<Omit<Asking<T>, "reload"> & { readonly path: string | null }>({
    path: null,
    value: null,
    at: null,
    refusal: null,
  });
  async function load(isStill: () => boolean = () => true): Promise<void> {
    if (path === null) return;
    const answer = await api<T>({ method: "GET", path });
    if (!isStill()) return;
    if (answer.ok) setSaid({ path, value: answer.value, at: Date.now(), refusal: null });
    else setSaid((before) => ({ ...before, path, refusal: answer.problem.detail }));
  }
  useEffect(() => {
    let isStill = true;
    void load(() => isStill);
    return () => {
      isStill = false;
    };
  }, [path, asked]);
  const { value, at, refusal } = said;
  useAgain(refusal, load);
  return { value, at, refusal, reload: () => load() };
}

/** What was refused is asked once more when the line has come to life: a token was given, or the engine is back. */
export function useAgain(refusal: string | null, load: () => Promise<void>): void {
  const life = lives.value;
  useEffect(() => {
    if (refusal !== null) void load();
  }, [life]);
}
