import { startDesk } from "../../adapters/desk/desk.ts";
import { createMemoryService } from "../../adapters/service/memory.ts";
import { createOsbService } from "../../adapters/service/osb.ts";
import { serviceRow } from "./calls.ts";
import { manualClock } from "./manual-clock.ts";
import { describeTicketingService } from "./service-contract.ts";

describeTicketingService(
  "in memory",
  (idempotency, clock) => {
    const service = createMemoryService({ idempotency, now: () => clock.now() });
    return Promise.resolve({
      service,
      row: serviceRow(8650, { idempotency }),
      clock,
      truth: () => service.truth(),
      assign: (ticketId, owner) => service.assign(ticketId, owner),
      stop: () => service.close(),
    });
  },
  manualClock,
);

describeTicketingService(
  "OSB over TCP to the desk",
  async (idempotency, clock) => {
    const desk = await startDesk({ port: 0, dataDir: null, idempotency, settleSeconds: 60, clock });
    const service = createOsbService({ callbackUrl: () => "", clock });
    return {
      service,
      row: serviceRow(desk.port, { idempotency }),
      clock,
      truth: () => desk.truth(),
      assign: (ticketId, owner) => desk.assign(ticketId, owner),
      async stop() {
        await service.close();
        await desk.close();
      },
    };
  },
  manualClock,
);
