/** A client of raw TCP: sends what an input says, one connection where it may break the framing, and reads the answer. */
import { once } from "node:events";
import net from "node:net";

export interface RawAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Headers after which a connection is not used again, or waits for more than was sent. */
const wild = /^(?:connection|transfer-encoding|content-length|expect|upgrade|host|trailer|te)\s*:/im;
const tame = /^(?:GET|POST|PUT|PATCH|DELETE|OPTIONS) [\x21-\x7e]+ HTTP\/1\.1(?:\r\n[\w-]+: [\x20-\x7e]*)*$/;

export class HttpPeer {
  readonly #port: number;
  #kept: net.Socket | null = null;

  constructor(port: number) {
    this.#port = port;
  }

  /** `input`: request line, headers, an empty line, the body; Host and Content-Length are added. Null: closed without an answer. */
  async ask(input: Buffer): Promise<RawAnswer | null> {
    const at = input.indexOf("\r\n\r\n");
    const head = input.toString("latin1", 0, at < 0 ? input.length : at);
    const body = at < 0 ? Buffer.alloc(0) : input.subarray(at + 4);
    const isTame = tame.test(head) && !wild.test(head);
    const hasHost = /^host\s*:/im.test(head);
    const sent = Buffer.concat([
      Buffer.from(head, "latin1"),
      Buffer.from(hasHost ? "" : "\r\nHost: 127.0.0.1"),
      Buffer.from(
        /^(?:content-length|transfer-encoding)\s*:/im.test(head) ? "" : `\r\nContent-Length: ${body.length}`,
      ),
      Buffer.from("\r\n\r\n"),
      body,
    ]);
    return isTame ? this.#askKept(sent) : this.#askOnce(sent);
  }

  close(): void {
    this.#kept?.destroy();
    this.#kept = null;
  }

  async #askKept(sent: Buffer): Promise<RawAnswer | null> {
    const kept = this.#kept;
    const isFresh = kept === null || kept.destroyed;
    const socket = isFresh ? await connect(this.#port) : kept;
    this.#kept = socket;
    const answer = await this.#askOn(socket, sent);
    // The server may have given up the idle connection meanwhile, as after a pause of this process.
    return answer === null && !isFresh ? this.#askKept(sent) : answer;
  }

  #askOn(socket: net.Socket, sent: Buffer): Promise<RawAnswer | null> {
    return new Promise((resolve) => {
      let got = "";
      const settle = (answer: RawAnswer | null, isOver: boolean) => {
        for (const event of ["data", "error", "close"]) socket.removeAllListeners(event);
        socket.on("error", () => undefined);
        if (isOver) {
          socket.destroy();
          this.#kept = null;
        }
        resolve(answer);
      };
      socket.on("data", (chunk: Buffer) => {
        got += chunk.toString("latin1");
        const whole = answerIn(got, false);
        if (whole !== null) settle(whole.answer, whole.closes);
      });
      socket.on("error", () => settle(answerIn(got, true)?.answer ?? null, true));
      socket.on("close", () => settle(answerIn(got, true)?.answer ?? null, true));
      socket.write(sent);
    });
  }

  /** Half-closed after the last byte, so that whoever waits for more learns that there is none. */
  async #askOnce(sent: Buffer): Promise<RawAnswer | null> {
    const socket = await connect(this.#port);
    let got = "";
    socket.on("data", (chunk: Buffer) => (got += chunk.toString("latin1")));
    socket.on("error", () => undefined);
    const closed = once(socket, "close");
    socket.end(sent);
    await closed;
    return answerIn(got, true)?.answer ?? null;
  }
}

async function connect(port: number): Promise<net.Socket> {
  const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.setNoDelay(true);
  socket.on("end", () => socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** The first whole answer; null: not yet. */
function answerIn(
  got: string,
  isAll: boolean,
): { readonly answer: RawAnswer; readonly closes: boolean } | null {
  const end = got.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const head = got.slice(0, end);
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0);
  if (status === 100) return answerIn(got.slice(end + 4), isAll);
  const hasBody = status !== 204 && status !== 304;
  const length = hasBody ? Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0) : 0;
  const body = got.slice(end + 4, end + 4 + length);
  if (body.length < length && !isAll) return null;
  const type = /^content-type: ([^;\r]+)/im.exec(head)?.[1] ?? "";
  return {
    answer: { status, type, body: Buffer.from(body, "latin1").toString("utf8") },
    closes: /^connection: close/im.test(head),
  };
}
