import type { ServiceProtocol } from "../../machines/vocabulary.ts";

/** Protocols that there is an adapter for: what a selected service may speak. */
export const spokenProtocols: readonly ServiceProtocol[] = ["osb"];
