import { useEffect, useRef, useState } from "preact/hooks";
import { Problem, stream } from "../api";
import { clock, number, plural, visible } from "../show";
import { Trouble } from "../parts/load";
import { Rows } from "../parts/rows";

interface Progress { read: number; of: number; findings: number }
interface Tried {
  title: string; from: string; to: string; read: number; of: number; matches: number; findings: number; in_force?: number; cut?: string; until: string; device_count: number; notes?: string[]; took_ms: number;
  devices: { uid?: string; name: string; findings: number }[]; days: { day: string; matches: number; findings: number }[]; examples: { time: string; event?: string; from?: string; to?: string; reasons: string[]; record?: string }[];
}

const spans: [string, string][] = [["1h", "the last hour"], ["24h", "the last 24 hours"], ["7d", "the last 7 days"], ["30d", "the last 30 days"]];

/** Trial shows stored events to a rule before it is kept. */
export function Trial({ rule }: { rule: { text: string } | { id: string } }) {
  const [last, setLast] = useState("24h");
  const [far, setFar] = useState<Progress | null>(null);
  const [busy, setBusy] = useState(false);
  const [got, setGot] = useState<Tried | null>(null);
  const [error, setError] = useState<Problem | null>(null);
  const stop = useRef<AbortController | null>(null);
  useEffect(() => () => stop.current?.abort(), []);
  const run = async () => {
    const mine = stop.current = new AbortController();
    setBusy(true); setFar(null); setGot(null); setError(null);
    try {
      await stream("/rules/try", { ...rule, last }, mine.signal, (event, data) => { if (event === "progress") setFar(data as Progress); else setGot(data as Tried); });
    } catch (err) { if (!mine.signal.aborted) setError(err instanceof Problem ? err : new Problem(0, String(err))); }
    if (stop.current === mine) setBusy(false);
  };
  return (
    <section aria-label="Trial">
      <p>
        <label>Show it to stored events of <select value={last} disabled={busy} onChange={(ev) => setLast(ev.currentTarget.value)}>{spans.map(([k, t]) => <option key={k} value={k}>{t}</option>)}</select></label>
        {busy ? <button type="button" class="quiet" onClick={() => stop.current?.abort()}>Stop</button> : <button type="button" class="quiet" onClick={() => void run()}>See what it would have found</button>}
      </p>
      {busy && <p class="loading" role="status"><label>{far ? `${number(far.read)} of ${plural(far.of, "event")}, ${plural(far.findings, "finding")}` : "Being looked up"} <progress max={far?.of || 1} value={far ? far.read : undefined} /></label></p>}
      {error && <Trouble error={error} />}
      {got && <Result of={got} />}
    </section>
  );
}

function Result({ of: t }: { of: Tried }) {
  return (
    <div role="status">
      <p><strong>{plural(t.findings, "finding")}</strong> of {plural(t.read, "event")}{t.matches !== t.findings ? `; ${plural(t.matches, "event")} fit` : ""}{t.device_count ? `, on ${plural(t.device_count, "device")}` : ""}{t.in_force !== undefined ? `. The rule that is there makes ${number(t.in_force)} of them` : ""}. <span class="soft">{clock(t.from)} to {clock(t.to)}, in {number(Math.round(t.took_ms / 100) / 10)} s</span></p>
      {t.cut && <p class="warn">Only events before {clock(t.until)} were read, {number(t.read)} of {number(t.of)}: {visible(t.cut)}.</p>}
      {t.of === 0 && <p class="soft">Nothing is stored of that time.</p>}
      <ul class="plain">{(t.notes || []).map((n, i) => <li key={i} class="warn">{visible(n)}</li>)}</ul>
      {t.days.length > 0 && <Rows heads={["Day", "Events that fit", "Findings"]} rows={t.days.map((d) => [d.day, number(d.matches), number(d.findings)])} />}
      {t.devices.length > 0 && <Rows heads={["Device", "Findings"]} rows={t.devices.map((d) => [d.uid ? <a href={"/devices/" + encodeURIComponent(d.uid)} target="_blank">{visible(d.name)}</a> : visible(d.name), number(d.findings)])} />}
      {t.examples.length > 0 && <ul class="plain">{t.examples.map((x, i) => <li key={i}>{clock(x.time)} <span class="soft">{[x.from, x.to].filter(Boolean).map(visible).join(" \u2192 ")}; {x.reasons.map(visible).join("; ")}</span>{x.record && <pre class="raw">{visible(x.record)}</pre>}</li>)}</ul>}
    </div>
  );
}
