/** What an acceptance is to a program that would rather not look at every kind of it. */
import { FailureError } from "../machines/failure.ts";
import type { Notification, Position } from "../machines/vocabulary.ts";
import type { Acceptance } from "./ports.ts";

/** Throws a FailureError (CONFLICT, OVERLOADED, STOPPING) where the alarm was refused. */
export function acceptedOrThrow(
  told: Acceptance,
  notification: Notification,
): { readonly position: Position; readonly duplicate: boolean } {
  switch (told.kind) {
    case "accepted":
      return { position: told.position, duplicate: told.duplicate };
    case "conflict":
      throw new FailureError(
        "CONFLICT",
        `Alarm ${notification.id} of ${notification.source} was accepted before with other content.`,
      );
    case "overloaded":
      throw new FailureError(
        "OVERLOADED",
        `Too many alarms are unsettled; try again in ${told.retryAfterMs} ms.`,
      );
    case "stopping":
      throw new FailureError("STOPPING", "The engine is stopping; send the alarm again after its restart.");
  }
}
