/** The fault hooks of the in-memory service: what engine tests script. */
import { describe, expect, test } from "vitest";
import { createMemoryService, type RequestFault, type SearchFault } from "../../adapters/service/memory.ts";
import { searchCall, sendCall, serviceRow } from "./calls.ts";

function rig(fault: RequestFault | undefined, search?: SearchFault) {
  const faults = [fault];
  const service = createMemoryService({
    idempotency: "settles",
    now: () => 1,
    onSend: () => faults.shift(),
    onSearch: () => search,
  });
  return { service, row: serviceRow(8650) };
}

const lost = { kind: "inDoubt", code: "TIMEOUT", cause: "no answer in time" } as const;

describe("scripted faults", () => {
  test("G4: applied, and nobody knows", async () => {
    const { service, row } = rig({ answer: lost });
    const call = sendCall(row);
    expect(await service.send(call)).toMatchObject(lost);
    expect(service.truth()).toMatchObject({ requests: 1, creates: 1, open: 1 });
    expect(service.ticketOf(call.request.requestId)).toBe("MEM-1");
  });

  test("G4: not applied, and nobody knows", async () => {
    const { service, row } = rig({ applied: false });
    expect(await service.send(sendCall(row))).toMatchObject({ kind: "inDoubt", code: "RESET" });
    expect(service.truth()).toMatchObject({ requests: 1, creates: 0, tickets: 0 });
  });

  test("T1: applied late, when the test says: a blind resend in between is a duplicate", async () => {
    const late = Promise.withResolvers<void>();
    const { service, row } = rig({ applied: late.promise, answer: lost });
    const call = sendCall(row);
    await service.send(call);
    expect(service.truth().creates).toBe(0);
    await service.send(call);
    late.resolve();
    await late.promise;
    expect(service.truth()).toMatchObject({ creates: 2, duplicateOpen: 1 });
  });

  test("unreachable and NACK are given as they are, without effect", async () => {
    for (const answer of [
      { kind: "unreachable", code: "UNREACHABLE", cause: "refused" },
      { kind: "nack", code: "BUSY", cause: "later", ticketId: null },
    ] as const) {
      const { service, row } = rig({ applied: false, answer });
      expect(await service.send(sendCall(row))).toMatchObject(answer);
      expect(service.truth().creates).toBe(0);
    }
  });

  test("held: it answers when the test lets it, or is given up", async () => {
    const hold = Promise.withResolvers<void>();
    const { service, row } = rig({ hold: hold.promise }, { hold: hold.promise });
    const abort = new AbortController();
    const sent = service.send(sendCall(row));
    const searched = service.search(searchCall(row, {}, { signal: abort.signal }));
    abort.abort();
    expect(await searched).toMatchObject({ kind: "error", code: "TIMEOUT", cause: "given up" });
    hold.resolve();
    expect(await sent).toMatchObject({ kind: "ack", ticketId: "MEM-1" });
  });

  test("a search that fails", async () => {
    const answer = { kind: "error", code: "UNAVAILABLE", cause: "503", permanent: false } as const;
    const { service, row } = rig(undefined, { answer });
    expect(await service.search(searchCall(row))).toMatchObject(answer);
  });
});
