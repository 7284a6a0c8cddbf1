/**
 * `POST /v1/alarms/ves`: VES 4, 5 and 7 events, one (`event`) or a batch (`eventList`). Domain `fault` and
 * 3GPP's alarms in `stndDefined` are alarms; every other domain is answered as no alarm.
 *   A4 one `eventId` goes from raise to clear: source name, event id, sequence and last time name a notification.
 * Source: VES Event Listener 7.2.1; ONAP's VES collector for the form of refusals.
 */
import { isObject } from "../../actors/alarm-json.ts";
import type { JsonObject } from "../../actors/alarm-json.ts";
import { limits } from "../../machines/limits.ts";
import type { AlarmFormat, AlarmItem, BodyReading, FormatSettings, RequestRefusal } from "./alarm-format.ts";
import {
  asDetails,
  instantText,
  readJsonObject,
  readTranslated,
  refusalOf,
  refusalOfIssue,
  refused,
  sourceOf,
} from "./alarm-format.ts";
import { readStndDefined } from "./ves-fault-supervision.ts";
import type { VesHeader } from "./ves-schema.ts";
import { faultFieldsSchema, headerSchemaOf, pnfRegistrationSchema, vesSeverities } from "./ves-schema.ts";

const listeners = ["v1", "v2", "v3", "v4", "v5", "v7"].flatMap((version) => [
  `/v1/alarms/ves/eventListener/${version}`,
  `/v1/alarms/ves/eventListener/${version}/eventBatch`,
]);

export const vesFormat: AlarmFormat = {
  // Senders take the address of a collector and add the rest themselves.
  paths: ["/v1/alarms/ves", ...listeners],
  mediaTypes: ["application/json"],
  success: 202,
  read(body, { settings }): BodyReading {
    const read = readJsonObject(body, "a VES object with event or eventList");
    if (!read.ok) return read;
    const { event, eventList } = read.value;
    const wrong = (code: "MISSING" | "INVALID" | "TOO_LARGE", field: string, detail: string) =>
      ({ ok: false, refusal: refusalOf(code, field, detail) }) as const;
    if (event === undefined && eventList === undefined)
      return wrong("MISSING", "/event", "expected event, or eventList; it is missing");
    if (eventList === undefined) return { ok: true, items: [readEvent(event, "/event", settings)] };
    if (event !== undefined) return wrong("INVALID", "/eventList", "expected event or eventList, not both");
    if (!Array.isArray(eventList) || eventList.length === 0)
      return wrong("INVALID", "/eventList", "expected eventList: a list of events");
    if (eventList.length > limits.alarmsPerRequestMax)
      return wrong("TOO_LARGE", "/eventList", `expected at most ${limits.alarmsPerRequestMax} events`);
    return {
      ok: true,
      items: eventList.map((one, index) => readEvent(one, `/eventList/${index}`, settings)),
    };
  },
  successBody: (results) => ({ results }),
  refusal: (refusal) => ({
    contentType: "application/json",
    body: { requestError: requestError(refusal), results: refusal.results },
  }),
};

function readEvent(event: unknown, place: string, settings: FormatSettings): AlarmItem {
  if (!isObject(event)) return refused("INVALID", place, "expected an event object");
  const raw = event["commonEventHeader"];
  const headerPlace = `${place}/commonEventHeader`;
  if (!isObject(raw))
    return refused(
      raw === undefined ? "MISSING" : "INVALID",
      headerPlace,
      "expected commonEventHeader: an object",
    );
  const read = headerSchemaOf(raw).safeParse(raw);
  if (!read.success)
    return { kind: "refused", refusal: refusalOfIssue(raw, read.error, headerPlace, asSent(raw)) };
  const header = read.data;
  const names = {
    source: sourceOf("ves", header.sourceName, settings),
    id: `${header.eventId}/${header.sequence}/${header.lastEpochMicrosec}`,
  };
  if (header.domain === "fault") return readFault(event, header, names, place, settings);
  if (header.domain === "stndDefined") {
    if (!header.stndDefinedNamespace)
      return refused(
        "MISSING",
        `${headerPlace}/stndDefinedNamespace`,
        "expected stndDefinedNamespace, for the domain is stndDefined; it is missing or empty",
        names,
      );
    return readStndDefined(event, header, names, place, settings);
  }
  if (header.domain === "pnfRegistration") {
    const fields = pnfRegistrationSchema.safeParse(event["pnfRegistrationFields"]);
    if (!fields.success)
      return {
        kind: "refused",
        refusal: refusalOfIssue(
          event["pnfRegistrationFields"],
          fields.error,
          `${place}/pnfRegistrationFields`,
          names,
        ),
      };
  }
  return { kind: "ignored", ...names, detail: `domain ${header.domain} is no alarm` };
}

