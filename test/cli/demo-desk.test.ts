/** The desk beside the demo's engine: a thread that dies is told, and nobody waits for it for ever. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { startDemoDesk } from "../../adapters/cli/demo-desk.ts";
import { folder } from "./command-line.ts";

test("a desk that has died answers no more, says why, and can be closed", async () => {
  const dataDir = folder();
  const desk = await startDemoDesk({ port: 0, dataDir, settleSeconds: 1 });
  expect(await desk.truth()).toMatchObject({ tickets: 0 });
  const db = new DatabaseSync(join(dataDir, "desk.db"));
  db.exec("DROP TABLE ticket");
  db.close();
  await expect(desk.truth()).rejects.toThrow("ticket");
  await expect(desk.truth()).rejects.toThrow("ticket");
  await desk.close();
});
