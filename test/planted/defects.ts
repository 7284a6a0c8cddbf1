/** All planted defects, by the rooms they are in. */
import { alarmDefects } from "./alarm-defects.ts";
import type { Defect } from "./defect.ts";
import { edgeDefects } from "./edge-defects.ts";
import { feedDefects } from "./feed-defects.ts";
import { ledgerDefects } from "./ledger-defects.ts";
import { lockDefects } from "./lock-defects.ts";
import { requestDefects } from "./request-defects.ts";
import { supervisionDefects } from "./supervision-defects.ts";
import { tableDefects } from "./table-defects.ts";

export const defects: readonly Defect[] = [
  ...alarmDefects,
  ...requestDefects,
  ...lockDefects,
  ...tableDefects,
  ...ledgerDefects,
  ...feedDefects,
  ...supervisionDefects,
  ...edgeDefects,
];

/** How often `text` stands in `content`. */
export function timesIn(content: string, text: string): number {
  return content.split(text).length - 1;
}
