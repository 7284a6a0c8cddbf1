/** `?tls=true`: to whom the password is told. The server is bytes by hand: it greets, speaks TLS and listens. */
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import tls from "node:tls";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { openMysqlTopology } from "../../adapters/topology/mysql.ts";
import { ManualClock } from "../alarms/manual-clock.ts";
import { makeCertificate } from "../security/certificate.ts";

const certificate = makeCertificate(); // for 127.0.0.1, and for no name
beforeAll(() => {
  tls.setDefaultCACertificates([certificate.cert]);
});

const sslRequestBytes = 36;

/** Protocol 10, MySQL 8, TLS offered. */
function greeting(): Buffer {
  const body = Buffer.concat([
    Buffer.from("\x0a8.0.36\0", "latin1"),
    Buffer.from([1, 0, 0, 0]),
    Buffer.from("12345678\0", "latin1"),
    Buffer.from([0x00, 0x8a]), // SECURE_CONNECTION, SSL, PROTOCOL_41
    Buffer.from([45, 2, 0]),
    Buffer.from([0x08, 0x00]), // PLUGIN_AUTH
    Buffer.from([21]),
    Buffer.alloc(10),
    Buffer.from("123456789012\0caching_sha2_password\0", "latin1"),
  ]);
  return Buffer.concat([Buffer.from([body.length, 0, 0, 0]), body]);
}

async function startServer(): Promise<{ readonly port: number; readonly heard: () => number }> {
  let heard = 0;
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.once("readable", () => {
      socket.read(sslRequestBytes); // what comes with it is TLS already
      const secure = new tls.TLSSocket(socket, { isServer: true, ...certificate });
      secure.on("error", () => undefined);
      secure.on("data", (bytes: Buffer) => {
        heard += bytes.length;
        socket.destroy();
      });
    });
    socket.write(greeting());
  }).listen(0, "127.0.0.1");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await once(server, "listening");
  const address = server.address();
  return { port: typeof address === "object" && address !== null ? address.port : 0, heard: () => heard };
}

async function lookUp(host: string, port: number): Promise<string> {
  const topology = openMysqlTopology({
    url: `mysql://u:secret@${host}:${port}/d?tls=true`,
    clock: new ManualClock(),
  });
  onTestFinished(() => topology.close());
  return JSON.stringify(await topology.path({ elementId: "a", signal: new AbortController().signal }));
}

test("a server whose certificate is another's is not told the password, and the look-up says so", async () => {
  const { port, heard } = await startServer();
  const said = await lookUp("localhost", port);
  expect(heard()).toBe(0);
  expect(said).toMatch(/TOPOLOGY_UNAVAILABLE.*does not match.*Host: localhost/);
});

test("one whose certificate fits is", async () => {
  const { port, heard } = await startServer();
  await lookUp("127.0.0.1", port);
  expect(heard()).toBeGreaterThan(0);
});
