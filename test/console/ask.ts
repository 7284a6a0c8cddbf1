/** One GET with the path as it is written, and its answer as it came: nothing normalised, nothing unpacked. */
import http from "node:http";

export interface Said {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
}

export function ask(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Said> {
  const [, host = "", port = "", path = "/"] = /^http:\/\/([^:/]+):(\d+)(.*)$/.exec(url) ?? [];
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const bytes = Buffer.concat(chunks);
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          bytes,
          text: bytes.toString(),
        });
      });
    });
    request.on("error", reject);
    request.end();
  });
}
