/** Requests: attempts, doubt, async results, the gateway. */
import type { Defect } from "./defect.ts";

export const requestDefects: readonly Defect[] = [
  {
    name: "resend after a crash in sending",
    law: "G2",
    file: "machines/recovery.ts",
    was: `if (request.status === "planned" && !restored) {`,
    becomes: `if ((request.status === "planned" || request.status === "sending") && !restored) {`,
    tests: ["test/engine/recovery.test.ts#G2"],
  },
  {
    name: "a gateway that crashed sends what it was sending again",
    law: "G2",
    file: "actors/crash-recovery.ts",
    was: `status === "planned"
          ? cancelRequest(`,
    becomes: `status !== "async"
          ? cancelRequest(`,
    tests: ["test/engine/races.test.ts", "test/engine/failures.test.ts"],
  },
  {
    name: "send before it is durable",
    law: "G2",
    file: "actors/gateway.ts",
    was: `const result = await journal.append(
    [
      entry(keyStream(key), at, "request.sending", { requestId, key, clientId, lockGuid, attempt }),`,
    becomes: `if (planned) {
    journal.note([entry(keyStream(key), at, "request.sending", { requestId, key, clientId, lockGuid, attempt })], expect);
    return { attempt };
  }
  const result = await journal.append(
    [
      entry(keyStream(key), at, "request.sending", { requestId, key, clientId, lockGuid, attempt }),`,
    tests: ["test/engine/gateway.test.ts"],
  },
  {
    name: "what was cancelled is sent",
    law: "T1 L4",
    file: "actors/gateway.ts",
    was: `if (item.isPlanned() && !planned) return false;`,
    becomes: ``,
    tests: ["test/engine/failures.test.ts"],
  },
  {
    name: "a create beside a ticket that was found meanwhile",
    law: "T1",
    file: "actors/gateway.ts",
    was: `for (const ticketId of key.open.keys()) if (!openBefore.has(ticketId)) return ticketId;`,
    becomes: ``,
    tests: ["test/engine/crossings.test.ts"],
  },
  {
    name: "what an async OK has confirmed is sent again",
    law: "T1",
    file: "actors/gateway.ts",
    was: `  if (planned && isConfirmed(known.request)) return false;`,
    becomes: ``,
    tests: ["test/engine/unnamed-results.test.ts"],
  },
  {
    name: "a flow decides what was settled while it looked",
    law: "A2",
    file: "machines/flow-plan.ts",
    was: `  if (request === null && !hasAlarms(input)) return end("settled", []);`,
    becomes: ``,
    tests: ["test/engine/unnamed-results.test.ts"],
  },
  {
    name: "a plan that crossed the end of its lock stays",
    law: "L4",
    file: "actors/gateway.ts",
    was: `    await endPlanned(ports, item, "Its flow's lock ended before it was sent.");`,
    becomes: ``,
    tests: ["test/engine/crossings.test.ts"],
  },
  {
    name: "an exchange that outlived its gateway is judged again",
    law: "G2",
    file: "actors/gateway.ts",
    was: `  if (known.status !== "sending" || known.attempts !== attempt) return exchangeMs;`,
    becomes: ``,
    tests: ["test/engine/broken-off.test.ts"],
  },
  {
    name: "an early OK is forgotten when the answer says not applied",
    law: "T1 G5",
    file: "machines/request.ts",
    was: `if (early?.result === "OK" && !isFinal(answer)) {`,
    becomes: `if (early?.result === "OK" && answer.kind === "ack") {`,
    tests: ["test/machines/early-results.test.ts"],
  },
  {
    name: "new request id per attempt",
    law: "G3 T1",
    file: "actors/gateway.ts",
    was: `.send({ service: request.service, signal, request, attempt })`,
    becomes: `.send({
      service: request.service,
      signal,
      request: { ...request, requestId: \`\${request.requestId}\${attempt === 1 ? "" : attempt}\` },
      attempt,
    })`,
    tests: ["test/engine/gateway.test.ts"],
  },
  {
    name: "another payload in a later attempt",
    law: "G3",
    file: "machines/flow-plan.ts",
    was: `const { requestId, service, payload } = request;`,
    becomes: `const { requestId, service } = request;
      const payload =
        request.payload.command === "create" ? { ...request.payload, startAt: now } : request.payload;`,
    tests: ["test/engine/gateway.test.ts"],
  },
  {
    name: "search at once before a retry",
    law: "G4 T1",
    file: "machines/settlement.ts",
    was: `return request.service.settleSeconds * 1000;`,
    becomes: `return 0;`,
    tests: ["test/machines/request.test.ts", "test/engine/gateway.test.ts"],
  },
  {
    name: "a service without a promise is sent a doubtful create again",
    law: "T1 G4",
    file: "machines/doubt.ts",
    was: `  if (idempotency === "requestId" && mayRetry) {`,
    becomes: `  if (idempotency !== "settles" && mayRetry) {`,
    tests: ["test/machines/request.test.ts", "test/engine/gateway.test.ts"],
  },
  {
    name: "a second create while one is unknown",
    law: "T1",
    file: "machines/decision.ts",
    was: `if (unknown !== undefined) {`,
    becomes: `if (unknown !== undefined && input.openTicketsTotal > 0) {`,
    tests: ["test/machines/hard-cases.test.ts", "test/engine/gateway.test.ts", "test/engine/verdict.test.ts"],
  },
  {
    name: "a claim that does not hold is not reported",
    law: "T2",
    file: "machines/reconcile.ts",
    was: `claimKept: ticket !== null,`,
    becomes: `claimKept: true,`,
    tests: ["test/machines/open-tickets.test.ts", "test/engine/gateway.test.ts"],
  },
  {
    name: "NACK retried",
    law: "G3",
    file: "machines/request.ts",
    was: `return settled([...answered("nack", "nack"), ...settle(key, request, at, rejected(answer))]);`,
    becomes: `if (mayRetry)
        return parked([
          ...answered("nack", "nack"),
          park(key, at, "outage", retryDelay(request), "The service refused."),
        ]);
      return settled([...answered("nack", "nack"), ...settle(key, request, at, rejected(answer))]);`,
    tests: ["test/machines/request.test.ts"],
  },
  {
    name: "a fourth retry",
    law: "G3",
    file: "machines/request.ts",
    was: `const mayRetry = request.spent < limits.attemptsMax;`,
    becomes: `const mayRetry = request.spent <= limits.attemptsMax;`,
    tests: ["test/machines/request.test.ts"],
  },
  {
    name: "retry count reset by restart",
    law: "G3 R2",
    file: "machines/recovery.ts",
    was: `entries.push(...recoverRequest(key, key.request, restored, at));`,
    becomes: `key.request.spent = Math.min(1, key.request.spent);
    entries.push(...recoverRequest(key, key.request, restored, at));`,
    tests: ["test/machines/flow-end.test.ts", "test/machines/hard-cases.test.ts"],
  },
  {
    name: "retries without growing waits",
    law: "G3",
    file: "machines/settlement.ts",
    was: `return limits.retryDelayMs * 2 ** Math.max(0, request.spent - 1);`,
    becomes: `return limits.retryDelayMs;`,
    tests: ["test/machines/request.test.ts"],
  },
  {
    name: "a new request does not wait for the one in flight",
    law: "G1",
    file: "machines/gateway.machine.ts",
    was: `on: { "gateway.enqueue": { actions: "enqueue" } },`,
    becomes: `on: { "gateway.enqueue": { target: ".idle", actions: "enqueue" } },`,
    tests: ["test/machines/gateway.test.ts"],
  },
  {
    name: "the oldest starves behind creates",
    law: "G1",
    file: "machines/lanes.ts",
    was: `const fair = this.#turn % limits.oldestEveryTurns === 0;`,
    becomes: `const fair = this.#turn < 0;`,
    tests: ["test/machines/lanes.test.ts"],
  },
  {
    name: "an answer counts for the request that is there now",
    law: "G5",
    file: "machines/async-result.ts",
    was: `const request = key?.request?.requestId === requestId ? key.request : null;`,
    becomes: `const request = key?.request ?? null;`,
    tests: ["test/machines/async-result.test.ts", "test/engine/async-results.test.ts"],
  },
  {
    name: "async before ACK dropped",
    law: "G5",
    file: "machines/fold-request.ts",
    was: `request.asyncResult = { result, ticketId: ticketId ?? before, code, cause };`,
    becomes: `if (request.status !== "sending") request.asyncResult = { result, ticketId: ticketId ?? before, code, cause };`,
    tests: ["test/engine/async-results.test.ts", "test/machines/model.test.ts"],
  },
  {
    name: "async twice gives two outcomes",
    law: "G5 A2",
    file: "machines/async-result.ts",
    was: `if (before.result === "ok") return isNewName;`,
    becomes: `if (before.result === "ok") return true;`,
    tests: ["test/machines/async-result.test.ts", "test/engine/async-results.test.ts"],
  },
  {
    name: "late async ignored",
    law: "G5 A2",
    file: "machines/async-result.ts",
    was: `if (key === null || before === null || !corrects(before, input)) return [told, late];`,
    becomes: `if (key !== null || before === null) return [told, late];`,
    tests: ["test/machines/async-result.test.ts", "test/engine/async-results.test.ts"],
  },
  {
    name: "an async result for nobody leaves no row",
    law: "G5",
    file: "machines/async-result.ts",
    was: `if (key === null || before === null || !corrects(before, input)) return [told, late];`,
    becomes: `if (key === null) return [told];
  if (before === null || !corrects(before, input)) return [told, late];`,
    tests: ["test/machines/async-result.test.ts", "test/engine/async-results.test.ts"],
  },
  {
    name: "service switched under a running request",
    law: "G3 T1",
    file: "machines/flow-plan.ts",
    was: `          service,
          payload,
        },
        entries: [
          decided(
            input,
            { rule: request.rule, decision: "resend",`,
    becomes: `          service: input.service,
          payload,
        },
        entries: [
          decided(
            input,
            { rule: request.rule, decision: "resend",`,
    tests: ["test/machines/flow-plan.test.ts"],
  },
  {
    name: "a close goes to the service selected by now",
    law: "T1",
    file: "machines/carry-out.ts",
    was: `const home = ticketId === null ? input.service.name : homeOf(input, ticketId, homes);`,
    becomes: `const home = input.service.name;`,
    tests: ["test/machines/flow-plan.test.ts"],
  },
  {
    name: "a late result of a close is about no ticket unless it names one",
    law: "A8",
    file: "machines/async-result.ts",
    was: `return before.command === "create" ? (named ?? before.ticketId) : (before.ticketId ?? named);`,
    becomes: `return named;`,
    tests: ["test/engine/late-results.test.ts"],
  },
  {
    name: "a late result opens again what was closed since",
    law: "A8",
    file: "machines/async-result.ts",
    was: `if (closed?.service !== before.service) return false;`,
    becomes: `if (closed?.service !== "") return false;`,
    tests: ["test/engine/late-results.test.ts"],
  },
  {
    name: "a late result replaces an outcome given since",
    law: "A2",
    file: "machines/fold.ts",
    was: `if (supersedes !== null) forgetOutcome(state, key, alarm.position, requestId);`,
    becomes: ``,
    tests: ["test/engine/late-results.test.ts"],
  },
  {
    name: "whatever a look-up by request id shows is its own",
    law: "T1",
    file: "machines/doubt.ts",
    was: `const own = found.byRequest.find((one) => isOwn(request, one));
  if (own !== undefined) {`,
    becomes: `const own = found.byRequest[0];
  if (own !== undefined) {`,
    tests: ["test/engine/foreign-answers.test.ts"],
  },
  {
    name: "an answer's ticket counts for an update, not the request's",
    law: "T1",
    file: "machines/settlement.ts",
    was: `const target = "ticketId" in payload ? payload.ticketId : how.ticketId;`,
    becomes: `const target = how.ticketId ?? ("ticketId" in payload ? payload.ticketId : null);`,
    tests: ["test/engine/foreign-answers.test.ts"],
  },
  {
    name: "a restored doubt that was being looked into is sent again at once",
    law: "R4",
    file: "machines/recovery.ts",
    was: `const waitsInDoubt = request.status === "inDoubt" && key.parked?.reason === "inDoubt";`,
    becomes: `const waitsInDoubt = request.status === "inDoubt";`,
    tests: ["test/engine/recovery.test.ts#R4"],
  },
];
