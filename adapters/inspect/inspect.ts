/**
 * The inspector's edge: the WebSocket `/inspect`, for receivers and viewers of `@statelyai/inspect`.
 *   S1 S2 S3 in ../http/readers.ts; F3 F4 in actors/inspection.ts; S4 in actors/inspection-frames.ts.
 * Protocol: README.md beside this file.
 */
import type { Inspection } from "../../actors/inspection.ts";
import { inspectPath } from "../../actors/socket-messages.ts";
import { limits } from "../../machines/limits.ts";
import { attachReaders, type ReaderEdge, type ReaderEdgeOptions } from "../http/readers.ts";
import { readInspectRequest } from "./request.ts";

export interface InspectorOptions extends ReaderEdgeOptions {
  readonly inspection: Inspection;
}

export function attachInspector({ inspection, authorize, ...options }: InspectorOptions): ReaderEdge {
  return attachReaders(
    {
      name: "inspector",
      path: inspectPath,
      // The official receiver offers none.
      subprotocol: null,
      readersMax: limits.inspectReadersMax,
      source: inspection,
      readRequest: readInspectRequest,
    },
    {
      ...options,
      ...(authorize === undefined
        ? undefined
        : { authorize: (authorization) => authorize(asBearer(authorization)) }),
    },
  );
}

/** The official receiver takes a URL and nothing else: `ws://any:TOKEN@host/inspect` arrives as Basic. */
function asBearer(authorization: string | undefined): string | undefined {
  const [, encoded] = /^Basic ([A-Za-z0-9+/=]{1,2048})$/i.exec(authorization ?? "") ?? [];
  if (encoded === undefined) return authorization;
  const pair = Buffer.from(encoded, "base64").toString("utf8");
  return `Bearer ${pair.slice(pair.indexOf(":") + 1)}`;
}
