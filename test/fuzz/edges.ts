/** Every edge that reads what others wrote. A new decoder is entered here. */
import type { Edge } from "./edge.ts";
import { alarmSocket, alarmText, intakeAnswer, replayCsv, replayNdjson } from "./edges/alarms.ts";
import { httpAlarms, httpApi } from "./edges/http.ts";
import { ledgerBackup } from "./edges/ledger.ts";
import { feedQuery, inspectQuery } from "./edges/queries.ts";
import { callback, deskRequest, serviceSocket, soapAnswer } from "./edges/service.ts";
import { commandLine, configuration, faultScript, tokensFile } from "./edges/settings.ts";
import { serviceTable, topologyFiles } from "./edges/tables.ts";

export const edges: readonly Edge[] = [
  alarmText,
  alarmSocket,
  ...httpAlarms,
  feedQuery,
  inspectQuery,
  serviceTable,
  topologyFiles,
  soapAnswer,
  serviceSocket,
  callback,
  deskRequest,
  httpApi,
  configuration,
  tokensFile,
  commandLine,
  replayCsv,
  replayNdjson,
  intakeAnswer,
  ledgerBackup,
  faultScript,
];
