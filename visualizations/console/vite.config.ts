/** The console as files that the engine serves: nothing inline, every asset with its hash in its name. */
import { fileURLToPath } from "node:url";
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

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "./",
  publicDir: false,
  logLevel: "warn",
  plugins: [chart],
  build: {
    outDir: fileURLToPath(new URL("../../dist/console", import.meta.url)),
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
