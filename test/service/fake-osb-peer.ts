/**
 * A ticketing service of raw TCP: reads whole HTTP requests and does with the socket what the test says.
 * Nothing of it is shared with the code under test.
 */
import net from "node:net";

export interface PeerRequest {
  readonly head: string;
  readonly body: string;
  readonly requestId: string;
  readonly socket: net.Socket;
  /** Place of the request on its connection: 1 = the first. */
  readonly nth: number;
  /** Answers with Content-Length. */
  answer(status: number | string, body: string, headers?: Readonly<Record<string, string>>): void;
}

export interface FakePeer {
  readonly port: number;
  readonly requests: PeerRequest[];
  readonly connections: () => number;
  /** Resolves when the peer has read its n-th request, counted from 1. */
  readonly arrived: (n: number) => Promise<PeerRequest>;
  close(): Promise<void>;
}

export async function startFakePeer(
  onRequest: (request: PeerRequest) => void,
  onConnection: (socket: net.Socket) => void = () => {},
): Promise<FakePeer> {
  const requests: PeerRequest[] = [];
  const waiting: { readonly n: number; readonly resolve: (request: PeerRequest) => void }[] = [];
  const sockets = new Set<net.Socket>();
  let connections = 0;
  const server = net.createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    let read = "";
    let nth = 0;
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      read += chunk;
      const headEnd = read.indexOf("\r\n\r\n");
      if (headEnd < 0) return;
      const head = read.slice(0, headEnd);
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      const rest = Buffer.from(read.slice(headEnd + 4), "utf8");
      if (rest.length < length) return;
      read = "";
      nth += 1;
      const body = rest.toString("utf8", 0, length);
      const request: PeerRequest = {
        head,
        body,
        requestId: /<requestId>([^<]*)</.exec(body)?.[1] ?? "",
        socket,
        nth,
        answer(status, text, headers = {}) {
          const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
          const line = typeof status === "number" ? `${status} Said So` : status;
          socket.write(
            `HTTP/1.1 ${line}\r\nContent-Length: ${Buffer.byteLength(text)}\r\n${lines.join("")}\r\n${text}`,
          );
        },
      };
      requests.push(request);
      for (const wait of waiting) if (wait.n === requests.length) wait.resolve(request);
      onRequest(request);
    });
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    requests,
    connections: () => connections,
    arrived: (n) =>
      new Promise((resolve) => {
        const there = requests[n - 1];
        if (there === undefined) waiting.push({ n, resolve });
        else resolve(there);
      }),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

const soap = "http://schemas.xmlsoap.org/soap/envelope/";
const ticket = "urn:ticketclient:osb:v1";

/** An envelope around any body. */
export function enveloped(body: string, header = ""): string {
  return `<?xml version="1.0"?><s:Envelope xmlns:s="${soap}"><s:Header>${header}</s:Header><s:Body>${body}</s:Body></s:Envelope>`;
}

export function acknowledged(requestId: string, inside: string): string {
  return enveloped(
    `<o:createTicketResponse xmlns:o="${ticket}"><o:requestId>${requestId}</o:requestId>${inside}</o:createTicketResponse>`,
  );
}

export function found(requestId: string, tickets: string, total = 1, truncated = false): string {
  return enveloped(
    `<searchTicketResponse xmlns="${ticket}"><requestId>${requestId}</requestId><total>${total}</total><truncated>${String(truncated)}</truncated>${tickets}</searchTicketResponse>`,
  );
}

export function faulted(code: string, text: string, errorCode = "", pipeline = "request-pipeline"): string {
  const detail =
    errorCode === ""
      ? ""
      : `<detail><con:fault xmlns:con="http://www.bea.com/wli/sb/context"><con:errorCode>${errorCode}</con:errorCode><con:reason>${text}</con:reason><con:location><con:node>N</con:node><con:path>${pipeline}</con:path></con:location></con:fault></detail>`;
  return enveloped(
    `<s:Fault><faultcode>s:${code}</faultcode><faultstring>${text}</faultstring>${detail}</s:Fault>`,
  );
}
