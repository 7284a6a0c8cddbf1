/**
 * A table of any length: only the rows in view are drawn. Rows are of one height; arrows, Page, Home and End move,
 * Enter opens.
 */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

export interface TableColumn {
  readonly name: string;
  readonly title: ComponentChildren;
  readonly sorted?: "ascending" | "descending" | "none";
}

export interface VirtualTableProps {
  readonly label: string;
  readonly columns: readonly TableColumn[];
  readonly count: number;
  readonly keyOf: (index: number) => string;
  /** Cells of a row, in the order of the columns. */
  readonly cells: (index: number) => readonly ComponentChildren[];
  readonly rowClass?: (index: number) => string;
  readonly onOpen?: (index: number) => void;
  /** True while a pointer or the focus is on the rows: they should not change places. */
  readonly onBusy?: (isBusy: boolean) => void;
  readonly empty: string;
}

const rowPx = 28;
/** Rows drawn above and below what is in view. */
const spare = 6;

export function VirtualTable(props: VirtualTableProps) {
  const { count, columns, keyOf, cells, onOpen, onBusy } = props;
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const [current, setCurrent] = useState(0);
  const wanted = useRef<number | null>(null);

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const look = (): void => setView({ top: element.scrollTop, height: element.clientHeight });
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", look);
    };
  }, []);

  // The row to focus may be drawn only after the scroll.
  useEffect(() => {
    if (wanted.current === null) return;
    const row = box.current?.querySelector<HTMLElement>(`[aria-rowindex="${wanted.current + 2}"]`);
    if (row === null || row === undefined) return;
    wanted.current = null;
    row.focus({ preventScroll: true });
  });

  function move(index: number): void {
    const element = box.current;
    const target = Math.max(0, Math.min(count - 1, index));
    if (element === null || count === 0) return;
    const top = target * rowPx;
    const seen = element.clientHeight - rowPx * 2;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top > element.scrollTop + seen) element.scrollTop = top - seen;
    wanted.current = target;
    setCurrent(target);
    setView({ top: element.scrollTop, height: element.clientHeight });
  }

  /** The row that has the focus, or is about to: others may have come above it since it got it. */
  function focused(target: EventTarget | null): number {
    if (wanted.current !== null) return wanted.current;
    const row = target instanceof Element ? target.closest("tbody tr") : null;
    return row === null ? current : Number(row.getAttribute("aria-rowindex")) - 2;
  }

  function onFocus(index: number): void {
    wanted.current = null;
    setCurrent(index);
  }

  function onKey(event: KeyboardEvent): void {
    const page = Math.max(1, Math.floor(view.height / rowPx) - 2);
    const steps: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -count,
      End: count,
    };
    const step = steps[event.key];
    if (step !== undefined) {
      event.preventDefault();
      move(focused(event.target) + step);
    } else if (event.key === "Enter" && event.target instanceof HTMLTableRowElement)
      onOpen?.(focused(event.target));
  }

  // Where rows have gone, the scroll may stand below the last of them.
  const top = Math.min(Math.floor(view.top / rowPx), count - Math.floor(view.height / rowPx));
  const first = Math.max(0, top - spare);
  const last = Math.min(count, Math.ceil((view.top + view.height) / rowPx) + spare);
  const focusable = Math.min(Math.max(current, first), Math.max(first, last - 1));
  const rows = Array.from({ length: Math.max(0, last - first) }, (_, offset) => first + offset);
  return (
    <div
      class="table"
      ref={box}
      tabIndex={count === 0 ? 0 : -1}
      role="region"
      aria-label={props.label}
      onKeyDown={onKey}
      onMouseEnter={() => onBusy?.(true)}
      onMouseLeave={() => onBusy?.(false)}
      onFocusCapture={() => onBusy?.(true)}
      onBlurCapture={({ currentTarget }) => onBusy?.(currentTarget.matches(":hover"))}
    >
      <table aria-rowcount={count + 1}>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map(({ name, title, sorted }) => (
              <th key={name} scope="col" aria-sort={sorted} data-column={name}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <Space rows={first} span={columns.length} />
          {rows.map((index) => (
            <tr
              key={keyOf(index)}
              aria-rowindex={index + 2}
              tabIndex={index === focusable ? 0 : -1}
              class={props.rowClass?.(index)}
              onFocus={() => onFocus(index)}
              onDblClick={() => onOpen?.(index)}
            >
              {cells(index).map((cell, place) => (
                <td key={columns[place]?.name} data-column={columns[place]?.name}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
          <Space rows={count - last} span={columns.length} />
        </tbody>
      </table>
      {count === 0 && <p class="empty">{props.empty}</p>}
    </div>
  );
}

function Space({ rows, span }: { readonly rows: number; readonly span: number }) {
  if (rows <= 0) return null;
  return (
    <tr aria-hidden="true" class="space">
      <td colSpan={span} style={{ height: `${rows * rowPx}px` }} />
    </tr>
  );
}
