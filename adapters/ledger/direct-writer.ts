/** Writes a group the moment it is given, in the thread of the ledger itself. */
import type { FactStore, GroupWriter, WriterListener } from "./fact-store.ts";
import { createGroupWrite } from "./group.ts";
import { isDamage } from "./sqlite-verification.ts";

export function createDirectWriter(store: FactStore): GroupWriter {
  const writeGroup = createGroupWrite(store);
  let listener: WriterListener | null = null;
  function writing(write: () => void): void {
    try {
      write();
    } catch (error) {
      store.abandon();
      throw error;
    }
  }

  return {
    listen(heard) {
      listener = heard;
    },
    write(batches) {
      try {
        listener?.judged(writeGroup(batches));
        store.tidy();
      } catch (error) {
        store.abandon();
        listener?.failed(error, isDamage(error));
      }
    },
    addToSnapshot: async (text) => writing(() => store.addToSnapshot(text)),
    endSnapshot: async (position) => writing(() => store.endSnapshot(position)),
    async close() {
      store.close();
    },
  };
}
