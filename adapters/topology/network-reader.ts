/** Rows of the four forms: each is checked, entered in the indexes of the checks, and staged. */
import { limits } from "../../machines/limits.ts";
import { type Complaints, quoted } from "./complaints.ts";
import { ElementIndex } from "./element-index.ts";
import { cellFault, type Column, type FormName, forms, type Header } from "./forms.ts";
import { HopIndex } from "./hop-index.ts";
import { IntList, Places } from "./int-list.ts";
import { parentsOf } from "./link-tree.ts";
import type { Cell, Staging } from "./store.ts";
import type { LoadCounts } from "./topology.ts";

export interface NetworkReader {
  /** What takes the rows of a file; files in the order link, network_element, address, network_path. */
  file(number: number, header: Header): (cells: readonly string[], line: number) => void;
  /** After the last file of a form: what only all of it shows. */
  endOf(form: FormName): Promise<void>;
  /** After the last file. */
  end(): LoadCounts;
}

export interface NetworkParts {
  readonly names: readonly string[];
  readonly staging: Staging;
  readonly complaints: Complaints;
  /** Beside elements, links give the parents and elements the rest. */
  readonly hasLinks: "none" | "alone" | "beside elements";
}

interface Row {
  /** In the order of the form's columns, trimmed, "" where there is nothing. Good until the next row. */
  readonly cells: readonly string[];
  readonly file: number;
  readonly line: number;
}

