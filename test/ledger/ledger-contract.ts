/**
 * What every ledger must do, run against each adapter. A harness keeps one storage, so that a test can close a
 * ledger and open it again.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Ledger } from "../../actors/ports.ts";
import { limits } from "../../machines/limits.ts";
import { acceptance, all, note, notes, textOf } from "./sample-facts.ts";

export interface LedgerHarness {
  open(): Promise<Ledger>;
  /** Opens it with room for some more facts, but not for a thousand of 4 kB. */
  openNearlyFull(): Promise<Ledger>;
  dispose(): Promise<void>;
}

export function describeLedger(name: string, makeHarness: () => Promise<LedgerHarness>): void {
  describe(name, () => {
    let harness: LedgerHarness;
    let ledger: Ledger;
    beforeEach(async () => {
      harness = await makeHarness();
      ledger = await harness.open();
    });
    afterEach(async () => {
      await ledger.close();
      await harness.dispose();
    });

    async function reopen(): Promise<void> {
      await ledger.close();
      ledger = await harness.open();
    }

    test("A1: what append resolved with is what the next opening reads", async () => {
      const first = await ledger.append(acceptance("b1", "alarm-1"));
      const second = await ledger.append(notes("b2", "audit", ["ä", "\u0000", '"\\', "𝄞", "a\nb"]));
      const facts = [first, second].flatMap((result) => (result.kind === "committed" ? result.facts : []));
      expect(facts).toHaveLength(6);
      await reopen();
      expect(await all(ledger.read(0, 100))).toEqual(facts);
    });

    test("A1: nothing is read, and the head does not move, before the commit", async () => {
      const pending = ledger.append(acceptance("b1", "alarm-1"));
      expect(ledger.head().position).toBe(0);
      expect(await all(ledger.read(0, 10))).toEqual([]);
      await pending;
      expect(ledger.head().position).toBe(1);
    });

    test("what goes ahead comes before the others of its turn, in its own order, and is answered first", async () => {
      const order: string[] = [];
      const append = async (text: string, how: { ahead?: boolean; urgent?: boolean } = {}) => {
        const result = await ledger.append({ ...notes(text, "audit", [text]), ...how });
        order.push(text);
        return result.kind === "committed" ? result.position : 0;
      };
      const told = await Promise.all([
        append("a"),
        append("b"),
        append("c", { ahead: true }),
        append("d"),
        append("e", { ahead: true, urgent: true }),
        append("f"),
        append("g", { urgent: true }),
      ]);
      expect(told).toEqual([3, 4, 1, 5, 2, 6, 7]);
      expect(order).toEqual(["c", "e", "a", "b", "d", "f", "g"]);
      expect((await all(ledger.read(0, 10))).map(textOf)).toEqual(order);
    });

    test("what went ahead is acted on before the others of its group are answered; closing answers all", async () => {
      const order: string[] = [];
      const others = Array.from({ length: 3 }, async (_, n) => {
        await ledger.append(notes(`other${n}`, "audit", ["other"]));
        order.push(`other${n}`);
      });
      const first = ledger.append({ ...notes("first", "audit", ["first"]), ahead: true, urgent: true });
      await first;
      order.push("first");
      const second = ledger.append({ ...notes("second", "audit", ["second"]), ahead: true, urgent: true });
      order.push("asked for second");
      await ledger.close();
      await Promise.all([...others, second]);
      expect(order).toEqual(["first", "asked for second", "other0", "other1", "other2"]);
      await reopen();
    });

    test("positions rise by one in the order of the calls, and promises resolve in that order", async () => {
      const order: number[] = [];
      const results = await Promise.all(
        Array.from({ length: 50 }, async (_, index) => {
          const result = await ledger.append(notes(`b${index}`, "audit", [`${index}.0`, `${index}.1`]));
          order.push(index);
          return result;
        }),
      );
      expect(order).toEqual(Array.from({ length: 50 }, (_, index) => index));
      expect(results.map((result) => result.kind === "committed" && result.position)).toEqual(
        Array.from({ length: 50 }, (_, index) => index * 2 + 2),
      );
      expect(await positions(all(ledger.read(0, 1_000)))).toEqual(
        Array.from({ length: 100 }, (_, index) => index + 1),
      );
    });

    test("A4: the same alarm twice in one turn, later and after a restart is accepted once", async () => {
      const conflict = { kind: "conflict", streams: ["alarm/urn%3Atest/alarm-1"] };
      const together = await Promise.all([
        ledger.append(acceptance("b1", "alarm-1")),
        ledger.append(acceptance("b2", "alarm-1")),
      ]);
      expect(together[0].kind).toBe("committed");
      expect(together[1]).toEqual(conflict);
      expect(await ledger.append(acceptance("b3", "alarm-1"))).toEqual(conflict);
      await reopen();
      expect(await ledger.append(acceptance("b4", "alarm-1"))).toEqual(conflict);
      expect(ledger.head().position).toBe(1);
    });

    test("L3: an expectation is judged against the earlier appends of its own group", async () => {
      await ledger.append(notes("b1", "client/client-01", ["locked"]));
      const [moves, stale, fresh] = await Promise.all([
        ledger.append(
          notes("b2", "client/client-01", ["forced"], [{ stream: "client/client-01", revision: 1 }]),
        ),
        ledger.append(notes("b3", "gateway/a", ["sending"], [{ stream: "client/client-01", revision: 1 }])),
        ledger.append(notes("b4", "gateway/a", ["sending"], [{ stream: "client/client-01", revision: 2 }])),
      ]);
      expect(moves.kind).toBe("committed");
      expect(stale).toEqual({ kind: "conflict", streams: ["client/client-01"] });
      expect(fresh.kind === "committed" && fresh.position).toBe(3);
    });

    test("L3: appends of later turns do not wait for those before, are judged after them and resolve in order", async () => {
      const results: string[] = [];
      const expected: string[] = [];
      const underWay: Promise<unknown>[] = [];
      let revision = 0;
      for (let n = 0; n < 40; n += 1) {
        const stale = n % 3 === 2;
        const batch = notes(`b${n}`, "key/a", [`${n}`], [{ stream: "key/a", revision: revision - +stale }]);
        underWay.push(ledger.append(batch).then(({ kind }) => results.push(`${n} ${kind}`)));
        expected.push(`${n} ${stale ? "conflict" : "committed"}`);
        if (!stale) revision += 1;
        // oxlint-disable-next-line no-await-in-loop -- a turn each
        await new Promise(setImmediate);
      }
      await Promise.all(underWay);
      expect(results).toEqual(expected);
      expect(ledger.head().position).toBe(revision);
    });

    test("a batch in conflict writes nothing and names only the streams that moved; its neighbours stand", async () => {
      await ledger.append(notes("b1", "key/a", ["one"]));
      const [before, conflict, after] = await Promise.all([
        ledger.append(notes("b2", "key/b", ["two"])),
        ledger.append(
          notes(
            "b3",
            "key/c",
            ["never", "never"],
            [
              { stream: "key/a", revision: 0 },
              { stream: "key/c", revision: 0 },
              { stream: "key/b", revision: 0 },
            ],
          ),
        ),
        // Seen further than its last fact: nothing lies behind that.
        ledger.append(notes("b4", "key/c", ["three"], [{ stream: "key/c", revision: 9 }])),
      ]);
      expect(conflict).toEqual({ kind: "conflict", streams: ["key/a", "key/b"] });
      expect([before.kind, after.kind]).toEqual(["committed", "committed"]);
      expect((await all(ledger.read(0, 10))).map(textOf)).toEqual(["one", "two", "three"]);
    });

    test("the same batch id again gives the first result and writes nothing, in one turn and later", async () => {
      const batch = notes("b1", "audit", ["once", "only"]);
      const [first, again] = await Promise.all([ledger.append(batch), ledger.append(batch)]);
      await ledger.append(notes("b2", "audit", ["other"]));
      const later = await ledger.append(batch);
      expect(first.kind === "committed" && first.position).toBe(2);
      expect(again).toEqual(first);
      expect(later).toEqual(first);
      expect(ledger.head().position).toBe(3);
    });

    test("a conflict is a first result too", async () => {
      const batch = notes("b1", "audit", ["late"], [{ stream: "audit", revision: 0 }]);
      await ledger.append(notes("b0", "audit", ["first"]));
      expect((await ledger.append(batch)).kind).toBe("conflict");
      await ledger.append(notes("b2", "audit", ["one"]));
      expect((await ledger.append(batch)).kind).toBe("conflict");
      const seen = [{ stream: "audit", revision: 2 }] as const;
      expect((await ledger.append({ ...batch, id: "b3", expect: seen })).kind).toBe("committed");
    });

    test("S3: batch ids are remembered up to their limit and no further", async () => {
      await Promise.all(
        Array.from({ length: limits.batchIdsKept }, (_, index) =>
          ledger.append({ id: `b${index}`, facts: [] }),
        ),
      );
      const other = notes("b0", "audit", ["written only if b0 was forgotten"]);
      expect(await ledger.append(other)).toEqual({ kind: "committed", position: 0, facts: [] });
      await ledger.append({ id: "one more", facts: [] });
      expect(await ledger.append(other)).toMatchObject({ kind: "committed", position: 1 });
    });

    test("a body that is not JSON fails alone, not with its neighbours", async () => {
      const cyclic: Record<string, unknown> = {};
      cyclic["self"] = cyclic;
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the types would not let through
      const fact = { ...note("x"), body: cyclic } as unknown as ReturnType<typeof note>;
      const [good, bad] = await Promise.allSettled([
        ledger.append(notes("b1", "audit", ["good"])),
        ledger.append({
          id: "b2",
          facts: [
            { stream: "audit", fact: note("half") },
            { stream: "audit", fact },
          ],
        }),
      ]);
      expect(good.status).toBe("fulfilled");
      expect(bad).toMatchObject({ status: "rejected", reason: { failure: { code: "INVALID" } } });
      expect((await all(ledger.read(0, 10))).map(textOf)).toEqual(["good"]);
    });

    test("reads go over page borders, from any position, up to the limit", async () => {
      const page = limits.ledgerReadRows;
      const texts = Array.from({ length: page * 2 + 1 }, (_, index) => `${index + 1}`);
      await ledger.append(notes("b1", "audit", texts));
      for (const limit of [0, 1, page - 1, page, page + 1, page * 2, page * 2 + 1, page * 3]) {
        // oxlint-disable-next-line no-await-in-loop -- one read after the other
        expect((await all(ledger.read(0, limit))).map(textOf)).toEqual(texts.slice(0, limit));
      }
      expect((await all(ledger.read(page - 1, 2))).map(({ position }) => position)).toEqual([page, page + 1]);
      expect(await all(ledger.read(page * 2 + 1, 10))).toEqual([]);
    });

    test("a stream and a key give their own facts in order; a key the newest ones", async () => {
      await ledger.append(acceptance("b1", "alarm-1", "NE-1"));
      await ledger.append(notes("b2", "key/NE-1", ["not filed under the key"]));
      await ledger.append(acceptance("b3", "alarm-2", "NE-2"));
      await ledger.append(acceptance("b4", "alarm-3", "NE-1"));
      await ledger.append(acceptance("b5", "alarm-4", "NE-1"));
      expect(await positions(ledger.readKey("NE-1", 10))).toEqual([1, 4, 5]);
      expect(await positions(ledger.readKey("NE-1", 2))).toEqual([4, 5]);
      expect(await positions(ledger.readKey("NE-1", 0))).toEqual([]);
      expect(await positions(ledger.readKey("NE-3", 10))).toEqual([]);
      expect(await positions(ledger.readStream("key/NE-1"))).toEqual([2]);
      expect(await positions(ledger.readStream("alarm/urn%3Atest/alarm-3"))).toEqual([4]);
    });

    test("F1 F2: a follower gets what was there, then what comes, in order and once, until its signal", async () => {
      const stop = new AbortController();
      await ledger.append(notes("b1", "audit", ["1", "2", "3"]));
      const seen: string[] = [];
      for await (const fact of ledger.follow(1, stop.signal)) {
        seen.push(textOf(fact));
        // Commits while this reader is behind and while it waits.
        if (seen.length === 1) await ledger.append(notes("b2", "audit", ["4"]));
        if (seen.length === 2) await ledger.append(notes("b3", "audit", ["5", "6"]));
        if (seen.length === 4) setImmediate(() => void ledger.append(notes("b4", "audit", ["7", "8"])));
        if (seen.length === 6) stop.abort();
      }
      expect(seen).toEqual(["2", "3", "4", "5", "6", "7"]);
    });

    test("a waiting follower ends with its signal and with the ledger", async () => {
      const stop = new AbortController();
      const aborted = all(ledger.follow(0, stop.signal));
      const closed = all(ledger.follow(0, new AbortController().signal));
      setImmediate(() => stop.abort());
      expect(await aborted).toEqual([]);
      await ledger.append(notes("b1", "audit", ["1"]));
      await ledger.close();
      expect((await closed).map(textOf)).toEqual(["1"]);
    });

    test("L2: every opening has an epoch of its own, on all its facts; the ledger keeps its identity", async () => {
      const first = ledger.head();
      await ledger.append(notes("b1", "audit", ["1"]));
      await reopen();
      const second = ledger.head();
      await ledger.append(notes("b2", "audit", ["2"]));
      await reopen();
      expect(new Set([first.epoch, second.epoch, ledger.head().epoch]).size).toBe(3);
      expect(second.ledger).toBe(first.ledger);
      expect(second.position).toBe(1);
      expect((await all(ledger.read(0, 10))).map(({ epoch }) => epoch)).toEqual([first.epoch, second.epoch]);
    });

    test("R3: after the first failed write nothing is accepted, then or later, and what was durable is readable", async () => {
      await ledger.close();
      ledger = await harness.openNearlyFull();
      const text = "x".repeat(4_000);
      let durable = 0;
      let failed: PromiseSettledResult<unknown>[] = [];
      while (failed.length === 0 && durable < 1_000) {
        // Three of one group: they stand or fall together.
        const group = ["a", "b", "c"].map((part) =>
          ledger.append(notes(`${durable}${part}`, "audit", [`${part}${text}`])),
        );
        // oxlint-disable-next-line no-await-in-loop -- group by group, until one fails
        const settled = await Promise.allSettled(group);
        if (settled.every(({ status }) => status === "fulfilled")) durable += 3;
        else failed = settled;
      }
      const syncFailed = { failure: { code: "LEDGER_SYNC_FAILED" } };
      expect(failed).toMatchObject(
        Array.from({ length: 3 }, () => ({ status: "rejected", reason: syncFailed })),
      );
      await expect(ledger.append(notes("small", "audit", ["fits"]))).rejects.toMatchObject(syncFailed);
      await expect(ledger.saveSnapshot(0, ["{}"])).rejects.toMatchObject(syncFailed);
      expect(ledger.head().position).toBe(durable);
      expect(await all(ledger.read(0, 10_000))).toHaveLength(durable);
      await reopen();
      expect(ledger.head().position).toBe(durable);
      expect((await ledger.append(notes("small", "audit", ["fits"]))).kind).toBe("committed");
    });

    test("R3: a group under way behind the one that failed is not written either", async () => {
      await ledger.close();
      ledger = await harness.openNearlyFull();
      const text = "x".repeat(4_000);
      const tooMuch = Array.from({ length: 150 }, () => text);
      const first = Promise.allSettled([ledger.append(notes("b1", "audit", tooMuch))]);
      await new Promise(setImmediate);
      const second = Promise.allSettled([ledger.append(notes("b2", "audit", ["fits"]))]);
      const rejected = { status: "rejected", reason: { failure: { code: "LEDGER_SYNC_FAILED" } } };
      expect([await first, await second]).toMatchObject([[rejected], [rejected]]);
      await reopen();
      expect(ledger.head().position).toBe(0);
    });

    test("F4: who reads or follows a long way back gives the event loop its turns", async () => {
      const pages = 8;
      for (let n = 0; n < pages; n += 1)
        // oxlint-disable-next-line no-await-in-loop -- in order
        await ledger.append(
          notes(
            `b${n}`,
            "audit",
            Array.from({ length: limits.ledgerReadRows }, () => "y"),
          ),
        );
      const end = pages * limits.ledgerReadRows;
      let turns = 0;
      let isOver = false;
      const look = (): void => {
        turns += 1;
        if (!isOver) setImmediate(look);
      };
      setImmediate(look);
      expect(await all(ledger.read(0, end))).toHaveLength(end);
      expect(turns).toBeGreaterThanOrEqual(pages - 1);
      turns = 0;
      const stop = new AbortController();
      for await (const { position } of ledger.follow(0, stop.signal)) if (position === end) stop.abort();
      isOver = true;
      expect(turns).toBeGreaterThanOrEqual(pages - 2); // the newest group is at hand
    });

    test("S3: who reads one busy key after the other gives the event loop its turns", async () => {
      const alarms = Array.from({ length: limits.ledgerReadRows }, (_, n) => acceptance("", `a${n}`, "NE-1"));
      await ledger.append({ id: "b1", expect: [], facts: alarms.flatMap(({ facts }) => facts) });
      let turns = 0;
      const look = (): void => {
        turns += 1;
        looking = setImmediate(look);
      };
      let looking = setImmediate(look);
      for (let n = 0; n < 8; n += 1)
        // oxlint-disable-next-line no-await-in-loop -- one after the other is the point
        expect(await ledger.readKey("NE-1", limits.explainFactsMax)).toHaveLength(limits.ledgerReadRows);
      clearImmediate(looking);
      expect(turns).toBeGreaterThanOrEqual(7);
    });

    test("the newest snapshot comes back, also after a restart; one ahead of the ledger is refused", async () => {
      expect(await ledger.loadSnapshot()).toBeNull();
      await ledger.append(notes("b1", "audit", ["1", "2", "3"]));
      await ledger.saveSnapshot(1, ['{"n":1}']);
      await ledger.saveSnapshot(3, ['{"n":3}']);
      await ledger.append(notes("b2", "audit", ["4"]));
      expect(await ledger.loadSnapshot()).toEqual({ position: 3, state: '{"n":3}' });
      await ledger.append(notes("b3", "audit", ["5"]));
      expect(await positions(all(ledger.read(3, 10)))).toEqual([4, 5]);
      await expect(ledger.saveSnapshot(6, ["{}"])).rejects.toThrow(RangeError);
      await reopen();
      expect(await ledger.loadSnapshot()).toEqual({ position: 3, state: '{"n":3}' });
    });

    test("closing commits what was appended before it and refuses what comes after, twice closed or once", async () => {
      const pending = ledger.append(notes("b1", "audit", ["1"]));
      await ledger.close();
      await ledger.close();
      expect(await pending).toMatchObject({ kind: "committed", position: 1 });
      const stopping = { failure: { code: "STOPPING" } };
      await expect(ledger.append(notes("b2", "audit", ["2"]))).rejects.toMatchObject(stopping);
      await expect(all(ledger.read(0, 1))).rejects.toMatchObject(stopping);
      await expect(ledger.readStream("audit")).rejects.toMatchObject(stopping);
      ledger = await harness.open();
      expect(ledger.head().position).toBe(1);
    });
  });
}

async function positions(facts: Promise<readonly { readonly position: number }[]>): Promise<number[]> {
  return (await facts).map(({ position }) => position);
}
