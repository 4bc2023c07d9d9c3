import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { useKeys } from "./keys";

export interface Column<R> { key: string; title: string; num?: boolean; wide?: boolean; draw: (row: R) => ComponentChildren; sort?: string }

const height = 30; // of a row, as the style sheet has it
const ahead = 8;   // rows that may be scrolled by before others are drawn

interface Props<R> {
  label: string;
  columns: Column<R>[];
  rows: R[];
  id: (row: R) => string;
  open?: (row: R) => void;
  chosen?: string;      // id of the row that is open
  more?: () => void;    // the end of the rows is near and there are more
  sort?: string;        // "field" or "-field"
  onSort?: (by: string) => void;
  busy?: boolean;
  keys?: Record<string, (row: R) => void>; // that act on the row that j and k came to
  tall?: boolean;       // fills what is left of the window
}

/**
 * Grid shows any number of rows: only those that can be seen are in the page.
 * j and k move, Enter or o opens.
 */
export function Grid<R>({ label, columns, rows, id, open, chosen, more, sort, onSort, busy, tall, keys }: Props<R>) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, size: 600 });
  const [at, setAt] = useState(-1);
  useLayoutEffect(() => {
    const el = box.current!;
    const look = () => { // drawn anew each few rows, not with each step of the wheel
      const top = Math.floor(el.scrollTop / (height * ahead)) * height * ahead, size = el.clientHeight;
      setView((v) => v.top === top && v.size === size ? v : { top, size });
    };
    look();
    el.addEventListener("scroll", look, { passive: true });
    const watch = new ResizeObserver(look);
    watch.observe(el);
    return () => { el.removeEventListener("scroll", look); watch.disconnect(); };
  }, []);
  const from = Math.max(0, Math.floor(view.top / height) - 10);
  const to = Math.min(rows.length, Math.ceil((view.top + view.size) / height) + 10 + ahead);
  useEffect(() => { if (more && rows.length && to > rows.length - 150) more(); }, [to, rows.length]);
  useEffect(() => { if (at >= rows.length) choose(-1); }, [rows]);
  // What keys act on is kept where the newest key finds it, drawn or not yet.
  const now = useRef({ at, rows, open, chosen, keys });
  now.current = { at: now.current.at, rows, open, chosen, keys };
  const choose = (n: number) => { now.current.at = n; setAt(n); };
  const move = (by: number) => {
    const { at, rows, open, chosen } = now.current;
    const next = Math.min(rows.length - 1, Math.max(0, at + by));
    choose(next);
    const el = box.current!, y = next * height;
    if (y < el.scrollTop) el.scrollTop = y;
    else if (y + 2 * height > el.scrollTop + el.clientHeight) el.scrollTop = y + 2 * height - el.clientHeight;
    if (chosen && open && rows[next]) open(rows[next]);
  };
  const pick = () => { const { at, rows, open } = now.current; if (open && rows[at]) open(rows[at]); };
  const acts = Object.keys(keys || {}).map((k) => [k, () => { const { at, rows, keys } = now.current; if (keys?.[k] && rows[at]) keys[k](rows[at]); }]);
  useKeys({ j: () => move(1), k: () => move(-1), o: pick, Enter: pick, ...Object.fromEntries(acts) });
  return (
    <div class={"grid" + (tall ? " tall" : "")} ref={box} tabIndex={0} role="region" aria-label={label} aria-busy={busy}>
      <table aria-rowcount={rows.length + 1}>
        <thead><tr aria-rowindex={1}>{columns.map((c) => {
          const by = c.sort && onSort ? (sort === "-" + c.sort ? "descending" : sort === c.sort ? "ascending" : "none") : undefined;
          return (
            <th key={c.key} scope="col" class={c.num ? "num" : ""} aria-sort={by as "none"}>
              {by ? <button type="button" class="head" onClick={() => onSort!(sort === "-" + c.sort ? c.sort! : "-" + c.sort!)}>{c.title}{by === "descending" ? " \u2193" : by === "ascending" ? " \u2191" : ""}</button> : c.title}
            </th>
          );
        })}</tr></thead>
        <tbody>
          {from > 0 && <tr aria-hidden="true" class="gap"><td colSpan={columns.length} style={{ height: from * height + "px" }} /></tr>}
          {rows.slice(from, to).map((r, i) => {
            const n = from + i;
            return (
              <tr key={id(r)} aria-rowindex={n + 2} class={(id(r) === chosen ? "chosen " : "") + (n === at ? "at" : "") + (open ? " can" : "")}
                onClick={(ev) => { if ((ev.target as Element).closest("button,a")) return; choose(n); open?.(r); }}>
                {columns.map((c) => <td key={c.key} class={(c.num ? "num" : "") + (c.wide ? " wide" : "")}>{c.draw(r)}</td>)}
              </tr>
            );
          })}
          {to < rows.length && <tr aria-hidden="true" class="gap"><td colSpan={columns.length} style={{ height: (rows.length - to) * height + "px" }} /></tr>}
        </tbody>
      </table>
    </div>
  );
}
