/** A TCP way to the engine that ends at a given byte: what lies before it arrives, nothing behind it does. */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** Of the next connection. */
export interface Cut {
  /** Bytes let through to the engine, and from it, before the connection is reset. */
  readonly up: number;
  readonly down: number;
  /** It is reset then at the latest. */
  readonly ms: number;
}

export interface CuttingProxy {
  readonly port: number;
  close(): Promise<void>;
}

/** `cutOf` is asked for every connection; null: it is not cut. */
export async function startCuttingProxy(target: number, cutOf: () => Cut | null): Promise<CuttingProxy> {
  const open = new Set<Socket>();
  const server = createServer((incoming) => {
    const cut = cutOf();
    const outgoing = connect(target, "127.0.0.1");
    const reset = (): void => {
      clearTimeout(timer);
      incoming.resetAndDestroy();
      outgoing.resetAndDestroy();
    };
    const timer = cut === null ? undefined : setTimeout(reset, cut.ms);
    let upLeft = cut?.up ?? Number.POSITIVE_INFINITY;
    let downLeft = cut?.down ?? Number.POSITIVE_INFINITY;
    incoming.on("data", (bytes: Buffer) => {
      outgoing.write(bytes.subarray(0, upLeft));
      upLeft -= bytes.length;
      // What was let through is to arrive: a reset right now would take it back.
      if (upLeft <= 0) setImmediate(reset);
    });
    outgoing.on("data", (bytes: Buffer) => {
      if (bytes.length < downLeft) {
        downLeft -= bytes.length;
        if (!incoming.write(bytes)) {
          outgoing.pause();
          incoming.once("drain", () => outgoing.resume());
        }
      } else {
        outgoing.pause();
        incoming.write(bytes.subarray(0, downLeft), () => setImmediate(reset));
      }
    });
    for (const socket of [incoming, outgoing]) {
      open.add(socket);
      socket.on("error", () => undefined); // `close` follows
      socket.on("close", () => {
        open.delete(socket);
        reset();
      });
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}