/** Of a header that is refused: what the sender may know it by. */
function asSent({ sourceName, eventId }: JsonObject) {
  return {
    source: typeof sourceName === "string" ? `urn:ves:${encodeURIComponent(sourceName)}` : null,
    id: typeof eventId === "string" && eventId !== "" ? eventId : null,
  };
}

function readFault(
  event: JsonObject,
  header: VesHeader,
  names: { readonly source: string; readonly id: string },
  place: string,
  settings: FormatSettings,
): AlarmItem {
  const read = faultFieldsSchema.safeParse(event["faultFields"]);
  if (!read.success)
    return {
      kind: "refused",
      refusal: refusalOfIssue(event["faultFields"], read.error, `${place}/faultFields`, names),
    };
  const fault = read.data;
  const severity = vesSeverities[fault.eventSeverity];
  const isClear = severity === "cleared";
  const last = instantText(header.lastEpochMicrosec / 1_000);
  return readTranslated(
    {
      ...names,
      type: `org.tmforum.alarm.${isClear ? "AlarmStateChangeEvent" : "AlarmCreateEvent"}`,
      time: last,
      data: {
        // Unique in its source, and the same from raise to clear.
        externalAlarmId: header.eventId,
        sourceSystemId: header.sourceName,
        alarmedObject: { id: header.sourceName },
        alarmType: fault.eventCategory || fault.eventSourceType,
        probableCause: fault.alarmCondition,
        specificProblem: fault.specificProblem,
        perceivedSeverity: severity,
        state: isClear ? "cleared" : "raised",
        alarmRaisedTime: instantText(header.startEpochMicrosec / 1_000),
        ...(isClear ? { alarmClearedTime: last } : undefined),
        alarmDetails: detailsOf(fault),
      },
    },
    settings,
    place,
    places,
  );
}

function detailsOf({
  alarmInterfaceA,
  alarmAdditionalInformation: more = {},
}: ReturnType<typeof faultFieldsSchema.parse>): string {
  const pairs = Array.isArray(more)
    ? more.map(({ name, value }) => [name, value] as const)
    : Object.entries(more);
  const lines = pairs.map(([name, value]) => `${name}: ${value}`);
  return asDetails(alarmInterfaceA === undefined ? lines : [`Interface: ${alarmInterfaceA}`, ...lines]);
}

const places = {
  "/id": "/commonEventHeader/eventId",
  "/source": "/commonEventHeader/sourceName",
  "/data/externalAlarmId": "/commonEventHeader/eventId",
  "/data/sourceSystemId": "/commonEventHeader/sourceName",
  "/data/alarmedObject/id": "/commonEventHeader/sourceName",
  "/data/alarmType": "/faultFields/eventSourceType",
  "/data/probableCause": "/faultFields/alarmCondition",
  "/data/specificProblem": "/faultFields/specificProblem",
};

/** VES's own form: a message id, a text with numbered places, and what belongs there. */
function requestError({ status, code, field, detail }: RequestRefusal): object {
  const attribute = field.slice(1).replaceAll("/", ".");
  switch (status) {
    case 401:
      return {
        PolicyException: { messageId: "POL2000", text: "Unauthorized user: %1", variables: [detail] },
      };
    case 503:
      return {
        ServiceException: {
          messageId: "SVC1000",
          text: "No server resources: %1. Error code is %2",
          variables: [detail, "503"],
        },
      };
    case 400:
      if (code === "MISSING")
        return {
          ServiceException: {
            messageId: "SVC2006",
            text: "Mandatory input %1 %2 is missing from request: %3",
            variables: ["attribute", attribute, detail],
          },
        };
      return {
        ServiceException: {
          messageId: "SVC0002",
          text: "Bad parameter %1: %2",
          variables: [attribute === "" ? "body" : attribute, detail],
        },
      };
    default:
      return {
        ServiceException: {
          messageId: "SVC2000",
          text: "The following service error occurred: %1. Error code is %2",
          variables: [detail, String(status)],
        },
      };
  }
}
