/** `/healthz`: the process answers. `/readyz`: alarms are accepted. Neither asks for a token or tells more than that. */
import type { ServerResponse } from "node:http";
import type { Route } from "./server.ts";
import { sendProblem } from "./problem.ts";

export type Readiness = "starting" | "ready" | "stopping" | "broken";

export function healthRoutes(readiness: () => Readiness): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/healthz",
      answer: (_request, response) => {
        if (readiness() === "broken")
          sendProblem(response, { status: 503, detail: "The ledger failed; this process is about to end." });
        else send(response, "ok");
      },
    },
    {
      method: "GET",
      path: "/readyz",
      answer: (_request, response) => {
        const state = readiness();
        if (state === "ready") send(response, state);
        else
          sendProblem(response, {
            status: 503,
            detail: `The engine is ${state}.`,
            headers: { "Retry-After": "1" },
          });
      },
    },
  ];
}

function send(response: ServerResponse, status: string): void {
  const body = JSON.stringify({ status });
  response.writeHead(200, {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "Content-Length": body.length,
  });
  response.end(body);
}
