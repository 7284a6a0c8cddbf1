/**
 * A TCP way to a server whose connections can go half open: they stay, and what is sent on them is swallowed. A
 * connection that has gone so never comes back; those made after `mend` are good.
 */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export const ways = ["towards the server", "back from it", "both ways"] as const;
export type Way = (typeof ways)[number];

interface Line {
  readonly sockets: readonly Socket[];
  dead: Way | null;
  /** Something that was sent on it has been swallowed. */
  isStuck: boolean;
}

export class HalfOpenProxy {
  /** Asked of all that is sent towards the server, before it is passed on. */
  onRequest: (text: string) => void = () => undefined;
  readonly #lines = new Set<Line>();
  readonly #server = createServer({ allowHalfOpen: false }, (socket) => this.#connected(socket));
  readonly #target: number;
  #dead: Way | null = null;
  /** Of connections of which something was swallowed, since the start. */
  swallowed = 0;

  private constructor(target: number) {
    this.#target = target;
  }

  static async start(target: number): Promise<HalfOpenProxy> {
    const proxy = new HalfOpenProxy(target);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that are open and have swallowed something. */
  get stuck(): number {
    return [...this.#lines].filter(({ isStuck }) => isStuck).length;
  }

  /** Of all connections there are, and of those still made. */
  swallow(way: Way): void {
    this.#dead = way;
    for (const line of this.#lines) line.dead = way;
  }

  mend(): void {
    this.#dead = null;
  }

  async close(): Promise<void> {
    for (const { sockets } of this.#lines) for (const socket of sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #connected(incoming: Socket): void {
    const outgoing = connect(this.#target, "127.0.0.1");
    const line: Line = { sockets: [incoming, outgoing], dead: this.#dead, isStuck: false };
    this.#lines.add(line);
    for (const socket of line.sockets) {
      socket.on("error", () => undefined); // `close` follows
      socket.on("close", () => {
        this.#lines.delete(line);
        for (const other of line.sockets) other.destroy();
      });
    }
    incoming.on("data", (chunk: Buffer) => {
      this.onRequest(chunk.toString("latin1"));
      this.#pass(line, "towards the server", outgoing, chunk);
    });
    outgoing.on("data", (chunk: Buffer) => this.#pass(line, "back from it", incoming, chunk));
  }

  #pass(line: Line, way: Way, to: Socket, chunk: Buffer): void {
    if (line.dead !== way && line.dead !== "both ways") return void to.write(chunk);
    if (!line.isStuck) this.swallowed += 1;
    line.isStuck = true;
  }
}
