/** The console as files that the engine serves: nothing inline, every asset with its hash in its name. */
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";
import { readChart } from "../../adapters/diagram/chart.ts";
import { layOut } from "../../adapters/diagram/layout.ts";
import { ticketClientMachine } from "../../machines/ticket-client.machine.ts";

const chartModule = "virtual:ticket-client-chart";

/** The drawing is made here, where the machine may be read: the page gets places and words only. */
const chart: Plugin = {
  name: "ticket-client-chart",
  resolveId: (id) => (id === chartModule ? `\0${chartModule}` : null),
  load: (id) =>
    id === `\0${chartModule}`
      ? `export default ${JSON.stringify(layOut(readChart(ticketClientMachine)))}`
      : null,
};

/** Named so by rollup, from the input of this name below. */
const isFirst = (name: string): boolean => /\bfirst-[^/]*\.js$/.test(name);

/** `async`: it runs as soon as it is there, and the rest of the page finds it running. */
const first: Plugin = {
  name: "ticket-client-first",
  transformIndexHtml: {
    order: "post",
    handler(_html, { bundle }) {
      const name = Object.keys(bundle ?? {}).find(isFirst);
      if (name === undefined) throw new Error("There is no chunk of the first socket.");
      return [
        { tag: "script", attrs: { type: "module", async: true, src: `./${name}` }, injectTo: "head-prepend" },
      ];
    },
  },
};

const scriptBytesMax = 60_000;

/** What a browser has to fetch before it shows anything: said at every build, and refused when it is too much. */
const size: Plugin = {
  name: "ticket-client-script-size",
  generateBundle(_options, bundle) {
    const scripts = Object.values(bundle).filter((one) => one.type === "chunk");
    const bytes = scripts.reduce((sum, { code }) => sum + gzipSync(code, { level: 9 }).length, 0);
    const said = `console: ${(bytes / 1000).toFixed(1)} kB of script, compressed`;
    if (bytes > scriptBytesMax) this.error(`${said}; at most ${scriptBytesMax / 1000} kB`);
    process.stdout.write(`${said}\n`);
  },
};

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "./",
  publicDir: false,
  logLevel: "warn",
  plugins: [chart, first, size],
  build: {
    outDir: fileURLToPath(new URL("../../dist/console", import.meta.url)),
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: {
        index: fileURLToPath(new URL("index.html", import.meta.url)),
        first: fileURLToPath(new URL("connection/first-socket.ts", import.meta.url)),
      },
    },
  },
});
