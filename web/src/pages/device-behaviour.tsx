// What a device does beside what is usual of it.
import { useMemo, useState } from "preact/hooks";
import { get } from "../api";
import { go } from "../route";
import { bytes, clock, number, plural, visible } from "../show";
import { term } from "../terms";
import { Grid, type Column } from "../parts/grid";
import { Show, useLoad } from "../parts/load";
import { TimeChart, type Band } from "../parts/chart";

interface Rate { name: string; low: number; mid: number; high: number; peak: number; limit: number }
interface Tag { name: string; low: number; high: number; mean: number; recent: number; sigma: number; samples: number; judged: boolean }
interface Usual { first: string; last: string; events: number; minutes: number; learnt: boolean; rates: Rate[]; hours: { days: number; needs: number; events: number[]; bytes: number[]; events_limit: number[]; bytes_limit: number[] }; tags: Tag[] }
interface Span { time: string; events: number; bytes_out: number; bytes_in: number; peers: number; failures: number }
interface Peer { asked: boolean; ip: string; uid?: string; name?: string; service?: string; count: number; bytes: number; first: string; last: string; known?: string; findings?: string[]; breach?: boolean }
interface Fn { asked: boolean; protocol: string; function: string; code: number; write: boolean; count: number; first: string; last: string; known?: string }
interface Reading { name: string; time: string[]; low: number[]; mean: number[]; high: number[] }
interface Seen { from: string; to: string; step: number; usual?: Usual; note?: string; spans: Span[]; peers: Peer[]; functions: Fn[]; readings: Reading[]; cut: string[] }

const either = (uid: string) => `(${term("src_endpoint.uid", uid)} or ${term("dst_endpoint.uid", uid)} or ${term("device.uid", uid)})`;

/** Behaviour is the charts, peers, functions and readings of a device, each beside its usual. */
export function Behaviour({ uid }: { uid: string }) {
  const [last, setLast] = useState("24h");
  const got = useLoad((s) => get<Seen>("/devices/" + encodeURIComponent(uid) + "/behaviour?last=" + last, s), [uid, last]);
  return (
    <section aria-labelledby="behaviour">
      <div class="head"><h2 id="behaviour">What it does, and what is usual</h2>
        <label class="check">Over <select value={last} onChange={(ev) => setLast(ev.currentTarget.value)}><option value="24h">24 hours, by minute</option><option value="7d">7 days, the busiest minute of each hour</option></select></label></div>
      <Show of={got}>{(d) => <Drawn d={d} uid={uid} />}</Show>
    </section>
  );
}

function Drawn({ d, uid }: { d: Seen; uid: string }) {
  const u = d.usual;
  return (
    <>
      <p class="soft">{d.note ? d.note + "." : !u ? "Nothing is learnt of it yet." : u.minutes ? <>{u.learnt ? "Learnt" : "Still being learnt, so little is judged:"} from {plural(u.minutes, "active minute")} since {clock(u.first, false)}.{u.hours.days < u.hours.needs && <> What is usual of an hour of the day is known after {u.hours.needs} days; {u.hours.days === 1 ? "1 is" : u.hours.days + " are"} known.</>}</> : ""} The band is what is usual, its dashed edge the upper end.{d.cut.length > 0 && <> Of {d.cut.join(", ")} there are more than are shown.</>}</p>
      {d.spans.length ? <Charts d={d} uid={uid} /> : <p class="soft">Nothing was seen of it in this time.</p>}
      {d.readings.length > 0 && <Readings d={d} />}
      <Peers d={d} uid={uid} />
      {d.functions.length > 0 && <Functions d={d} uid={uid} />}
    </>
  );
}

const drawn: [keyof Omit<Span, "time">, string][] = [["events", "Events"], ["bytes_out", "Bytes sent"], ["bytes_in", "Bytes received"], ["peers", "Peers called"], ["failures", "Failures"]];

