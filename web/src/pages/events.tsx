import { useEffect, useMemo, useState } from "preact/hooks";
import { get, query, type Cell, type Row, type Table } from "../api";
import { me } from "../me";
import { place, set } from "../route";
import { cell, clock, isLabel, isTime, number, plural, saveCSV, visible } from "../show";
import { halves, isDevices, isSequence, saysTime, term, withTerm } from "../terms";
import { Grid, type Column } from "../parts/grid";
import { Show, Trouble, useLoad } from "../parts/load";
import { Pivot } from "../parts/pivot";
import { fill, TimeChart } from "../parts/chart";
import { useKeys } from "../parts/keys";

const columns = ["time", "metadata.log_name", "src_endpoint.ip", "src_endpoint.name", "dst_endpoint.ip", "dst_endpoint.name", "dst_endpoint.port", "app_name", "activity_name", "status", "user.name", "device.name", "finding_info.title", "metadata.uid"];
const titles: Record<string, string> = {
  time: "Time", "metadata.log_name": "Log", "src_endpoint.ip": "From", "src_endpoint.name": "From device", "dst_endpoint.ip": "To", "dst_endpoint.name": "To device", "dst_endpoint.port": "Port",
  app_name: "Service", activity_name: "Activity", status: "Status", "user.name": "User", "device.name": "Device", "finding_info.title": "Found",
};
const facets = ["metadata.log_name", "src_endpoint.name", "dst_endpoint.name", "dst_endpoint.port", "app_name", "status", "severity_id", "src_endpoint.zone", "dst_endpoint.zone", "user.name"];
const ranges: [string, string, number][] = [["15m", "15 minutes", 900], ["1h", "hour", 3600], ["6h", "6 hours", 21600], ["24h", "24 hours", 86400], ["7d", "7 days", 604800], ["30d", "30 days", 2592000]];
const limit = 1000;

/** steps that a histogram may have, in seconds, as the language writes them. */
const steps: [number, string][] = [[1, "1s"], [10, "10s"], [60, "1m"], [300, "5m"], [600, "10m"], [3600, "1h"], [10800, "3h"], [21600, "6h"], [86400, "1d"], [604800, "7d"]];

interface Span { text: string; seconds: number }

function spanOf(p: URLSearchParams, q: string): Span {
  const from = p.get("from"), to = p.get("to");
  if (saysTime(q)) return { text: "", seconds: 86400 };
  if (from && to) return { text: `from ${from} to ${to}`, seconds: (Date.parse(to) - Date.parse(from)) / 1000 };
  const last = p.get("last") || "24h";
  if (last === "all") return { text: "", seconds: 0 };
  return { text: "last " + last, seconds: ranges.find((r) => r[0] === last)?.[2] ?? 86400 };
}

/** Events shows what was taken in: by time, by value, row by row. */
export function Events() {
  const p = place.value.params, q = p.get("q") || "";
  const [text, setText] = useState(q);
  useEffect(() => setText(q), [q]);
  const span = spanOf(p, q);
  const [where, stages] = halves(q);
  const plain = !stages && !isDevices(q) && !isSequence(q);
  const base = [where, span.text].filter(Boolean).join(" ");
  const ask = (t: string) => set({ q: t.trim(), event: "" });
  const act = (field: string, value: string, not: boolean) => ask(withTerm(q, term(field, value, not)));
  const tail = p.get("tail") === "1" && plain;
  return (
    <div class="page wide">
      <div class="head"><h1>Events</h1>
        <div class="tools">
          {plain && <label class="check"><input type="checkbox" checked={tail} onChange={(ev) => set({ tail: ev.currentTarget.checked ? "1" : "" })} /> Follow</label>}
          <label class="sr" for="range">Time range</label>
          <select id="range" disabled={saysTime(q)} value={p.get("from") ? "own" : p.get("last") || "24h"} onChange={(ev) => set({ last: ev.currentTarget.value, from: "", to: "" })}>
            {ranges.map(([k, t]) => <option key={k} value={k}>Last {t}</option>)}<option value="all">All time</option>{p.get("from") && <option value="own">Chosen span</option>}
          </select>
        </div>
      </div>
      <form class="bar" role="search" onSubmit={(ev) => { ev.preventDefault(); ask(text); }}>
        <FieldInput id="events-query" value={text} change={setText} />
        <button type="submit">Search</button>
        {q && <button type="button" class="quiet" onClick={() => ask("")}>Clear</button>}
      </form>
      {p.get("from") && <p class="soft">{clock(p.get("from")!)} to {clock(p.get("to")!)} <button type="button" class="link" onClick={() => set({ from: "", to: "" })}>back to the last 24 hours</button></p>}
      {plain ? <Rows base={base} where={where} span={span} act={act} tail={tail} /> : <Measured text={[base, stages].filter(Boolean).join(" ")} />}
    </div>
  );
}

