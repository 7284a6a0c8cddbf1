/** CSV of people: the Service Info Table, and the files of a topology. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parse } from "csv-parse/sync";
import { csvCodec } from "../../../adapters/service-table/csv.ts";
import { createMemoryTopology } from "../../../adapters/topology/memory.ts";
import { limits } from "../../../machines/limits.ts";
import { cellsOf, readTable, serviceProtocols, type TableFault } from "../../../machines/service-table.ts";
import { ManualClock } from "../../alarms/manual-clock.ts";
import { badTables, header, row, table } from "../../service-table/tables.ts";
import { demand, demandEqual, type Edge } from "../edge.ts";
import { scratchFolder } from "../scratch.ts";

const rules = {
  allowedHosts: ["127.0.0.1", "desk.example", "::1"],
  spoken: serviceProtocols,
  selected: null,
};
const bytesOf = (csv: string | Uint8Array) => Buffer.from(csv as string);

export const serviceTable: Edge = {
  name: "service-csv",
  reads: "the CSV of a Service Info Table",
  sources: [
    "adapters/service-table/csv.ts",
    "adapters/service-table/encoding.ts",
    "machines/service-table.ts",
  ],
  seeds: [
    ...badTables.map(({ csv }) => bytesOf(csv)).filter((bytes) => bytes.length < 4_096),
    Buffer.from(table(row(), row({ name: "B", host: "desk.example", notes: '"two\nlines"', user: "u" }))),
    Buffer.from(table(row({ notes: "'=1+1" })).replaceAll(",", ";")),
    Buffer.from(`\ufeff${header.replaceAll(",", "\t")}\r\n${row({ name: "C" }).replaceAll(",", "\t")}\r\n`),
    Buffer.from(`\ufeff${table(row({ notes: "ü" }))}`, "utf16le"),
    Buffer.from(table(row({ notes: "\xfc" })), "latin1"),
  ],
  open: () => ({
    run(input) {
      const read = readTable(csvCodec.parse(input), rules);
      if (read.faults.length > 0) {
        demand(read.faults.length <= limits.tableFaultsMax, "a number of faults out of bounds");
        for (const fault of read.faults) demandTold(fault);
        return "refused";
      }
      demand(
        read.services.length > 0 && read.services.length <= limits.servicesMax,
        "a number of rows out of bounds",
      );
      // S9: what is exported is imported without a change, and no cell of it is a formula.
      const exported = csvCodec.format(read.services.map(cellsOf));
      const again = readTable(csvCodec.parse(exported), rules);
      demandEqual(again, read, "export and import have changed it");
      const cells = parse(exported, { bom: true }).flat();
      demand(!cells.some((cell) => /^[=+\-@\t\r＝＋－＠]/.test(cell)), "a formula in the export");
      return "accepted";
    },
  }),
};

function demandTold({ line, column, expected, got }: TableFault): void {
  demand(Number.isInteger(line) && line >= 1, `line ${line}`);
  demand(
    column !== "" && expected !== "" && got !== "",
    "a fault without its place, or what was expected or got",
  );
  demand(!/\p{Cc}/u.test(expected + got), "a fault of several lines");
  demand(got.length <= 1_000, `a fault of ${got.length} characters`);
}

const mark = "\n%%\n";
const network = (...files: readonly string[]) => Buffer.from(files.join(mark));
const elements = `ne_id;ne_name;ne_type;parent_ne_id;region;headend;chassis;slot;port;node;ip_address;mac;vendor;model;status
HUB-1;Hub 1;hub;;North;H1;C1;1;2;N1;10.0.0.1;00:11:22:33:44:55;V;M;up
NE-1;Node;node;HUB-1;North;H1;;;;;;;;;
NE-2;"a; quoted ""name""";node;NE-1;;;;;;;;;;;up
`;
const addresses = "address_id;ne_id;uau;street;house_no;postcode;city\nA-1;NE-1;U;Straße;1;2000;Antwerpen\n";
const hops =
  "path_id;ne_id;hop_no;hop_ne_id;hop_type;interface;network_service\nP1;NE-2;0;NE-2;;;\nP1;NE-2;1;NE-1;node;if0;s\nP1;NE-2;2;HUB-1;;;\n";
const shipped = readFileSync(
  new URL("../../../adapters/alarms/huawei-neurips2023/topology_edges.csv", import.meta.url),
  "utf8",
);

export const topologyFiles: Edge = {
  name: "topology-csv",
  reads: "the files of a topology",
  sources: ["adapters/topology/"],
  seeds: [
    network(elements, addresses, hops),
    network(elements),
    network("ne_a,ne_b\nA,B\nB,C\nC,D\n"),
    network(shipped.split("\n").slice(0, 40).join("\n")),
    network(
      "ne_a;ne_b\nHUB-1;NE-1\nNE-1;NE-2\n",
      elements.replaceAll("HUB-1;North", ";North").replaceAll("NE-1;;", ";;"),
    ),
    Buffer.from(elements.replace("Hub 1", "H\xfcb"), "latin1"),
  ],
  lifeExecutions: 2_000,
  open() {
    const dir = scratchFolder("topology");
    const clock = new ManualClock();
    return {
      async run(input) {
        const topology = createMemoryTopology({ clock });
        const files = parts(input).map((bytes, index) => {
          const path = join(dir, `${index}.csv`);
          writeFileSync(path, bytes);
          return path;
        });
        const outcome = await topology.load({ files });
        if (outcome.kind === "refused") {
          demand(
            outcome.count >= 1 && outcome.complaints.length <= limits.topologyErrorsMax,
            "a number of complaints out of bounds",
          );
          for (const { file, line, detail } of outcome.complaints) {
            demand(
              detail !== "" && detail.length <= 2_000 && !detail.includes("\n"),
              `a complaint as ${detail}`,
            );
            demand(file === null || files.includes(file), `a complaint of ${String(file)}`);
            demand(line === null || (Number.isInteger(line) && line >= 1), `line ${String(line)}`);
          }
          demand((await topology.loaded()) === null, "refused, and loaded");
          return "refused";
        }
        const { elements: held, roots, files: told } = outcome.summary;
        demand(held >= 1 && roots >= 1 && roots <= held, `${held} elements with ${roots} roots`);
        demandEqual(
          told.map(({ name }) => name).toSorted(),
          files.map((path) => basename(path)).toSorted(),
          "other files",
        );
        return "accepted";
      },
      close: () => rmSync(dir, { recursive: true, force: true }),
    };
  },
};

function parts(input: Buffer): readonly Buffer[] {
  const found: Buffer[] = [];
  let from = 0;
  for (let at = input.indexOf(mark); at >= 0 && found.length < 4; at = input.indexOf(mark, from)) {
    found.push(input.subarray(from, at));
    from = at + mark.length;
  }
  return [...found, input.subarray(from)];
}