function Charts({ d, uid }: { d: Seen; uid: string }) {
  const made = useMemo(() => {
    const from = Math.floor(Date.parse(d.from) / 1000 / d.step) * d.step, n = Math.floor((Date.parse(d.to) / 1000 - from) / d.step) + 1;
    const times = Array.from({ length: n }, (_, i) => from + i * d.step);
    return drawn.map(([key, title]) => {
      const values: number[] = new Array(n).fill(0);
      for (const s of d.spans) { const i = Math.round((Date.parse(s.time) / 1000 - from) / d.step); if (i >= 0 && i < n) values[i] = s[key]; }
      const rate = d.usual?.rates.find((r) => r.name === key);
      const band = rate && d.usual!.minutes ? bandOf(d, times, key, rate) : undefined;
      const over = band ? values.filter((v, i) => v > band.limit[i]).length : 0;
      return { key, title, times, series: [{ label: title.toLowerCase(), values }], band, rate, over, empty: values.every((v) => !v) };
    });
  }, [d]);
  const shown = made.filter((c) => !c.empty), unit = d.step === 60 ? "minute" : "hour";
  return (
    <>
      <div class="charts">{shown.map((c) => (
        <div key={c.key}><h3>{c.title} a minute</h3>
          <TimeChart height={110} times={c.times} series={c.series} band={c.band} width={d.step}
            label={c.band ? (c.over ? plural(c.over, unit) + " unusual" : "No " + unit + " unusual") + (d.step === 60 ? "; most are " + told(c.key, c.rate!.low) + " to " + told(c.key, c.rate!.high) + ", unusual is more than " + told(c.key, c.rate!.limit) : "") + "." : "What is usual is not known yet."}
            choose={(a, b) => go("/events?" + new URLSearchParams({ q: either(uid), from: new Date(a * 1000).toISOString(), to: new Date(b * 1000).toISOString() }))} /></div>
      ))}</div>
      <p class="soft line">{made.some((c) => c.empty) && <>None in this time: {made.filter((c) => c.empty).map((c) => c.title.toLowerCase()).join(", ")}. </>}Drag over a chart to see the events of a span.</p>
    </>
  );
}

const told = (key: string, v: number) => key.startsWith("bytes") ? bytes(Math.round(v)) : number(Math.round(v * 10) / 10);

// Minutes have the band of a minute. The busiest minute of an hour has that of
// its hour of the day and the ones beside it, or without that the peak.
function bandOf(d: Seen, times: number[], key: string, rate: Rate): Band & { limit: number[] } {
  if (d.step === 60) return { low: times.map(() => rate.low), high: times.map(() => rate.high), limit: times.map(() => rate.limit) };
  const h = d.usual!.hours, [peaks, limits] = h.days < h.needs ? [] : key === "events" ? [h.events, h.events_limit] : key === "bytes_out" ? [h.bytes, h.bytes_limit] : [];
  const hour = (t: number) => Math.floor(t / 3600) % 24;
  return { low: times.map(() => 0), high: times.map((t) => peaks ? peaks[hour(t)] : rate.peak), limit: times.map((t) => limits ? Math.min(limits[hour(t)], rate.limit) : rate.limit) };
}

function Readings({ d }: { d: Seen }) {
  const made = useMemo(() => d.readings.map((r) => {
    const tag = d.usual?.tags.find((t) => t.name === r.name), times = r.time.map((t) => Date.parse(t) / 1000);
    const band = tag ? { low: times.map(() => tag.low), high: times.map(() => tag.high) } : undefined;
    const out = tag ? r.low.filter((v, i) => v < tag.low || r.high[i] > tag.high).length : 0;
    return { r, tag, times, band, out, series: [{ label: "on average", values: r.mean, line: true, colour: "--accent" }, { label: "at least", values: r.low, line: true, colour: "--soft" }, { label: "at most", values: r.high, line: true, colour: "--soft" }] };
  }), [d]);
  const two = (v: number) => number(Math.round(v * 100) / 100);
  return (
    <><h3>Telemetry</h3>
      <div class="charts">{made.map((c) => (
        <div key={c.r.name}><h3 class="break">{visible(c.r.name)}</h3>
          {c.times.length > 1 && <TimeChart height={110} floor={null} times={c.times} series={c.series} band={c.band}
            label={c.tag ? `${c.out ? plural(c.out, "span") + " with readings outside of the range" : "Within its range"} of ${two(c.tag.low)} to ${two(c.tag.high)}; on average ${two(c.tag.mean)}, of late ${two(c.tag.recent)}${c.tag.judged ? "" : "; still being learnt"}.` : "What is usual is not known yet."} />}</div>
      ))}</div></>
  );
}