export function createNetworkReader({ names, staging, complaints, hasLinks }: NetworkParts): NetworkReader {
  const elements = new ElementIndex(names);
  const hops = new HopIndex(names);
  const addresses = new Map<string, number>();
  const addressPlaces = new Places(names);
  const links = {
    a: new IntList(),
    b: new IntList(),
    places: new Places(names),
    known: new Map<number, number>(),
  };
  let linkParents: Int32Array | null = null;

  /** Of rows that were read. Where others could not be, nobody knows which elements there are. */
  let ofReadRows = 0;
  let elementsKnown = true;
  function complain(row: Row, column: string, detail: string): void {
    ofReadRows += 1;
    complaints.add({ file: names[row.file] ?? "?", line: row.line, column, detail });
  }

  /** Nothing is staged after the first complaint: it would be thrown away. */
  const staged: Cell[] = [];
  function stage(table: "network_element" | "address" | "network_path", row: Row): void {
    if (complaints.count > 0) return;
    staged.length = row.cells.length;
    for (let n = 0; n < staged.length; n += 1)
      staged[n] = row.cells[n] === "" ? null : (row.cells[n] ?? null);
    if (table === "network_path") staged[2] = Number(row.cells[2]);
    if (table === "network_element" && linkParents !== null) staged[3] = linkParent(row.cells[0] ?? "");
    staging.add(table, staged);
  }

  function linkParent(id: string): string | null {
    const number = elements.numberOf(id);
    return number === undefined ? null : (elements.ids[linkParents?.[number] ?? -1] ?? null);
  }

  const takers: Record<FormName, (row: Row) => void> = {
    link(row) {
      const [idA = "", idB = ""] = row.cells;
      if (idA === idB)
        return complain(row, "ne_b", `${quoted(idB)} is linked to itself; expected another element`);
      const a = elements.name(idA, "ne_a", row.file, row.line);
      const b = elements.name(idB, "ne_b", row.file, row.line);
      const pair = Math.min(a, b) * limits.topologyElementsMax * 2 + Math.max(a, b);
      const again = links.known.get(pair);
      if (again !== undefined) {
        const { file, line } = links.places.at(again);
        const link = `the link of ${quoted(idA)} and ${quoted(idB)}`;
        return complain(
          row,
          "ne_a",
          `${link} stands in line ${line} of ${file} already; expected once, in either order`,
        );
      }
      links.known.set(pair, links.a.length);
      links.places.push(row.file, row.line);
      links.a.push(a);
      links.b.push(b);
    },
    network_element(row) {
      const [id = "", , , parentId = ""] = row.cells;
      if (hasLinks !== "none" && parentId !== "") {
        complain(
          row,
          "parent_ne_id",
          `${quoted(parentId)}; expected nothing: link.csv gives the parents of this load`,
        );
      }
      const number = elements.hold(id, row.file, row.line);
      if (number === -1) {
        const { file, line } = elements.placeOf(id);
        return complain(
          row,
          "ne_id",
          `${quoted(id)} stands in line ${line} of ${file} already; expected once`,
        );
      }
      if (parentId !== "")
        elements.setParent(number, elements.name(parentId, "parent_ne_id", row.file, row.line));
      stage("network_element", row);
    },
    address(row) {
      const [addressId = "", elementId = ""] = row.cells;
      const again = addresses.get(addressId);
      if (again !== undefined) {
        const { file, line } = addressPlaces.at(again);
        return complain(
          row,
          "address_id",
          `${quoted(addressId)} stands in line ${line} of ${file} already; expected once`,
        );
      }
      addresses.set(addressId, addresses.size);
      addressPlaces.push(row.file, row.line);
      if (heldNumber(row, "ne_id", elementId) !== null) stage("address", row);
    },
    network_path(row) {
      const [pathId = "", elementId = "", hopNo = "", hopId = ""] = row.cells;
      const element = heldNumber(row, "ne_id", elementId);
      const hop = heldNumber(row, "hop_ne_id", hopId);
      if (element === null || hop === null) return;
      const { file, line } = row;
      const fault = hops.add({ pathId, elementId, element, hopNo: Number(hopNo), hopId, hop, file, line });
      if (fault !== null) return complain(row, fault.column, fault.detail);
      stage("network_path", row);
    },
  };

  function heldNumber(row: Row, column: string, id: string): number | null {
    const number = elements.numberOf(id);
    if (number !== undefined) return number;
    if (elementsKnown)
      complain(row, column, `${quoted(id)} is no element of this load; expected the ne_id of one`);
    return null;
  }

  const counts: Record<FormName, () => readonly [number, number]> = {
    link: () => [links.a.length, limits.topologyElementsMax],
    network_element: () => [elements.named, limits.topologyElementsMax],
    address: () => [addresses.size, limits.topologyElementsMax],
    network_path: () => [hops.rows, limits.topologyHopRowsMax],
  };

  return {
    file(number, header) {
      const columns: readonly Column[] = forms[header.form];
      const take = takers[header.form];
      const cells = columns.map(() => "");
      const row = { cells, file: number, line: 0 };
      let full = false;
      return (read, line) => {
        row.line = line;
        if (full) return;
        const [count, most] = counts[header.form]();
        if (count >= most) {
          full = true;
          return complain(
            row,
            header.names[0] ?? "1",
            `row ${count + 1} of its kind; expected at most ${most}`,
          );
        }
        if (fill(row, read, columns, header.cells)) take(row);
      };
    },
    async endOf(form) {
      if (form === "link") {
        linkParents = parentsOf({ a: links.a.view(), b: links.b.view(), ids: elements.ids });
        for (const [number, parent] of linkParents.entries()) elements.setParent(number, parent);
        links.known.clear();
        if (hasLinks === "alone") await stageLinked(linkParents);
      }
      if (form === "network_element" || hasLinks === "alone")
        elementsKnown &&= complaints.count === ofReadRows;
      if (form === "network_element" && elementsKnown) {
        elements.complainOfMissing(complaints);
        if (hasLinks === "none") elements.complainOfLoops(complaints);
      }
    },
    end() {
      if (complaints.count === ofReadRows) hops.complainOfPaths(complaints);
      let roots = 0;
      for (const parent of elements.parents) if (parent === -1) roots += 1;
      return { elements: elements.held, roots, addresses: addresses.size, hops: hops.rows };
    },
  };

  /** Elements of which the links are all that is known. */
  async function stageLinked(parents: Int32Array): Promise<void> {
    elements.holdAll();
    const cells: Cell[] = forms.network_element.map(() => null);
    for (const [number, id] of elements.ids.entries()) {
      if (complaints.count > 0) return;
      cells[0] = id;
      cells[3] = elements.ids[parents[number] ?? -1] ?? null;
      staging.add("network_element", cells);
      if (number % stagedAtOnce === 0) await staging.drained();
    }
  }

  /** Puts the cells of a row in the order of the form; false after a complaint. */
  function fill(
    row: Row & { readonly cells: string[] },
    read: readonly string[],
    columns: readonly Column[],
    from: readonly number[],
  ): boolean {
    const before = complaints.count;
    for (let n = 0; n < columns.length; n += 1) {
      const at = from[n] ?? -1;
      const cell = at === -1 ? "" : (read[at] ?? "").trim();
      row.cells[n] = cell;
      const column = columns[n];
      if (column === undefined || (cell === "" && column.kind !== "id" && column.kind !== "hop")) continue;
      const fault = cellFault(column.kind, cell);
      if (fault !== null)
        complaints.add({ file: names[row.file] ?? "?", line: row.line, column: column.name, detail: fault });
    }
    return complaints.count === before;
  }
}

const stagedAtOnce = 1_000;
