/** The address ↔ what is shown. Every filter and selection is in it, so that a link shows what its sender saw. */

export const pages = ["overview", "alarms", "clients", "flows", "gateway", "events", "audit"] as const;
export type PageName = (typeof pages)[number];
export const clientTabs = ["statechart", "connection", "communication", "search-results"] as const;
export type ClientTab = (typeof clientTabs)[number];

export type Place =
  | { readonly page: PageName }
  | { readonly page: "client"; readonly clientId: string; readonly tab: ClientTab }
  | { readonly page: "alarm"; readonly source: string; readonly id: string }
  | { readonly page: "flow"; readonly lockGuid: string };

/** Filters and selections by name; absent = the default. */
export type Query = Readonly<Record<string, string>>;
export type Address = Place & { readonly query: Query };

/** `hash` with or without `#`; what is not understood leads to the overview. */
export function readAddress(hash: string): Address {
  const [path = "", search = ""] = hash.replace(/^#/, "").split("?");
  const query = Object.fromEntries(new URLSearchParams(search));
  const [first = "", second = "", third = ""] = path
    .split("/")
    .filter((part) => part !== "")
    .map(decoded);
  if (first === "clients" && second !== "")
    return {
      page: "client",
      clientId: second,
      tab: clientTabs.find((tab) => tab === third) ?? "statechart",
      query,
    };
  if (first === "alarms" && second !== "" && third !== "")
    return { page: "alarm", source: second, id: third, query };
  if (first === "flows" && second !== "") return { page: "flow", lockGuid: second, query };
  return { page: pages.find((page) => page === first) ?? "overview", query };
}

export function writeAddress(place: Place, query: Query = {}): string {
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== "")).toString();
  return `#/${pathOf(place)}${search === "" ? "" : `?${search}`}`;
}

function pathOf(place: Place): string {
  if (place.page === "client") return `clients/${encodeURIComponent(place.clientId)}/${place.tab}`;
  if (place.page === "alarm")
    return `alarms/${encodeURIComponent(place.source)}/${encodeURIComponent(place.id)}`;
  if (place.page === "flow") return `flows/${encodeURIComponent(place.lockGuid)}`;
  return place.page;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