const knownWords: Record<string, [string, string]> = { usual: ["usual", ""], waiting: ["new, on trial", "new"], flagged: ["flagged", "flagged"], "": ["not known", "new"] };

function Known({ of, u }: { of?: string; u?: Usual }) {
  if (!u || !u.minutes) return <span class="soft">{"\u2013"}</span>;
  const [word, kind] = knownWords[of || ""] || [of || "", ""];
  return <span class={"known " + kind} title={of === "flagged" ? "Part of what was flagged: it is never learnt" : of === "waiting" ? "Usual if nothing is flagged for a week" : of ? "" : "Never met, or forgotten since"}>{kind && <span aria-hidden="true">{"\u25b2 "}</span>}{word}</span>;
}

function Peers({ d, uid }: { d: Seen; uid: string }) {
  const rows = useMemo(() => [...d.peers].sort((a, b) => Number(Boolean(b.breach)) - Number(Boolean(a.breach)) || (b.findings?.length || 0) - (a.findings?.length || 0) || b.count - a.count), [d]);
  const events = (p: Peer) => "/events?" + new URLSearchParams({ q: term((p.asked ? "dst" : "src") + "_endpoint.uid", uid) + " " + term((p.asked ? "src" : "dst") + "_endpoint.ip", p.ip), from: d.from, to: d.to });
  const columns: Column<Peer>[] = [
    { key: "way", title: "Way", draw: (p) => p.asked ? "from" : "to" },
    { key: "peer", title: "Peer", draw: (p) => p.uid ? <a href={"/devices/" + p.uid}>{visible(p.name || p.ip)}</a> : visible(p.name || p.ip) },
    { key: "service", title: "Service", draw: (p) => visible(p.service || "\u2013") },
    { key: "known", title: "Usual", draw: (p) => <Known of={p.known} u={d.usual} /> },
    { key: "found", title: "Found", wide: true, draw: (p) => p.findings?.length ? <span title={p.findings.map(visible).join("\n")}>{p.breach ? <strong class="warn">Not allowed by policy; </strong> : ""}{plural(p.findings.length, "kind")} of finding</span> : "\u2013" },
    { key: "count", title: "Events", num: true, draw: (p) => <a href={events(p)}>{number(p.count)}</a> },
    { key: "bytes", title: "Bytes", num: true, draw: (p) => p.bytes ? bytes(p.bytes) : "\u2013" },
    { key: "first", title: "First", draw: (p) => clock(p.first) },
    { key: "last", title: "Last", draw: (p) => clock(p.last) },
  ];
  return <><h2>With whom it speaks</h2>{rows.length ? <Grid label="Peers" columns={columns} rows={rows} id={(p) => [p.asked, p.ip, p.service].join(" ")} open={(p) => go(events(p))} /> : <p class="soft">With nobody in this time.</p>}</>;
}

function Functions({ d, uid }: { d: Seen; uid: string }) {
  const columns: Column<Fn>[] = [
    { key: "way", title: "Way", draw: (f) => f.asked ? "asked of it" : "asked by it" },
    { key: "protocol", title: "Protocol", draw: (f) => visible(f.protocol) },
    { key: "function", title: "Function", draw: (f) => visible(f.function) + (f.code ? " (" + f.code + ")" : "") },
    { key: "write", title: "Writes", draw: (f) => f.write ? "writes" : "\u2013" },
    { key: "known", title: "Usual", draw: (f) => <Known of={f.known} u={d.usual} /> },
    { key: "count", title: "Events", num: true, draw: (f) => <a href={"/events?" + new URLSearchParams({ q: term((f.asked ? "dst" : "src") + "_endpoint.uid", uid) + " " + term("ics.function", f.function), from: d.from, to: d.to })}>{number(f.count)}</a> },
    { key: "first", title: "First", draw: (f) => clock(f.first) }, { key: "last", title: "Last", draw: (f) => clock(f.last) },
  ];
  return <><h2>Control functions</h2><Grid label="Control functions" columns={columns} rows={d.functions} id={(f) => [f.asked, f.protocol, f.function, f.code, f.write].join(" ")} /></>;
}
