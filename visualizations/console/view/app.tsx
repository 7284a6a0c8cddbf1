/** The frame of every page: where one is, whether what is shown is live, and the keys that work everywhere. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import {
  address,
  dismissLost,
  exceptions,
  go,
  isHelpOpen,
  isPaused,
  isStale,
  line,
  notice,
  now,
  reconnect,
  setPaused,
  setToken,
  shown,
  tokenAsked,
} from "../live.ts";
import type { PageName } from "../model/address.ts";
import { ageText, countText } from "../model/text.ts";
import { AlarmPage } from "./alarm.tsx";
import { AlarmsPage } from "./alarms.tsx";
import { AuditPage } from "./audit.tsx";
import { ClientPage } from "./client.tsx";
import { ClientsPage } from "./clients.tsx";
import { EventsPage } from "./events.tsx";
import { FlowPage } from "./flow.tsx";
import { FlowsPage } from "./flows.tsx";
import { GatewayPage } from "./gateway.tsx";
import { OverviewPage } from "./overview.tsx";
import { Dialog, Link, Refusal } from "./parts.tsx";

const titles: Readonly<Record<PageName, string>> = {
  overview: "Overview",
  alarms: "Alarms",
  clients: "Clients",
  flows: "Flows",
  gateway: "Gateway",
  events: "Events",
  audit: "Audit",
};

export function App() {
  useEffect(() => {
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  const { page } = address.value;
  const name = page === "client" ? "clients" : page === "flow" ? "flows" : page === "alarm" ? "alarms" : page;
  useEffect(() => {
    document.title = `${titles[name]} – Ticket Client`;
  }, [name]);
  return (
    <div class={isStale.value ? "shell stale" : "shell"}>
      <header class="top">
        <strong class="brand">
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M1.5 4h13v3a1.4 1.4 0 0 0 0 2.6V12h-13V9.600a1.400 1.400 0 0 0 0-2.600zM5 7h6M5 9.500h4" />
          </svg>
          Ticket Client
        </strong>
        <nav aria-label="Pages">
          {Object.entries(titles).map(([one, title]) => (
            <Link key={one} to={{ page: one as PageName }} isCurrent={one === name}>
              {title}
              {one === "overview" && <ExceptionCount />}
            </Link>
          ))}
        </nav>
        <FindBox />
        <Status />
      </header>
      <Banner />
      <Page />
      <p class="notice" role="status">
        {notice.value}
      </p>
      {tokenAsked.value !== null && <TokenDialog because={tokenAsked.value} />}
      {isHelpOpen.value && <HelpDialog />}
    </div>
  );
}

function Page() {
  const place = address.value;
  switch (place.page) {
    case "overview":
      return <OverviewPage />;
    case "alarms":
      return <AlarmsPage />;
    case "alarm":
      return <AlarmPage key={`${place.source} ${place.id}`} source={place.source} id={place.id} />;
    case "clients":
      return <ClientsPage />;
    case "client":
      return <ClientPage key={place.clientId} clientId={place.clientId} tab={place.tab} />;
    case "flows":
      return <FlowsPage />;
    case "flow":
      return <FlowPage key={place.lockGuid} lockGuid={place.lockGuid} />;
    case "gateway":
      return <GatewayPage />;
    case "events":
      return <EventsPage />;
    case "audit":
      return <AuditPage />;
  }
}

function ExceptionCount() {
  const { length } = exceptions();
  if (length === 0) return null;
  return <span class="badge">{length} abnormal</span>;
}

/** From what is in hand to why there is (no) ticket; Enter asks the whole ledger. */
function FindBox() {
  return (
    <form
      class="find"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        const box = event.currentTarget.querySelector("input");
        const text = box?.value.trim() ?? "";
        if (box === null || text === "") return;
        go({ page: "alarms" }, { find: text });
        box.value = "";
        box.blur();
      }}
    >
      <input
        type="search"
        aria-label="Find an alarm by its id, element, key or ticket"
        placeholder="alarm, element, key or ticket"
        spellcheck={false}
      />
    </form>
  );
}