interface Field { name: string; aliases: string[] | null; doc: string }
let known: Promise<Field[]> | undefined;

/** FieldInput is a line for a query that offers the names of fields. */
function FieldInput({ id, value, change }: { id: string; value: string; change: (t: string) => void }) {
  const [offers, setOffers] = useState<Field[]>([]);
  const word = /[\w.]*$/.exec(value)![0];
  useEffect(() => {
    if (word.length < 2) { setOffers([]); return; }
    known ??= get<{ rows: Field[] }>("/fields").then((f) => f.rows, () => { known = undefined; return []; });
    void known.then((all) => setOffers(all.filter((f) => f.name.includes(word) || f.aliases?.some((a) => a.startsWith(word))).slice(0, 12)));
  }, [word]);
  const before = value.slice(0, value.length - word.length);
  return (
    <>
      <input id={id} list={id + "-fields"} value={value} onInput={(ev) => change(ev.currentTarget.value)} autocomplete="off" spellcheck={false} class="mono"
        aria-label="Query" placeholder="src=10.0.0.5 port in (22, 23) status=Failure, or: | by src count | top 10" />
      <datalist id={id + "-fields"}>{offers.map((f) => <option key={f.name} value={before + f.name}>{f.doc}</option>)}</datalist>
    </>
  );
}

function Rows({ base, where, span, act, tail }: { base: string; where: string; span: Span; act: (f: string, v: string, not: boolean) => void; tail: boolean }) {
  const found = useLoad((s) => query(`${base} | select ${columns.join(", ")} | sort time desc | limit ${limit}`, s), [base]);
  const open = place.value.params.get("event") || "";
  const [fresh, broken] = useTail(tail ? where : null);
  const rows = useMemo(() => {
    const old = found.data?.rows || [];
    if (!fresh.length) return old;
    const have = new Set(fresh.map((r) => r["metadata.uid"]));
    return [...fresh, ...old.filter((r) => !have.has(r["metadata.uid"]))].slice(0, limit);
  }, [found.data, fresh]);
  const shown = useMemo<Column<Row>[]>(() => {
    const used = columns.filter((c) => c !== "metadata.uid" && rows.some((r) => r[c] !== null && r[c] !== "" && r[c] !== undefined));
    return used.map((c) => ({ key: c, title: titles[c], num: c === "dst_endpoint.port", draw: (r) => c === "time" ? <time dateTime={String(r.time)}>{clock(String(r.time))}</time> : <Pivot field={c} value={r[c]} act={act} /> }));
  }, [rows, act]);
  if (found.error && !found.data) return <Trouble error={found.error} retry={found.reload} />;
  return (
    <>
      {broken && <p class="warn">{broken}</p>}
      <Histogram base={base} span={span} total={found.data?.total ?? 0} live={tail} />
      <div class="split">
        <Facets base={base} act={act} />
        <div class="list">
          {found.data && rows.length === 0 ? <Nothing base={base} /> : (
            <>
              <p class="soft line">{rows.length < (found.data?.total ?? 0) ? `The newest ${number(rows.length)} of ${number(found.data!.total)} events` : plural(found.data?.total ?? 0, "event")}{found.busy && !tail ? ", loading" : ""}
                {rows.length > 0 && <> <button type="button" class="link" onClick={() => saveCSV("vedette-events", columns, rows)}>Save CSV</button></>}</p>
              <Grid label="Events" tall columns={shown} rows={rows} id={(r) => String(r["metadata.uid"])} chosen={open} busy={found.busy && !tail} open={(r) => set({ event: String(r["metadata.uid"]), at: String(r.time) }, Boolean(open))} />
            </>
          )}
        </div>
        {open && <EventPanel uid={open} at={place.value.params.get("at") || ""} act={act} />}
      </div>
    </>
  );
}

