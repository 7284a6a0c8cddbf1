/** The whole engine: what its configuration says about hosts and about the gateway's table has effect. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { systemClock, systemIds } from "../../adapters/clock/system.ts";
import { startEngine, type Engine, type EngineOptions } from "../../adapters/engine.ts";
import type { FactOf } from "../../machines/facts.ts";
import { folder } from "../cli/command-line.ts";
import { notification } from "../engine/notifications.ts";
import { quiet } from "../feed/rig.ts";
import { acknowledged, found, startFakePeer } from "../service/fake-osb-peer.ts";
import { row, table } from "./tables.ts";

async function rig(config: EngineOptions["config"], csv: (port: string) => string) {
  const dir = folder();
  const peer = await startFakePeer((r) =>
    r.answer(
      200,
      r.body.includes("search")
        ? found(r.requestId, "", 0)
        : acknowledged(r.requestId, "<o:result>ACK</o:result><o:ticketId>T-1</o:ticketId>"),
    ),
  );
  onTestFinished(() => peer.close());
  const file = join(dir, "services.csv");
  writeFileSync(file, csv(String(peer.port)));
  const engine = await startEngine({
    config: { dataDir: join(dir, "data"), listen: { port: 0 }, services: { file }, ...config },
    clock: systemClock,
    ids: systemIds,
    log: quiet,
  });
  onTestFinished(() => engine.stop({ drainSeconds: 0 }));
  return { dir, file, peer, engine };
}

/** The next fact of this type. */
function next<T extends "key.parked" | "alarm.settled">({ supervisor }: Engine, type: T): Promise<FactOf<T>> {
  return new Promise((resolve) => {
    const end = supervisor.onFacts((facts) => {
      const one = facts.find((fact): fact is FactOf<T> => fact.type === type);
      if (one === undefined) return;
      end();
      resolve(one);
    });
  });
}

test("S5, A8: a listed name that leads to this machine is not called; its alarm waits and says why", async () => {
  const { engine, peer } = await rig({ allowedServiceHosts: ["localhost"] }, (port) =>
    table(row({ host: "localhost", port })),
  );
  const parked = next(engine, "key.parked");
  await engine.supervisor.raise(notification("1"));
  const { reason, because } = (await parked).body.parking;
  expect(reason).toBe("outage");
  expect(because).toMatch(/localhost resolves to (127\.0\.0\.1|::1) \(loopback\), which allowedServiceHosts/);
  expect(peer.connections()).toBe(0);
});

test("S5: with its address listed too it is called", async () => {
  const { engine, peer } = await rig({ allowedServiceHosts: ["localhost", "127.0.0.1"] }, (port) =>
    table(row({ host: "localhost", port })),
  );
  const settled = next(engine, "alarm.settled");
  await engine.supervisor.raise(notification("1"));
  expect((await settled).body.outcome).toBe("created");
  expect(peer.requests.map(({ head }) => /SOAPAction: "[^"]*\/(\w+)"/.exec(head)?.[1])).toEqual([
    "SearchTicket",
    "CreateTicket",
  ]);
});

test("gateway.servicesFile: nothing is sent while it differs, and an import that makes it equal frees", async () => {
  const gatewayFile = join(folder(), "gateway.csv");
  let same = "";
  const { engine, peer } = await rig({ gateway: { servicesFile: gatewayFile } }, (port) => {
    same = table(row({ port, timeoutSeconds: "31" }));
    writeFileSync(gatewayFile, same);
    return table(row({ port }));
  });
  const { supervisor } = engine;
  const types: string[] = [];
  supervisor.onFacts((facts) => types.push(...facts.map(({ type }) => type)));
  expect(supervisor.snapshot().services.mismatch?.because).toBe(
    "Row OSB, column timeoutSeconds: 30 here, 31 in the gateway's service table.",
  );
  const settled = next(engine, "alarm.settled");
  await supervisor.raise(notification("1"));
  const asked = async () => (await fetch(`${engine.url}/api/gateway`)).json();
  expect(await asked()).toMatchObject({ mismatch: supervisor.snapshot().services.mismatch });
  expect(await supervisor.importServices(same, { by: "test" })).toMatchObject({ ok: true });
  expect((await settled).body.outcome).toBe("created");
  expect(supervisor.snapshot().services.mismatch).toBeNull();
  expect(await asked()).toMatchObject({ mismatch: null });
  expect(types.indexOf("flow.started")).toBeGreaterThan(types.indexOf("services.imported"));
  expect(peer.requests).toHaveLength(2);
});

test("an entry of allowedServiceHosts that is no host is refused at the start, by its place", async () => {
  await expect(rig({ allowedServiceHosts: ["127.0.0.1", "0x7f.1"] }, () => table(row()))).rejects.toThrow(
    "allowedServiceHosts.1: expected an IPv4 address as four decimal numbers",
  );
});
