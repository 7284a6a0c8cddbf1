/** Small pieces that every page is made of. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { address, isPaused, now } from "../live.ts";
import { type Place, type Query, writeAddress } from "../model/address.ts";
import type { ClientCondition } from "../model/feed.ts";
import { ageText, shortGuid, timeText, utcText } from "../model/text.ts";

/** Local time; UTC on hover. */
export function Time({ at }: { readonly at: number | null }) {
  if (at === null) return <span class="none">–</span>;
  return (
    <time dateTime={new Date(at).toISOString()} title={utcText(at)}>
      {timeText(at, now.value)}
    </time>
  );
}

/** How long ago; ticks. */
export function Age({ since }: { readonly since: number | null }) {
  if (since === null) return <span class="none">–</span>;
  return <span title={utcText(since)}>{ageText(now.value - since)}</span>;
}

/** Drawn, so that no font need have them. */
const shapes: Readonly<Record<ClientCondition, string>> = {
  idle: "M8 3a5 5 0 1 0 .01 0z",
  locked: "M3 7h10v7H3zM5 7V5a3 3 0 0 1 6 0v2",
  searching: "M7 3a4 4 0 1 0 .01 0zM10 10l4 4",
  forwarding: "M3 3l10 5-10 5z",
  closing: "M3 8l4 4 7-8",
  restarting: "M13 8a5 5 0 1 1-2-4M11 1v3H8",
  quarantined: "M3 3l10 10M13 3L3 13",
};

/** Shape and word: never colour alone. */
export function StateMark({ state }: { readonly state: ClientCondition }) {
  return (
    <span class="state" data-state={state}>
      <svg class="shape" viewBox="0 0 16 16" aria-hidden="true">
        <path d={shapes[state]} />
      </svg>
      {state}
    </span>
  );
}

export function Guid({ guid }: { readonly guid: string | null }) {
  if (guid === null) return <span class="none">–</span>;
  return (
    <code title={guid} class="guid">
      {shortGuid(guid)}
    </code>
  );
}

export function Link(props: {
  readonly to: Place;
  readonly query?: Query;
  readonly children: ComponentChildren;
  readonly isCurrent?: boolean;
}) {
  return (
    <a
      href={writeAddress(props.to, props.query)}
      aria-current={props.isCurrent === true ? "page" : undefined}
    >
      {props.children}
    </a>
  );
}

export function Facts({
  rows,
  isAbreast = false,
}: {
  readonly rows: readonly (readonly [name: string, value: ComponentChildren])[];
  readonly isAbreast?: boolean;
}) {
  return (
    <dl class={isAbreast ? "facts abreast" : "facts"}>
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value === "" || value === null ? <span class="none">–</span> : value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** The page's name, and what is done with all of it. */
export function Heading(props: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="heading bar">
      <h1>{props.title}</h1>
      {props.children}
    </div>
  );
}

export function Section(props: {
  readonly title: string;
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
}) {
  return (
    <section aria-label={props.title}>
      <header>
        <h2>{props.title}</h2>
        {props.actions}
      </header>
      {props.children}
    </section>
  );
}

/** A modal dialog; `Esc` closes, and the focus goes back to where it was. */
export function Dialog(props: {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    const dialog = element.current;
    if (dialog !== null && !dialog.open) dialog.showModal();
    return () => {
      const { activeElement } = document;
      const isElsewhere = activeElement !== document.body && dialog?.contains(activeElement) !== true;
      if (before instanceof HTMLElement && !isElsewhere) before.focus();
    };
  }, []);
  return (
    <dialog ref={element} aria-label={props.title} onClose={props.onClose}>
      <h2>{props.title}</h2>
      {props.children}
    </dialog>
  );
}

export function Refusal({ text }: { readonly text: string | null }) {
  return (
    <p role="alert" class="refusal">
      {text}
    </p>
  );
}

/** Why rows do not move while the counts do. Last of its line, so that it pushes nothing. */
export function HeldHint({ isHeld }: { readonly isHeld: boolean }) {
  return isHeld && !isPaused.value ? <span class="detail">held while you are on the rows</span> : null;
}

/** A text of the address, changed as it is typed. */
export function SearchBox(props: {
  readonly name: string;
  readonly label: string;
  readonly hint: string;
  readonly onText: (text: string) => void;
  readonly onEnter?: (text: string) => void;
}) {
  return (
    <input
      type="search"
      aria-label={props.label}
      placeholder={props.hint}
      value={address.value.query[props.name] ?? ""}
      onInput={({ currentTarget }) => props.onText(currentTarget.value)}
      onKeyDown={({ key, currentTarget }) => {
        if (key === "Enter") props.onEnter?.(currentTarget.value);
      }}
      spellcheck={false}
    />
  );
}

/** Gives the browser a file to keep. */
export function download(name: string, text: string, type = "text/csv"): void {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
