/** `/api/openapi.json` and `/api/asyncapi.json`: made once, when first asked for; no token, for they tell nothing of this engine. */
import type { ServerResponse } from "node:http";
import type { Route } from "../server.ts";
import { asyncApiDocument } from "./asyncapi.ts";
import { openApiDocument } from "./openapi.ts";
import { apiPath } from "./exchange.ts";
import type { Operation } from "./operation.ts";

export function documentRoutes(operations: readonly Operation[]): readonly Route[] {
  return [
    document("/openapi.json", () => openApiDocument(operations)),
    document("/asyncapi.json", asyncApiDocument),
  ];
}

function document(path: string, make: () => unknown): Route {
  let text: string | null = null;
  return {
    method: "GET",
    path: `${apiPath}${path}`,
    answer(_request, response) {
      text ??= JSON.stringify(make());
      send(response, text);
    },
  };
}

function send(response: ServerResponse, text: string): void {
  response.writeHead(200, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) });
  response.end(text);
}
