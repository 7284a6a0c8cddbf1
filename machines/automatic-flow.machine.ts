/**
 * One automatic flow: one run for one key, child of the Ticket Client given to it.
 *   A5 one a key at a time.  A2 its end is an outcome or a parking, made durable by its client.
 * Search → decide → forward or stop → end; what each step is, `nextStep` says (flow-plan.ts).
 * Source: telenet-ticket-client.md, "Automatic Flow"; domain.md, "An alarm's way".
 */
import { assign, setup } from "xstate";
import { limits } from "./limits.ts";
import { noFindings, type FlowFindings, type FlowInput, type SearchFailure } from "./flow-input.ts";
import { nextStep, withRefusal } from "./flow-plan.ts";
import type { FlowStep } from "./flow-step.ts";
import { withStop } from "./sentence.ts";
import type {
  CloseCommand,
  ForwardCommand,
  ForwardReply,
  SearchCommand,
  SearchReply,
} from "./client-commands.ts";
import { ticketName } from "./ticket-index.ts";
import { isOpen, type ServiceInfo, type Ticket } from "./vocabulary.ts";

export type FlowCommand = SearchCommand | ForwardCommand | CloseCommand;

export interface AutomaticFlowInput extends FlowInput {
  /** Sends a command to the client that this flow holds. */
  readonly ask: (command: FlowCommand) => void;
}

export type AutomaticFlowEvent =
  | { readonly type: "search.done"; readonly reply: SearchReply }
  | { readonly type: "forward.done"; readonly reply: ForwardReply };

type SearchStep = Extract<FlowStep, { step: "search" }>;

/** What a flow knows, and what it does next. */
interface Progress {
  readonly findings: FlowFindings;
  readonly step: FlowStep;
  /** Failed tries of the search under way. */
  readonly tries: number;
}

export interface AutomaticFlowContext extends Progress {
  readonly input: AutomaticFlowInput;
}

/** How a forwarded request left the flow. */
function endOf(reply: ForwardReply): "settled" | "parked" {
  return reply.ok && reply.result === "settled" ? "settled" : "parked";
}

/** Adds what a search brought to what is known; `truncated`: the service has more than it showed. */
export function withAnswer(
  before: FlowFindings,
  step: FlowStep,
  tickets: readonly Ticket[],
  truncated = false,
): FlowFindings {
  if (step.step !== "search") return before;
  const findings = truncated ? withCut(before, step) : before;
  const { doubt } = findings;
  switch (step.purpose) {
    case "key":
      return { ...findings, doubt: { ...doubt, byKey: tickets } };
    case "elements":
      return { ...findings, elements: tickets };
    case "requestedBy":
      return { ...findings, doubt: { ...doubt, byRequest: tickets } };
    case "ticketId":
      return { ...findings, doubt: { ...doubt, byTicket: tickets } };
    case "verify": {
      const { ticketId = "" } = step.criteria;
      const ticket = tickets.find((one) => one.ticketId === ticketId) ?? null;
      if (ticket === null && truncated)
        return unread(
          findings,
          ticketId,
          `${step.service.name} did not show ticket ${ticketId}, and cut off its list.`,
        );
      return { ...findings, verified: new Map(findings.verified).set(ticketId, ticket) };
    }
    case "parent": {
      const { ticketId = "" } = step.criteria;
      const ticket = tickets.find((one) => one.ticketId === ticketId);
      return withParent(findings, step, ticket === undefined ? truncated : isOpen(ticket));
    }
    case "unknown":
      return {
        ...findings,
        unknown: new Map(findings.unknown).set(step.criteria.requestedBy ?? "", tickets),
      };
  }
}

function withCut(findings: FlowFindings, { purpose, criteria, service }: SearchStep): FlowFindings {
  const cut = new Set(findings.cut).add(purpose);
  if (purpose !== "key" && purpose !== "elements") return { ...findings, cut };
  const what = purpose === "key" ? `of ${criteria.clientReference}` : "on the path";
  const note = `${service.name} cut off its list of tickets ${what}: more may be open.`;
  return { ...findings, cut, notes: [...findings.notes, note] };
}

function withParent(
  findings: FlowFindings,
  { service, criteria }: SearchStep,
  isOpenThere: boolean,
): FlowFindings {
  const name = ticketName(service.name, criteria.ticketId ?? "");
  return { ...findings, parents: new Map(findings.parents).set(name, isOpenThere) };
}

function unread(findings: FlowFindings, ticketId: string, note: string): FlowFindings {
  const { notes } = findings;
  return { ...findings, unread: new Set(findings.unread).add(ticketId), notes: [...notes, note] };
}

/**
 * A search that failed and without which the flow goes on; null: it needs the answer. A lost create was not found this
 * time, which holds up another create (T1) and nothing else; a ticket at a service that is not selected counts as it is
 * known.
 */
export function withoutAnswer(
  findings: FlowFindings,
  step: FlowStep,
  selected: ServiceInfo,
  { code, cause }: SearchFailure,
): FlowFindings | null {
  if (step.step !== "search") return null;
  const { service, criteria, purpose } = step;
  const { requestedBy = "", ticketId = "" } = criteria;
  const said = `could not be looked up at ${service.name} (${code}): ${withStop(cause)}`;
  if (purpose === "unknown") {
    const unknown = new Map(findings.unknown).set(requestedBy, []);
    return { ...findings, unknown, notes: [...findings.notes, `Create ${requestedBy} ${said}`] };
  }
  const note = `Ticket ${ticketId} ${said}`;
  if (purpose === "parent") return { ...withParent(findings, step, true), notes: [...findings.notes, note] };
  if (purpose !== "verify" || service.name === selected.name) return null;
  return unread(findings, ticketId, note);
}