/** useTail follows what comes in; null follows nothing. */
function useTail(where: string | null): [Row[], string] {
  const [rows, setRows] = useState<Row[]>([]);
  const [broken, setBroken] = useState("");
  useEffect(() => {
    setRows([]);
    setBroken("");
    if (where === null) return;
    const from = new EventSource("/api/v1/events/tail?" + new URLSearchParams({ q: where, select: columns.filter((c) => c !== "metadata.uid").join(", ") }));
    from.addEventListener("rows", (ev) => {
      const fresh = (JSON.parse((ev as MessageEvent).data) as Table).rows;
      setRows((old) => {
        const have = new Set(old.map((r) => r["metadata.uid"]));
        return [...fresh.filter((r) => !have.has(r["metadata.uid"])), ...old].slice(0, limit);
      });
      setBroken("");
    });
    from.addEventListener("problem", (ev) => { setBroken((JSON.parse((ev as MessageEvent).data) as { detail: string }).detail); from.close(); });
    from.onerror = () => setBroken(from.readyState === EventSource.CLOSED ? "Following has ended: the query cannot be followed, or your session has ended." : "The connection is gone; trying again.");
    return () => from.close();
  }, [where]);
  return [rows, broken];
}

/** Nothing says why there may be no events, and what to do. */
function Nothing({ base }: { base: string }) {
  const stored = useLoad((s) => get<{ stored: { events: number; newest: string } }>("/now", s), []);
  const newest = stored.data?.stored.newest;
  if (stored.data?.stored.events === 0) return <p>Nothing is stored yet: <code>vedette ingest PATH</code>, or configure a source.</p>;
  return (
    <div class="none">
      <p>No event is like that{base.includes("last ") || base.includes("from ") ? " in this time" : ""}.</p>
      {isTime(newest) && <p class="soft">The newest event is of {clock(newest)}. <button type="button" class="link" onClick={() => set({ last: "all", from: "", to: "" })}>Look at all time</button></p>}
    </div>
  );
}

function Histogram({ base, span, total, live }: { base: string; span: Span; total: number; live: boolean }) {
  const [seconds, word] = steps.find(([s]) => (span.seconds || 0) / s <= 120) || steps[steps.length - 1];
  const step = span.seconds ? [seconds, word] as const : [86400, "1d"] as const;
  const got = useLoad((s) => query(`${base} | every ${step[1]} count | limit 10000`, s), [base, step[1]], live ? 10000 : 0);
  const drawn = useMemo(() => {
    const { times, values, step: width } = fill((got.data?.rows || []).map((r) => ({ t: Date.parse(String(r.time)) / 1000, n: Number(r.count) })), step[0]);
    return { times, width, series: [{ label: "events", values }] };
  }, [got.data, step[0]]);
  if (!total || drawn.times.length < 2) return null;
  return <TimeChart height={90} times={drawn.times} series={drawn.series} width={drawn.width} label={`Events by ${drawn.width === step[0] ? step[1] : number(drawn.width / 86400) + " days"}. Drag to choose a span.`}
    choose={(a, b) => set({ from: new Date(a * 1000).toISOString(), to: new Date(b * 1000).toISOString(), last: "" })} />;
}

function Facets({ base, act }: { base: string; act: (f: string, v: string, not: boolean) => void }) {
  const [open, setOpen] = useState(() => new Set(["metadata.log_name", "app_name", "status"]));
  const flip = (f: string) => setOpen((old) => { const n = new Set(old); n.has(f) ? n.delete(f) : n.add(f); return n; });
  return (
    <details class="facets" open={matchMedia("(min-width: 60rem)").matches}>
      <summary>Values</summary>
      {facets.map((f) => (
        <section key={f}><h3><button type="button" class="head" aria-expanded={open.has(f)} onClick={() => flip(f)}>{open.has(f) ? "\u25be" : "\u25b8"} {f}</button></h3>{open.has(f) && <Facet base={base} field={f} act={act} />}</section>
      ))}
    </details>
  );
}

