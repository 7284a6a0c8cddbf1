/** Readers of the inspector for tests: what they were told, without sockets or through the official receiver. */
import { createWebSocketReceiver } from "@statelyai/inspect";
import type { FeedReader } from "../../actors/feed.ts";

/** As the official receiver's types have it, and what its types leave open. */
export interface Frame {
  readonly type: "@xstate.actor" | "@xstate.event" | "@xstate.snapshot";
  readonly sessionId: string;
  readonly rootId: string;
  readonly _version: string;
  readonly createdAt: string;
  readonly name?: string;
  readonly parentId?: string;
  readonly sourceId?: string;
  readonly definition?: string;
  readonly event?: { readonly type: string } & Record<string, unknown>;
  readonly snapshot?: {
    readonly status: string;
    readonly value?: string;
    readonly context?: Record<string, unknown>;
    readonly children?: Record<string, unknown>;
    readonly error?: unknown;
  };
}

export class WatchingReader implements FeedReader {
  readonly frames: Frame[] = [];
  /** What the inspection is told lies in the buffer; 0 = everything is taken at once. */
  buffered = 0;
  closed: { readonly code: number; readonly reason: string } | null = null;

  send(text: string): void {
    if (this.closed !== null) throw new Error("sent after close");
    this.frames.push(JSON.parse(text) as Frame);
  }
  bufferedBytes(): number {
    return this.buffered;
  }
  close(code: number, reason: string): void {
    this.closed = { code, reason };
  }
}

/** Frames as the official receiver tells them, from when it is attached. */
export function receive(url: string): Frame[] {
  const frames: Frame[] = [];
  createWebSocketReceiver({ server: url.replace(/^http/, "ws") }).subscribe((told) => {
    frames.push(told as unknown as Frame);
  });
  return frames;
}

/** States of one actor in the order told, the first from its definition; the same twice in a row counts once. */
export function statesOf(frames: readonly Frame[], id: string): string[] {
  const states = frames.flatMap(({ sessionId, snapshot }) =>
    sessionId === id && snapshot?.value !== undefined ? [snapshot.value] : [],
  );
  return states.filter((state, index) => state !== states[index - 1]);
}

export function idsOf(frames: readonly Frame[]): string[] {
  return frames.flatMap(({ type, sessionId }) => (type === "@xstate.actor" ? [sessionId] : []));
}

/** Frames that came before the definition of their actor, or definitions before that of their parent. */
export function untimely(frames: readonly Frame[]): Frame[] {
  const told = new Set<string>();
  return frames.filter((frame) => {
    if (frame.type !== "@xstate.actor") return !told.has(frame.sessionId);
    told.add(frame.sessionId);
    return frame.parentId !== undefined && !told.has(frame.parentId);
  });
}