function Status() {
  const screen = shown();
  const { counters } = screen;
  return (
    <div class="status">
      {counters !== null && (
        <span>
          {countText(counters.settled)} settled, {countText(counters.unsettled)} under way
        </span>
      )}
      <span data-line={line.value.kind}>
        {isPaused.value ? "paused" : line.value.kind === "live" ? "live" : "not live"}
      </span>
      <button type="button" aria-label="Help" onClick={() => (isHelpOpen.value = true)}>
        ?
      </button>
    </div>
  );
}

/** What one cannot see from the rows: that they are old, or that something is missing. */
function Banner() {
  const state = line.value;
  const { asOf, lost } = shown();
  const at = now.value;
  return (
    <div role="alert">
      {state.kind === "lost" && (
        <p class="banner">
          {state.because}{" "}
          {asOf === null ? "Nothing was received yet." : `What is shown is ${ageText(at - asOf)} old.`}{" "}
          {state.retryAt === null ? "" : `Next try in ${ageText(state.retryAt - at)}.`}{" "}
          <button type="button" onClick={reconnect}>
            Connect now
          </button>
        </p>
      )}
      {lost !== null && (
        <p class="banner">
          {lost.facts === null
            ? "The engine has another ledger now: what this page showed before is not part of it."
            : `${countText(lost.facts)} events were passed over: this page was too far behind, and shows what came since. The rest stands in the ledger.`}{" "}
          <button type="button" onClick={dismissLost}>
            Noted
          </button>
        </p>
      )}
    </div>
  );
}

function TokenDialog({ because }: { readonly because: string }) {
  const [text, setText] = useState("");
  const [refusal, setRefusal] = useState<string | null>(null);
  return (
    <Dialog title="Token" onClose={() => (tokenAsked.value = null)}>
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault();
          setRefusal(setToken(text));
        }}
      >
        <p>{because} One of role viewer or operator is needed. It is kept until this tab is closed.</p>
        <label>
          Token
          <input
            type="password"
            autocomplete="off"
            value={text}
            onInput={({ currentTarget }) => setText(currentTarget.value)}
            required
          />
        </label>
        <Refusal text={refusal} />
        <div class="buttons">
          <button type="submit">Use it</button>
        </div>
      </form>
    </Dialog>
  );
}

const keys: readonly (readonly [string, ComponentChildren])[] = [
  ["/", "to the filter of the page, else to the search for alarms"],
  ["a", "to the search for alarms: an id, an element, a key or a ticket; Enter asks"],
  ["↑ ↓ PgUp PgDn Home End", "move in a table"],
  ["Enter", "opens the row"],
  ["Esc", "closes, or leaves the search"],
  ["p", "pauses and resumes what is shown; nothing is lost meanwhile"],
  ["1 … 7", "to a page"],
  ["?", "this help"],
];

function HelpDialog() {
  return (
    <Dialog title="Keys" onClose={() => (isHelpOpen.value = false)}>
      <dl class="facts">
        {keys.map(([key, does]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog" class="buttons">
        <button type="submit">Close</button>
      </form>
    </Dialog>
  );
}

function onKey(event: KeyboardEvent): void {
  const { target, key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || !(target instanceof HTMLElement)) return;
  if (key === "Escape" && target instanceof HTMLInputElement && target.type === "search") target.blur();
  // A dialog that has just closed keeps the focus until the next frame.
  if (target.closest("input, textarea, select, dialog[open]") !== null) return;
  const page = Object.keys(titles)[Number(key) - 1];
  if (key === "/" || key === "a") {
    const box = (where: string): HTMLInputElement | null =>
      document.querySelector(`${where} input[type=search]`);
    ((key === "/" ? box("main") : null) ?? box(".find"))?.focus();
    event.preventDefault();
  } else if (key === "p") setPaused(!isPaused.peek());
  else if (key === "?") isHelpOpen.value = true;
  else if (page !== undefined) location.hash = `#/${page}`;
}
