/** The indexes over keys against a walk over all keys, after every step of random histories. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { entry } from "../../machines/entry.ts";
import { stateFromText, stateText } from "../../machines/fold-snapshot.ts";
import { keyStream, type State, type TicketIndex } from "../../machines/state.ts";
import { ticketName } from "../../machines/ticket-index.ts";
import { History, noon } from "./given.ts";

const keys = ["K1", "K2", "K3"];

type Step =
  | {
      readonly step: "link";
      readonly key: string;
      readonly ticket: string;
      readonly service: string;
      readonly elements: readonly string[];
    }
  | { readonly step: "lose"; readonly key: string; readonly ticket: string }
  | { readonly step: "close"; readonly key: string; readonly ticket: string; readonly service: string }
  | {
      readonly step: "cover";
      readonly key: string;
      readonly tickets: readonly (readonly [string, string])[];
    };

const key = fc.constantFrom(...keys);
const service = fc.constantFrom("OSB", "OTHER");
/** Each key has tickets of its own, as each ticket was made for one key. */
const ticket = fc.constantFrom("1", "2");
/** A service may list one twice. */
const elements = fc.array(fc.constantFrom("NE-1", "NE-2", "HUB"), { maxLength: 3 });

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    fc.record({ step: fc.constant("link" as const), key, ticket, service, elements }),
    fc.record({ step: fc.constant("lose" as const), key, ticket }),
    fc.record({ step: fc.constant("close" as const), key, ticket, service }),
    fc.record({
      step: fc.constant("cover" as const),
      key,
      tickets: fc.array(fc.tuple(fc.constantFrom("K1/1", "K1/2", "K2/1"), service), {
        minLength: 1,
        maxLength: 2,
      }),
    }),
  ),
  { maxLength: 25, size: "max" },
);

function take(history: History, one: Step): void {
  const stream = keyStream(one.key);
  history.now += 1;
  const at = history.now;
  if (one.step === "cover") {
    history.accept(`n${history.facts.length}`, { key: one.key, alarm: `a${history.facts.length}` });
    for (const [ticketId, home] of one.tickets) {
      const alarms = [history.key(one.key).waiting.at(-1)?.ref].filter((ref) => ref !== undefined);
      const cover = { ticketId, service: home, key: null, checks: 0, alarms };
      const parking = { reason: "covered", since: at, until: null, because: "", cover } as const;
      history.add(entry(stream, at, "key.parked", { key: one.key, parking }));
    }
    return;
  }
  const ticketId = `${one.key}/${one.ticket}`;
  if (one.step === "link") {
    const linked = { key: one.key, ticketId, service: one.service, networkElements: one.elements };
    const shown = { status: "acknowledged", severity: null, openedAt: null } as const;
    history.add(entry(stream, at, "ticket.linked", { ...linked, ...shown }));
  } else if (one.step === "lose") {
    const lost = { key: one.key, ticketId, status: null, claimKept: true, idempotency: "none" } as const;
    history.add(entry(stream, at, "ticket.lost", lost));
  } else {
    const done = { requestId: "by-hand", key: one.key, result: "ok", command: "close", because: "" } as const;
    const ended = { status: "closed", severity: null, openedAt: null } as const;
    history.add(
      entry(stream, at, "request.settled", {
        ...done,
        ticketId,
        service: one.service,
        ticket: ended,
        again: false,
      }),
    );
  }
}

/** As a walk over all keys has it. */
function walked(state: State): TicketIndex {
  const onElement = new Map<string, Map<string, string>>();
  const covered = new Map<string, Set<string>>();
  for (const { key: name, open, cover } of state.keys.values()) {
    for (const one of open.values())
      for (const element of one.elements) {
        const on = onElement.get(element) ?? new Map<string, string>();
        onElement.set(element, on.set(`${one.service} ${one.ticketId}`, name));
      }
    for (const one of cover?.tickets ?? []) covered.set(one, (covered.get(one) ?? new Set()).add(name));
  }
  return { onElement, covered };
}

/** Tickets that the step has ended, by their names. */
function endedBy(one: Step, before: ReadonlyMap<string, string>): string | null {
  if (one.step !== "lose" && one.step !== "close") return null;
  const home = before.get(`${one.key}/${one.ticket}`) ?? (one.step === "close" ? one.service : null);
  return home === null ? null : ticketName(home, `${one.key}/${one.ticket}`);
}

describe("D5 A8: where open tickets lie and what rests on them", () => {
  test("R1: the indexes are what a walk over all keys gives, and what a snapshot gives", () => {
    fc.assert(
      fc.property(steps, (drawn) => {
        const history = new History();
        for (const one of drawn) {
          take(history, one);
          expect(history.state.index).toEqual(walked(history.state));
          expect(stateFromText(stateText(history.state)).index).toEqual(history.state.index);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("A8: a cover ends when a ticket that it rests on does, at that moment, and by nothing else", () => {
    fc.assert(
      fc.property(steps, (drawn) => {
        const history = new History();
        for (const one of drawn) {
          const homes = new Map<string, string>();
          for (const { open } of history.state.keys.values())
            for (const { ticketId, service: home } of open.values()) homes.set(ticketId, home);
          const before = new Map([...history.state.keys].map(([name, { cover }]) => [name, cover]));
          take(history, one);
          const ended = endedBy(one, homes);
          for (const [name, was] of before) {
            const now = history.key(name).cover;
            if (was === null || one.key === name) continue; // its own step may drop or renew it
            const isOver = was.endedAt === null && ended !== null && was.tickets.includes(ended);
            expect(now).toEqual(isOver ? { ...was, endedAt: history.now } : was);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test("two services may use one ticket id: its end at one leaves what rests on the other's", () => {
    const history = new History();
    const at = (home: string): Step => ({ step: "cover", key: "K2", tickets: [["K1/1", home]] });
    take(history, at("OTHER"));
    take(history, { step: "link", key: "K1", ticket: "1", service: "OSB", elements: ["NE-1"] });
    take(history, { step: "lose", key: "K1", ticket: "1" });
    expect(history.key("K2").cover?.endedAt).toBeNull();
    take(history, { step: "close", key: "K1", ticket: "1", service: "OTHER" });
    expect(history.key("K2").cover?.endedAt).toBe(noon + 4);
  });
});
