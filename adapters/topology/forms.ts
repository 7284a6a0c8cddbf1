/** The four kinds of file, told apart by their header. Source: wire.md, "Topology". */
import { limits } from "../../machines/limits.ts";
import { type Complaints, quoted } from "./complaints.ts";

/** `id`: names something, never empty. `reference`: an id or nothing. `hop`: a whole number. */
export type CellKind = "id" | "reference" | "text" | "hop";

export interface Column {
  readonly name: string;
  readonly kind: CellKind;
  /** Other files may call it this. */
  readonly alias?: string;
}

export type FormName = "network_element" | "address" | "network_path" | "link";

const id = (name: string, alias?: string): Column => ({
  name,
  kind: "id",
  ...(alias === undefined ? undefined : { alias }),
});
const text = (name: string): Column => ({ name, kind: "text" });

/** Columns in the order of the table's; those of kind `id` and `hop` must be there, of the others any. */
export const forms = {
  network_element: [
    id("ne_id"),
    text("ne_name"),
    text("ne_type"),
    { name: "parent_ne_id", kind: "reference" },
    ...["region", "headend", "chassis", "slot", "port", "node", "ip_address", "mac"].map(text),
    ...["vendor", "model", "status"].map(text),
  ],
  address: [id("address_id"), id("ne_id"), ...["uau", "street", "house_no", "postcode", "city"].map(text)],
  network_path: [
    id("path_id"),
    id("ne_id"),
    { name: "hop_no", kind: "hop" },
    id("hop_ne_id"),
    ...["hop_type", "interface", "network_service"].map(text),
  ],
  link: [id("ne_a", "device_a"), id("ne_b", "device_b")],
} as const satisfies Record<FormName, readonly Column[]>;

/** What only one form has. */
const marks: readonly (readonly [FormName, readonly string[]])[] = [
  ["link", ["ne_a", "ne_b", "device_a", "device_b"]],
  ["network_path", ["path_id", "hop_no", "hop_ne_id"]],
  ["address", ["address_id"]],
  ["network_element", ["ne_id"]],
];

export interface Header {
  readonly form: FormName;
  /** As the file has them, for messages. */
  readonly names: readonly string[];
  /** For each column of the form the cell of a row that holds it; −1: the file does not have it. */
  readonly cells: readonly number[];
}

/** Null after a complaint. */
export function readHeader(file: string, names: readonly string[], complaints: Complaints): Header | null {
  const plain = names.map((name) => name.trim().toLowerCase());
  const form = marks.find(([, own]) => own.some((name) => plain.includes(name)))?.[0];
  const complain = (column: string, detail: string) => complaints.add({ file, line: 1, column, detail });
  if (form === undefined) {
    const expected = Object.entries(forms).map(([name, columns]) => `${name}.csv (${someNames(columns)})`);
    complain("1", `the header begins with ${quoted(names[0] ?? "")}; expected that of ${either(expected)}`);
    return null;
  }
  const columns: readonly Column[] = forms[form];
  const before = complaints.count;
  for (const [index, name] of plain.entries()) {
    const column = columns.find((one) => one.name === name || one.alias === name);
    if (column === undefined) {
      complain(
        name === "" ? String(index + 1) : quoted(names[index] ?? ""),
        `no column of ${form}.csv; expected ${either(columns.map((one) => one.name))}`,
      );
    } else if (plain.indexOf(name) !== index) complain(name, "stands in the header twice; expected once");
  }
  for (const { name, alias, kind } of columns) {
    if (kind !== "text" && kind !== "reference" && !plain.includes(name) && !plain.includes(alias ?? name))
      complain(name, `is missing in the header; ${form}.csv needs it`);
  }
  if (complaints.count > before) return null;
  const cells = columns.map(({ name, alias }) => Math.max(plain.indexOf(name), plain.indexOf(alias ?? name)));
  return { form, names, cells };
}

function someNames(columns: readonly Column[]): string {
  return `${columns
    .slice(0, 2)
    .map(({ name }) => name)
    .join(";")}${columns.length > 2 ? ";…" : ""}`;
}

function either(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

// oxlint-disable-next-line no-control-regex -- what must not stand in an id
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffe\uffff]/;

/** What is wrong with a cell of its kind; null: nothing. */
export function cellFault(kind: CellKind, cell: string): string | null {
  if (kind === "text")
    return cell.length > limits.topologyTextCharsMax
      ? `${cell.length} characters; expected at most ${limits.topologyTextCharsMax}`
      : null;
  if (kind === "hop") {
    const isHop = /^\d{1,2}$/.test(cell) && Number(cell) < limits.pathHopsMax;
    return isHop ? null : `${quoted(cell)}; expected a whole number from 0 to ${limits.pathHopsMax - 1}`;
  }
  if (cell === "") return kind === "reference" ? null : "is empty; expected an id";
  if (cell.length > limits.topologyIdCharsMax)
    return `${cell.length} characters; expected an id of at most ${limits.topologyIdCharsMax}`;
  return control.test(cell) ? `${quoted(cell)} holds a control character; expected an id on one line` : null;
}
