import { createMemoryLedger, createMemoryStorage } from "../../adapters/ledger/memory.ts";
import { describeLedger } from "./ledger-contract.ts";

describeLedger("ledger in memory", async () => {
  const storage = createMemoryStorage();
  return {
    async open() {
      storage.factsMax = Infinity;
      return createMemoryLedger(storage);
    },
    async openNearlyFull() {
      storage.factsMax = 100;
      return createMemoryLedger(storage);
    },
    async dispose() {},
  };
});
