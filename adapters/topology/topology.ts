/** The topology database as its callers see it: the port's look-up, details for people, and loads. */
import type { Topology } from "../../actors/ports.ts";
import type { Instant, NetworkPath } from "../../machines/vocabulary.ts";
import type { Complaint } from "./complaints.ts";
import type { Encoding } from "./encoding.ts";
import type { FormName } from "./forms.ts";

export interface TopologyDatabase extends Topology {
  /** As `path`, with what is known of the element itself; for people. Resolves within `topologyTimeoutMs`; never rejects. */
  details(look: { readonly elementId: string; readonly signal: AbortSignal }): Promise<DetailsAnswer>;
  /** The load in place; null: none yet. Rejects with FailureError TOPOLOGY_UNAVAILABLE or TOPOLOGY_TIMEOUT. */
  loaded(): Promise<LoadSummary | null>;
  /**
   * Puts the content of the files in place of all that is there, or changes nothing. Look-ups go on meanwhile and see the
   * old data until the new is whole. Rejects with FailureError TOPOLOGY_BUSY (another load is under way) or
   * TOPOLOGY_UNAVAILABLE; then too nothing has changed.
   */
  load(order: LoadOrder): Promise<LoadOutcome>;
}

export interface LoadOrder {
  /** In any order; told apart by their headers. */
  readonly files: readonly string[];
  /** Checks as a load does and writes nothing. Default false. */
  readonly dryRun?: boolean;
  /** Takes a load with far fewer rows than are in place (`topologyDropShareMax`). Default false: it is refused. */
  readonly acceptDrop?: boolean;
  readonly onProgress?: (progress: LoadProgress) => void;
}

export interface LoadProgress {
  readonly phase: "reading" | "checking" | "storing";
  readonly bytes: number;
  readonly bytesOf: number;
  readonly rows: number;
}

export interface LoadCounts {
  readonly elements: number;
  /** Elements without a parent. */
  readonly roots: number;
  readonly addresses: number;
  readonly hops: number;
}

/** What a fact about a load may carry: no paths of files, no rows. */
export interface LoadSummary extends LoadCounts {
  readonly loadedAt: Instant;
  readonly files: readonly LoadedFile[];
}

export interface LoadedFile {
  /** Without its folder. */
  readonly name: string;
  readonly form: FormName;
  readonly rows: number;
  readonly encoding: Encoding;
}

export type LoadOutcome =
  | { readonly kind: "loaded"; readonly summary: LoadSummary }
  /** `dryRun`: it would be loaded. */
  | { readonly kind: "checked"; readonly summary: LoadSummary }
  /** Nothing has changed. At most `topologyErrorsMax` complaints; `count`: how many there are. */
  | { readonly kind: "refused"; readonly complaints: readonly Complaint[]; readonly count: number };

export type DetailsAnswer =
  | { readonly kind: "found"; readonly details: ElementDetails }
  | { readonly kind: "absent"; readonly loadedAt: Instant | null }
  | { readonly kind: "error"; readonly code: string; readonly cause: string };

export interface ElementDetails {
  readonly element: NetworkElement;
  /** In order of their ids, at most `topologyAddressesShownMax`. */
  readonly addresses: readonly Address[];
  readonly path: NetworkPath;
}

export interface NetworkElement {
  readonly elementId: string;
  readonly name: string | null;
  readonly type: string | null;
  readonly parentId: string | null;
  readonly region: string | null;
  readonly headend: string | null;
  readonly chassis: string | null;
  readonly slot: string | null;
  readonly port: string | null;
  readonly node: string | null;
  readonly ipAddress: string | null;
  readonly mac: string | null;
  readonly vendor: string | null;
  readonly model: string | null;
  readonly status: string | null;
}

export interface Address {
  readonly addressId: string;
  /** Unique address of the operator's address register. */
  readonly uau: string | null;
  readonly street: string | null;
  readonly houseNo: string | null;
  readonly postcode: string | null;
  readonly city: string | null;
}