/** D1: a search that failed is tried again a few times, unless it cannot help. */
function afterSearch(context: AutomaticFlowContext, reply: SearchReply): Progress {
  const { input, findings, step, tries } = context;
  if (reply.ok) {
    const known = withAnswer(findings, step, reply.tickets, reply.truncated);
    const learned = reply.path === undefined ? known : { ...known, path: reply.path };
    return { findings: learned, step: nextStep(input, learned, null, reply.at), tries: 0 };
  }
  const without = withoutAnswer(findings, step, input.service, reply.failure);
  // What counts as it is known in any case is asked for once: a service that is gone must not outlast the lock.
  const isOnce = without !== null && step.step === "search" && step.purpose !== "unknown";
  if (!isOnce && !reply.failure.permanent && tries + 1 < limits.searchTriesMax)
    return { findings, step, tries: tries + 1 };
  if (without !== null)
    return { findings: without, step: nextStep(input, without, null, reply.at), tries: 0 };
  // What counts as an answer stays one: else the search that comes after it is taken for the look-up again.
  const known = withRefusal(input, findings, reply.failure) ?? findings;
  return { findings: known, step: nextStep(input, findings, reply.failure, reply.at), tries: 0 };
}

interface Moment {
  readonly context: AutomaticFlowContext;
  readonly event: AutomaticFlowEvent;
}

/** Guards and action of one transition ask the same: the last answer is kept, be it an error. */
let last: (Moment & { readonly progress: Progress | null; readonly error?: unknown }) | null = null;

/** After the event, or as it was at the start; null: what decides has thrown. */
function foreseen({ context, event }: Moment): Progress | null {
  if (event.type !== "search.done") return context;
  if (last?.context === context && last.event === event) return last.progress;
  try {
    last = { context, event, progress: afterSearch(context, event.reply) };
  } catch (error) {
    last = { context, event, progress: null, error };
  }
  return last.progress;
}

/** R6: the action throws what a guard has met, in its own words. */
function progress(moment: Moment): Progress {
  const after = foreseen(moment);
  if (after === null) throw last?.error;
  return after;
}

export const automaticFlowMachine = setup({
  types: {
    context: {} as AutomaticFlowContext,
    events: {} as AutomaticFlowEvent,
    input: {} as AutomaticFlowInput,
  },
  delays: {
    searchRetry: ({ context }) => limits.searchRetryDelayMs * 2 ** (context.tries - 1),
  },
  guards: {
    mayTryAgain: (moment) => (foreseen(moment)?.tries ?? 0) > 0,
    mustSearch: (moment) => foreseen(moment)?.step.step === "search",
    mustForward: (moment) => foreseen(moment)?.step.step === "forward",
  },
  actions: {
    askSearch: ({ context, self }) => {
      const { step, input, tries } = context;
      if (step.step !== "search") return;
      const { lockGuid, fence, key } = input;
      input.ask({
        type: "client.search",
        lockGuid,
        fence,
        criteria: step.criteria,
        service: step.service,
        key: key.key,
        attempt: tries + 1,
        ...(step.look === undefined ? {} : { look: step.look }),
        reply: (reply) => self.send({ type: "search.done", reply }),
      });
    },
    askForward: ({ context, self }) => {
      const { step, input } = context;
      if (step.step !== "forward") return;
      const { lockGuid, fence } = input;
      input.ask({
        type: "client.forward",
        lockGuid,
        fence,
        request: step.request,
        entries: step.entries,
        reply: (reply) => self.send({ type: "forward.done", reply }),
      });
    },
    askClose: ({ context, event }) => {
      const { step, input } = context;
      const { lockGuid, fence } = input;
      if (event.type === "forward.done")
        input.ask({ type: "client.close", lockGuid, fence, entries: [], result: endOf(event.reply) });
      else if (step.step === "end")
        input.ask({ type: "client.close", lockGuid, fence, entries: step.entries, result: step.result });
    },
    learn: assign(progress),
  },
}).createMachine({
  id: "automaticFlow",
  initial: "deciding",
  options: { maxIterations: limits.machineIterationsMax },
  context: ({ input }) => ({
    input,
    findings: noFindings,
    step: nextStep(input, noFindings, null, input.startedAt),
    tries: 0,
  }),
  states: {
    deciding: {
      always: [
        { guard: "mustSearch", target: "searching" },
        { guard: "mustForward", target: "forwarding" },
        { target: "ended" },
      ],
    },
    searching: {
      entry: "askSearch",
      on: {
        "search.done": [
          { guard: "mayTryAgain", target: "pausing", actions: "learn" },
          { guard: "mustSearch", target: "searching", reenter: true, actions: "learn" },
          { guard: "mustForward", target: "forwarding", actions: "learn" },
          { target: "ended", actions: "learn" },
        ],
      },
    },
    pausing: { after: { searchRetry: "searching" } },
    forwarding: {
      entry: "askForward",
      on: { "forward.done": "ended" },
    },
    ended: { type: "final", entry: "askClose" },
  },
});
