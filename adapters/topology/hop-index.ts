/** Rows of network_path.csv: each path belongs to one element, has no hop twice and none missing, and turns nowhere. */
import { limits } from "../../machines/limits.ts";
import { type Complaints, quoted } from "./complaints.ts";
import { IntList, Places } from "./int-list.ts";

export interface HopRow {
  readonly pathId: string;
  readonly elementId: string;
  /** Numbers of elements. */
  readonly element: number;
  readonly hopNo: number;
  readonly hopId: string;
  readonly hop: number;
  readonly file: number;
  readonly line: number;
}

export class HopIndex {
  readonly #paths = new Map<string, number>();
  // of a path
  readonly #owner = new IntList();
  readonly #lastRow = new IntList();
  readonly #firstPlace: Places;
  // of a row
  readonly #rowBefore = new IntList();
  readonly #hopNo = new IntList();
  readonly #hop = new IntList();
  readonly #places: Places;

  constructor(files: readonly string[]) {
    this.#firstPlace = new Places(files);
    this.#places = new Places(files);
  }

  get rows(): number {
    return this.#hop.length;
  }

  get paths(): number {
    return this.#owner.length;
  }

  /** What is wrong with the row where it stands, null: nothing. Takes at most `pathHopsMax` steps. */
  add(row: HopRow): { readonly column: string; readonly detail: string } | null {
    let path = this.#paths.get(row.pathId);
    if (path === undefined) {
      path = this.#owner.length;
      this.#paths.set(row.pathId, path);
      this.#owner.push(row.element);
      this.#lastRow.push(-1);
      this.#firstPlace.push(row.file, row.line);
    } else if (this.#owner.at(path) !== row.element) {
      const { file, line } = this.#firstPlace.at(path);
      return {
        column: "ne_id",
        detail: `${quoted(row.elementId)}; expected the element of path ${quoted(row.pathId)} in line ${line} of ${file}`,
      };
    }
    for (let at = this.#lastRow.at(path); at !== -1; at = this.#rowBefore.at(at)) {
      const again =
        this.#hopNo.at(at) === row.hopNo
          ? { column: "hop_no", what: `hop ${row.hopNo}` }
          : this.#hop.at(at) === row.hop
            ? { column: "hop_ne_id", what: `${quoted(row.hopId)} (a loop)` }
            : null;
      if (again === null) continue;
      const { file, line } = this.#places.at(at);
      const detail = `${again.what} stands in path ${quoted(row.pathId)} twice, before in line ${line} of ${file}; expected once`;
      return { column: again.column, detail };
    }
    this.#rowBefore.push(this.#lastRow.at(path));
    this.#lastRow.set(path, this.#hop.length);
    this.#hopNo.push(row.hopNo);
    this.#hop.push(row.hop);
    this.#places.push(row.file, row.line);
    return null;
  }

  /** What only the whole path shows: a hop missing, or the element itself elsewhere than first. */
  complainOfPaths(complaints: Complaints): void {
    for (const [id, path] of this.#paths) {
      let lowest: number = limits.pathHopsMax;
      let highest = -1;
      let rows = 0;
      let own = -1;
      for (let at = this.#lastRow.at(path); at !== -1; at = this.#rowBefore.at(at)) {
        const hopNo = this.#hopNo.at(at);
        lowest = Math.min(lowest, hopNo);
        highest = Math.max(highest, hopNo);
        rows += 1;
        if (this.#hop.at(at) === this.#owner.at(path)) own = at;
      }
      if (rows === 0) continue; // its only row is a complaint already
      const place = this.#firstPlace.at(path);
      if (lowest > 1 || highest - lowest + 1 !== rows) {
        const detail = `path ${quoted(id)} has ${rows} hops numbered ${lowest} to ${highest}; expected every number from 0 or 1 on`;
        complaints.add({ ...place, column: "hop_no", detail });
      } else if (own !== -1 && this.#hopNo.at(own) !== lowest) {
        complaints.add({
          ...this.#places.at(own),
          column: "hop_ne_id",
          detail: `path ${quoted(id)} comes to its own element at hop ${this.#hopNo.at(own)}; expected it first or not at all: hops lead away from it, to the root`,
        });
      }
    }
  }
}
