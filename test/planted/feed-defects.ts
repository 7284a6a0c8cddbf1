/** The feed and its readers. */
import type { Defect } from "./defect.ts";

export const feedDefects: readonly Defect[] = [
  {
    name: "resume off by one",
    law: "F2",
    file: "actors/feed.ts",
    was: `else this.#sendSnapshot(reading, after.position, false);`,
    becomes: `else this.#sendSnapshot(reading, Math.min(position, after.position + 1), false);`,
    tests: ["test/feed/resume.test.ts"],
  },
  {
    name: "resuming in another ledger goes on without a reset",
    law: "F2",
    file: "actors/feed.ts",
    was: `else if (after.ledger !== ledger || after.position > position) this.#reset(reading);`,
    becomes: `else if (after.position > position) this.#reset(reading);`,
    tests: ["test/feed/resume.test.ts", "test/feed/feed.test.ts"],
  },
  {
    name: "resuming ahead of the ledger goes on without a reset",
    law: "F2",
    file: "actors/feed.ts",
    was: `else if (after.ledger !== ledger || after.position > position) this.#reset(reading);`,
    becomes: `else if (after.ledger !== ledger) this.#reset(reading);`,
    tests: ["test/feed/resume.test.ts", "test/feed/feed.test.ts"],
  },
  {
    name: "a gap cannot be told",
    law: "F1",
    file: "actors/feed.ts",
    was: `reading.reader.send(this.#ring.text(position, reading.previous));`,
    becomes: `reading.reader.send(this.#ring.text(position, position - 1));`,
    tests: ["test/feed/feed.test.ts"],
  },
  {
    name: "slow reader unbounded",
    law: "F3",
    file: "actors/reader-row.ts",
    was: `else this.#clearFullTimer(reading);
    return isFull;`,
    becomes: `else this.#clearFullTimer(reading);
    return false;`,
    tests: ["test/feed/feed.test.ts", "test/feed/socket.test.ts"],
  },
  {
    name: "slow reader never cut off",
    law: "F3",
    file: "actors/reader-row.ts",
    was: `if (reading.reader.bufferedBytes() < limits.feedQueuedBytesMax) return this.wake();`,
    becomes: `if (reading.reader.bufferedBytes() > 0) return this.wake();`,
    tests: ["test/feed/feed.test.ts", "test/feed/socket.test.ts"],
  },
  {
    name: "a reader that throws stops the feed",
    law: "F4",
    file: "actors/reader-row.ts",
    was: `try {
      call();
    } catch {
      this.cut(reading, feedCloseCodes.failed, "the reader failed");
    }`,
    becomes: `call();`,
    tests: ["test/feed/feed.test.ts"],
  },
  {
    name: "a reader is called while the engine works",
    law: "F4",
    file: "actors/reader-row.ts",
    was: `if (this.#readings.size > 0)
      this.#turnTimer ??= this.#clock.setTimeout(() => this.#turn(), this.#options.turnDelayMs);`,
    becomes: `if (this.#readings.size > 0) this.#turn();`,
    tests: ["test/feed/feed.test.ts"],
  },
];
