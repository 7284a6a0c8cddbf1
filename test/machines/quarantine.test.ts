/** L5 R6: a child that crashes too often rests in quarantine: when, how long, and how it comes back. */
import { describe, expect, test } from "vitest";
import { limits } from "../../machines/limits.ts";
import { beating, quarantine, rigIn, throwIn } from "./supervisor-rig.ts";

describe("quarantine", () => {
  test("R6: a check that throws again and again is quarantined, and nothing else is", () => {
    const rig = rigIn("running", beating);
    quarantine(rig, "heartbeat:chain", throwIn);
    expect(rig.reports.at(-1)).toMatchObject({ child: "heartbeat:chain", quarantined: true });
    expect(rig.children()).toEqual(["client-01", "client-02", "heartbeat:engine"]);
    rig.clock.advance(limits.quarantineSeconds * 1000);
    expect(rig.children()).toContain("heartbeat:chain");
  });

  test("H1: once the heartbeat was stopped none comes back, not after a crash and not after a quarantine", () => {
    const rig = rigIn("running", beating);
    throwIn(rig, "heartbeat:engine");
    quarantine(rig, "client-01");
    quarantine(rig, "heartbeat:chain", throwIn);
    rig.actor.send({ type: "heartbeat.stop" });
    rig.actor.send({ type: "child.recover", child: "heartbeat:engine" });
    rig.clock.advance(limits.quarantineSecondsMax * 1000);
    expect(rig.children()).toEqual(["client-01", "client-02"]);
    expect(rig.actor.getSnapshot().context.restarting).toEqual([]);
  });

  test("five crashes in thirty seconds are borne, the sixth is quarantined for a minute, the next time for two", () => {
    const rig = rigIn("running");
    for (const seconds of [60, 120]) {
      quarantine(rig, "client-01");
      expect(rig.reports.at(-1)).toMatchObject({ child: "client-01", quarantined: true });
      expect(rig.children()).toEqual(["client-02"]);
      rig.actor.send({ type: "child.recover", child: "client-01" });
      expect(rig.children(), "a late recovery does not end a quarantine").toEqual(["client-02"]);
      rig.clock.advance(seconds * 1000 - 1);
      expect(rig.children()).toEqual(["client-02"]);
      rig.clock.advance(1);
      expect(rig.children()).toEqual(["client-01", "client-02"]);
      rig.clock.advance(limits.restartPeriodSeconds * 1000);
    }
  });

  test("a quarantine doubles each time, up to an hour; it is one child's own", () => {
    const rig = rigIn("running");
    const waits: number[] = [];
    for (let times = 1; times <= 8; times += 1) {
      quarantine(rig, "client-01");
      const began = rig.clock.monotonicMs();
      while (!rig.children().includes("client-01")) rig.clock.advance(1_000);
      waits.push((rig.clock.monotonicMs() - began) / 1000);
    }
    expect(waits).toEqual([60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
    quarantine(rig, "client-02");
    rig.clock.advance(limits.quarantineSeconds * 1000);
    expect(rig.children()).toEqual(["client-01", "client-02"]);
  });

  test.each([
    { calm: limits.quarantineForgottenSeconds * 1000, waits: limits.quarantineSeconds },
    { calm: limits.quarantineForgottenSeconds * 1000 - 1, waits: limits.quarantineSeconds * 4 },
  ])("a child that lived $calm ms without a crash is quarantined for $waits s", ({ calm, waits }) => {
    const rig = rigIn("running");
    for (const seconds of [limits.quarantineSeconds, limits.quarantineSeconds * 2]) {
      quarantine(rig, "client-01");
      rig.clock.advance(seconds * 1000);
    }
    rig.clock.advance(calm);
    quarantine(rig, "client-01");
    rig.clock.advance(waits * 1000 - 1);
    expect(rig.children()).toEqual(["client-02"]);
    rig.clock.advance(1);
    expect(rig.children()).toEqual(["client-01", "client-02"]);
  });

  test("a crash in between is no calm, though it quarantines nobody", () => {
    const rig = rigIn("running");
    quarantine(rig, "client-01");
    rig.clock.advance((limits.quarantineSeconds + limits.quarantineForgottenSeconds - 1) * 1000);
    rig.crash("client-01");
    rig.actor.send({ type: "child.recover", child: "client-01" });
    rig.clock.advance((limits.quarantineForgottenSeconds - 1) * 1000);
    quarantine(rig, "client-01");
    rig.clock.advance(limits.quarantineSeconds * 2 * 1000 - 1);
    expect(rig.children()).toEqual(["client-02"]);
    rig.clock.advance(1);
    expect(rig.children()).toEqual(["client-01", "client-02"]);
  });

  test("R6: a gateway that was opened before its crash was recorded stays in the quarantine that it comes to", () => {
    const rig = rigIn("running");
    const open = () => rig.actor.send({ type: "gateway.open", service: "OSB" });
    const recover = () => rig.actor.send({ type: "child.recover", child: "gateway:OSB" });
    for (let crashed = 0; crashed <= limits.restartIntensity; crashed += 1) {
      if (crashed < limits.restartIntensity) recover();
      open();
      const ref = rig.actor.getSnapshot().children["gateway:OSB"];
      ref?.send({ type: "xstate.error.actor.x", error: new Error("thrown") } as never);
    }
    expect(rig.reports.at(-1)).toMatchObject({ child: "gateway:OSB", quarantined: true });
    recover();
    expect(rig.children()).not.toContain("gateway:OSB");
  });

  test("R6: a gateway that throws again and again is quarantined, and comes back with its service", () => {
    const rig = rigIn("running");
    rig.actor.send({ type: "gateway.open", service: "OSB" });
    for (let crashed = 0; crashed <= limits.restartIntensity; crashed += 1) {
      rig.actor.send({ type: "child.recover", child: "gateway:OSB" });
      const ref = rig.actor.getSnapshot().children["gateway:OSB"];
      ref?.send({ type: "xstate.error.actor.x", error: new Error("thrown") } as never);
    }
    expect(rig.reports.at(-1)).toEqual({
      child: "gateway:OSB",
      cause: "thrown",
      crashes: 0,
      quarantined: true,
    });
    expect(rig.actor.getSnapshot().context.restarting).toEqual([]);
    rig.clock.advance(limits.quarantineSeconds * 1000);
    expect(rig.actor.getSnapshot().children["gateway:OSB"]?.getSnapshot()).toMatchObject({
      context: { service: "OSB" },
    });
  });

  test("two clients in quarantine come back each in its own time", () => {
    const rig = rigIn("running");
    quarantine(rig, "client-01");
    rig.clock.advance(10_000);
    quarantine(rig, "client-02");
    rig.clock.advance(50_000);
    expect(rig.children()).toEqual(["client-01"]);
    rig.clock.advance(10_000);
    expect(rig.children()).toEqual(["client-01", "client-02"]);
  });

  test.each([
    { apart: limits.restartPeriodSeconds * 1000, quarantined: false },
    { apart: limits.restartPeriodSeconds * 1000 - 1, quarantined: true },
  ])("a sixth crash $apart ms after the first: quarantined is $quarantined", ({ apart, quarantined }) => {
    const rig = rigIn("running");
    for (let crashed = 0; crashed < limits.restartIntensity; crashed += 1) {
      rig.crash("client-01");
      rig.actor.send({ type: "child.recover", child: "client-01" });
    }
    rig.clock.advance(apart);
    rig.crash("client-01");
    expect(rig.reports.at(-1)?.quarantined).toBe(quarantined);
  });
});