function Facet({ base, field, act }: { base: string; field: string; act: (f: string, v: string, not: boolean) => void }) {
  const got = useLoad((s) => query(`${base} | by ${field} count | top 8`, s), [base, field]);
  if (got.error) return <p class="soft">{got.error.message}</p>;
  const rows = (got.data?.rows || []).filter((r) => r[field] !== null && r[field] !== "");
  return <ul class="values">{rows.map((r) => <li key={String(r[field])}><Pivot field={field} value={r[field]} act={act} /><span class="num soft">{number(Number(r.count))}</span></li>)}{got.data && !rows.length && <li class="soft">none</li>}</ul>;
}

/** EventPanel is one event in full, with the record as it was read. */
function EventPanel({ uid, at, act }: { uid: string; at: string; act: (f: string, v: string, not: boolean) => void }) {
  const got = useLoad((s) => get<{ event: Record<string, Cell> }>("/events/" + encodeURIComponent(uid) + (at ? "?at=" + encodeURIComponent(at) : ""), s), [uid]);
  const close = () => set({ event: "", at: "" }, true);
  useKeys({ Escape: close, r: () => document.getElementById("raw")?.scrollIntoView({ block: "nearest" }) }, [uid]);
  return (
    <aside class="panel" aria-label="Event">
      <div class="head"><h2>Event</h2><button type="button" class="quiet" onClick={close}>Close</button></div>
      <Show of={got}>{({ event }) => (
        <>
          <dl class="fields">{Object.entries(event).filter(([k]) => k !== "raw").map(([k, v]) => (
            <><dt>{k}</dt><dd>{k.endsWith(".uid") && k !== "metadata.uid" && String(v).startsWith("dev-") ? <a href={"/devices/" + encodeURIComponent(String(v))}>{String(v)}</a> : k === "time" ? clock(String(v)) + " (" + String(v) + ")" : <Pivot field={k} value={v} act={act} />}</dd></>
          ))}</dl>
          {event.raw && <><h3 id="raw">The record as it was read <button type="button" class="link" onClick={() => void navigator.clipboard?.writeText(String(event.raw))}>Copy</button></h3><pre class="raw">{visible(pretty(String(event.raw)))}</pre></>}
        </>
      )}</Show>
    </aside>
  );
}

// JSON is easier to read in lines; whatever is not stays as it is.
function pretty(raw: string) {
  if (raw[0] !== "{") return raw;
  try { return JSON.stringify(JSON.parse(raw), null, 1); } catch { return raw; }
}

/** Measured is a query that counts, sums or asks for devices or sequences. */
function Measured({ text }: { text: string }) {
  const got = useLoad((s) => query(text, s), [text]);
  return <Show of={got}>{(t) => <Result t={t} text={text} />}</Show>;
}

function Result({ t, text }: { t: Table; text: string }) {
  const shown = useMemo<Column<Row>[]>(() => t.columns.map((c) => ({ key: c, title: c, num: !isLabel(c) && t.rows.every((r) => r[c] === null || typeof r[c] === "number"), draw: (r) => <span title={cell(r[c], c)}>{cell(r[c], c) || "\u2013"}</span> })), [t]);
  const line = useMemo(() => {
    const y = t.columns[1];
    if (t.columns[0] !== "time" || t.columns.length < 2 || t.rows.length < 2 || typeof t.rows[0][y] !== "number") return null;
    return { times: t.rows.map((r) => Date.parse(String(r.time)) / 1000), series: [{ label: y, values: t.rows.map((r) => Number(r[y] || 0)) }] };
  }, [t]);
  if (!t.rows.length) return <p class="none">No row: nothing stored is like that. <span class="soft">{me.value?.demo ? "" : "The time range counts back from now."}</span></p>;
  return (
    <>
      {line && <TimeChart times={line.times} series={line.series} label={t.columns[1] + " over time"} />}
      <p class="soft line">{plural(t.total, "row")}{t.rows.length < t.total ? ", the first " + number(t.rows.length) + " are shown" : ""} <button type="button" class="link" onClick={() => saveCSV("vedette-query", t.columns, t.rows)}>Save CSV</button></p>
      <code class="query">{text}</code>
      <Grid label="Result" tall columns={shown} rows={t.rows} id={(r) => t.columns.map((c) => r[c]).join("\u0000")} />
    </>
  );
}
