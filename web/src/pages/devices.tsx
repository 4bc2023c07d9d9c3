import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { call, get, Problem, query, type Device, type Finding, type Page, type Row } from "../api";
import { limited, may } from "../me";
import { go, place, set } from "../route";
import { bytes, cell, clock, number, plural, severityWord, visible } from "../show";
import { term } from "../terms";
import { Grid, type Column } from "../parts/grid";
import { Severity, Show, Trouble, useLoad } from "../parts/load";
import { fill, TimeChart } from "../parts/chart";
import { decided, Status } from "../parts/status";
import type { VulnRow } from "./vulns";

type List = Page<Device> & { facets?: Record<string, { value: string; count: number }[]> };
const facets = ["type", "zone", "vendor", "criticality", "state"];

const columns: Column<Device>[] = [
  { key: "name", title: "Name", sort: "name", draw: (d) => <a href={"/devices/" + d.uid}>{visible(d.name || d.uid)}</a> },
  { key: "type", title: "Type", sort: "type", draw: (d) => visible(d.type || "\u2013") },
  { key: "ips", title: "Address", draw: (d) => (d.ips || []).map(visible).join(", ") || "\u2013" },
  { key: "zone", title: "Zone", sort: "zone", draw: (d) => visible(d.zone || "\u2013") },
  { key: "level", title: "Level", draw: (d) => d.level || "\u2013" },
  { key: "criticality", title: "Criticality", sort: "criticality", draw: (d) => d.criticality || "\u2013" },
  { key: "vendor", title: "Vendor", sort: "vendor", draw: (d) => visible([d.vendor, d.model].filter(Boolean).join(" ") || "\u2013") },
  { key: "firmware", title: "Firmware", draw: (d) => visible(d.firmware || "\u2013") },
  { key: "state", title: "State", sort: "state", draw: (d) => d.state },
  { key: "last_seen", title: "Last seen", sort: "last_seen", draw: (d) => clock(d.last_seen) },
];

/** Devices is the inventory; rows come as they are scrolled to. */
export function Devices() {
  const p = place.value.params;
  const [text, setText] = useState(p.get("q") || "");
  const [rows, setRows] = useState<Device[]>([]);
  const [state, setState] = useState<{ total: number; next?: string; facets?: List["facets"]; busy: boolean; error?: Problem }>({ total: 0, busy: true });
  const wanted = useMemo(() => {
    const w = new URLSearchParams();
    for (const k of ["q", "sort", ...facets]) { const v = p.get(k); if (v) w.set(k, v); }
    return w.toString();
  }, [place.value]);
  const turn = useRef(0);
  const load = useCallback(async (cursor: string) => {
    const mine = cursor ? turn.current : ++turn.current;
    setState((s) => ({ ...s, busy: true, error: undefined }));
    try {
      const d = await get<List>(`/devices?limit=200&${wanted}${cursor ? "&cursor=" + encodeURIComponent(cursor) : "&facets=1"}`);
      if (mine !== turn.current) return;
      setRows((old) => cursor ? [...old, ...d.rows] : d.rows);
      setState((s) => ({ total: d.total, next: d.next, facets: d.facets || s.facets, busy: false }));
    } catch (err) { if (mine === turn.current) setState((s) => ({ ...s, busy: false, error: err as Problem })); }
  }, [wanted]);
  useEffect(() => { void load(""); }, [load]);
  useEffect(() => { const t = setTimeout(() => { if (text.trim() !== (p.get("q") || "")) set({ q: text.trim() }, true); }, 250); return () => clearTimeout(t); }, [text]);
  const chosen = facets.filter((f) => p.get(f));
  return (
    <div class="page wide">
      <div class="head"><h1>Devices</h1></div>
      <form class="bar" role="search" onSubmit={(ev) => { ev.preventDefault(); set({ q: text.trim() }); }}>
        <input id="devices-query" value={text} onInput={(ev) => setText(ev.currentTarget.value)} aria-label="Name, address, vendor or id" placeholder="Name, address, vendor or id" autocomplete="off" spellcheck={false} />
      </form>
      {chosen.length > 0 && <p class="chips">{chosen.map((f) => <button type="button" class="chip" key={f} onClick={() => set({ [f]: "" })} aria-label={"without " + f}>{f}: {visible(p.get(f)!)} ×</button>)}</p>}
      {state.error && <Trouble error={state.error} retry={() => void load("")} />}
      <div class="split">
        <details class="facets" open={matchMedia("(min-width: 60rem)").matches}><summary>Values</summary>
          {facets.map((f) => (state.facets?.[f] || []).length > 0 && <section key={f}><h3>{f}</h3><ul class="values">{state.facets![f].map((v) => <li key={v.value}><button type="button" class="pivot" onClick={() => set({ [f]: v.value })}>{visible(v.value || "none")}</button><span class="num soft">{number(v.count)}</span></li>)}</ul></section>)}
        </details>
        <div class="list">
          <p class="soft line">{plural(state.total, "device")}{state.busy ? ", loading" : ""}{may("devices.read") && state.total > 0 && <> <a href={"/api/v1/devices?format=csv&" + wanted} download="vedette-devices.csv">Save CSV</a></>}</p>
          {!state.busy && !state.total ? <p class="none">{wanted ? "No device is like that." : "No device is known yet: devices are learnt from events, or imported with vedette devices import FILE."}</p>
            : <Grid label="Devices" tall columns={columns} rows={rows} id={(d) => d.uid} busy={state.busy} open={(d) => go("/devices/" + d.uid)} more={state.next && !state.busy ? () => void load(state.next!) : undefined} sort={p.get("sort") || ""} onSort={(by) => set({ sort: by }, true)} />}
        </div>
      </div>
    </div>
  );
}

interface Attribute { value: string; source: string; confidence: number; since: string }
interface Detail {
  device: Device; attributes: Record<string, Attribute> | null; hostnames: string[] | null; changes: { what: string; other: string; why: string; at: string }[] | null;
  evidence: { key: string; value: string; source: string; what: string; confidence?: number }[] | null;
}

/** DevicePage is one device: who it is and why that is believed, with whom it speaks, what was found. */
export function DevicePage({ uid }: { uid: string }) {
  const got = useLoad((s) => get<Detail>("/devices/" + encodeURIComponent(uid), s), [uid]);
  return <div class="page"><p><a href="/devices">Devices</a></p><Show of={got}>{(d) => <Body d={d} reload={got.reload} />}</Show></div>;
}

function Body({ d, reload }: { d: Detail; reload: () => void }) {
  const x = d.device, all = !limited();
  const events = (q: string) => "/events?" + new URLSearchParams({ q, last: "7d" });
  return (
    <>
      <h1>{visible(x.name || x.uid)}</h1>
      <p class="soft">{[x.type, x.vendor, x.model, x.firmware && "firmware " + x.firmware, x.zone ? "zone " + x.zone : "no zone", x.level && "level " + x.level, x.criticality && x.criticality + " criticality", x.state].filter(Boolean).map((t) => visible(t)).join(" · ")}</p>
      <p class="soft">{[...(x.ips || []), ...(x.macs || []), ...(d.hostnames || [])].map(visible).join(", ")}; seen from {clock(x.first_seen)} to {clock(x.last_seen)} <span class="mono">{x.uid}</span></p>
      {all && may("events.read") && <Activity uid={x.uid} />}
      <div class="two">
        <div>
          {all && may("events.read") && <Peers uid={x.uid} />}
          {all && may("findings.read") && <Findings uid={x.uid} />}
          {may("vulnerabilities.read") && <Vulns uid={x.uid} />}
          <h2>Who it is, and why that is believed</h2>
          <div class="scroll"><table><thead><tr><th scope="col">Attribute</th><th scope="col">Value</th><th scope="col">From</th><th scope="col" class="num">Confidence</th><th scope="col">Since</th></tr></thead>
            <tbody>{Object.entries(d.attributes || {}).map(([k, a]) => <tr key={k}><th scope="row">{k}</th><td>{visible(a.value)}</td><td>{a.source}</td><td class="num">{Math.round(a.confidence * 100)} %</td><td>{clock(a.since)}</td></tr>)}</tbody></table></div>
          {(d.evidence || []).length > 0 && <details><summary>Evidence ({number(d.evidence!.length)})</summary><ul class="bullets">{d.evidence!.map((e, i) => <li key={i}>{e.key}: {visible(e.what || e.value)} <span class="soft">{e.value && e.what ? visible(e.value) : ""}</span></li>)}</ul></details>}
        </div>
        <aside>
          {may("devices.write") && <SetForm uid={x.uid} reload={reload} />}
          {all && <><h2>Look closer</h2><ul class="plain">
            <li><a href={events(term("src_endpoint.uid", x.uid))}>What it did</a></li>
            <li><a href={events(term("dst_endpoint.uid", x.uid))}>What was done to it</a></li>
            <li><a href={events(term("src_endpoint.uid", x.uid) + " | by app_name, dst_port count | rare 20")}>What it does rarely</a></li>
            <li><a href={events("write=true " + term("dst_endpoint.uid", x.uid) + " | by src, ics.function count | top 50")}>Who wrote to it</a></li>
          </ul></>}
          {(d.changes || []).length > 0 && <><h2>Changes</h2><ol class="plain">{d.changes!.slice(-20).reverse().map((c, i) => <li key={i}>{c.what} {visible(c.other)} <span class="soft">{clock(c.at)} {visible(c.why)}</span></li>)}</ol></>}
        </aside>
      </div>
    </>
  );
}

function Activity({ uid }: { uid: string }) {
  const got = useLoad((s) => query(`${either(uid)} last 7d | every 1h count, sum(bytes) | limit 5000`, s), [uid]);
  const drawn = useMemo(() => {
    const { times, values } = fill((got.data?.rows || []).map((r) => ({ t: Date.parse(String(r.time)) / 1000, n: Number(r.count) })), 3600);
    return { times, series: [{ label: "events", values }] };
  }, [got.data]);
  if (drawn.times.length < 2) return null;
  return <TimeChart height={100} times={drawn.times} series={drawn.series} width={3600} label="Events per hour over 7 days. Drag to see a span." choose={(a, b) => go("/events?" + new URLSearchParams({ q: either(uid), from: new Date(a * 1000).toISOString(), to: new Date(b * 1000).toISOString() }))} />;
}

const either = (uid: string) => `(${term("src_endpoint.uid", uid)} or ${term("dst_endpoint.uid", uid)} or ${term("device.uid", uid)})`;

function Peers({ uid }: { uid: string }) {
  const got = useLoad(async (s) => {
    const by = (a: string, b: string) => query(`${term(a + ".uid", uid)} last 7d | by ${b}.ip, ${b}.name, ${b}.uid, app_name count, sum(bytes), last | sort count desc | limit 20`, s);
    const [out, into] = await Promise.all([by("src_endpoint", "dst_endpoint"), by("dst_endpoint", "src_endpoint")]);
    return [...out.rows.map((r) => ({ r, side: "dst_endpoint", way: "to" })), ...into.rows.map((r) => ({ r, side: "src_endpoint", way: "from" }))].sort((a, b) => Number(b.r.count) - Number(a.r.count)).slice(0, 25);
  }, [uid]);
  const who = (r: Row, side: string) => { const u = r[side + ".uid"], t = cell(r[side + ".name"]) || cell(r[side + ".ip"]) || "\u2013"; return u ? <a href={"/devices/" + u}>{t}</a> : <>{t}</>; };
  return (
    <><h2>With whom it speaks, over 7 days</h2>
      <Show of={got}>{(rows) => rows.length ? (
        <div class="scroll"><table><thead><tr><th scope="col">Way</th><th scope="col">Peer</th><th scope="col">Service</th><th scope="col" class="num">Events</th><th scope="col" class="num">Bytes</th><th scope="col">Last</th></tr></thead>
          <tbody>{rows.map(({ r, side, way }, i) => <tr key={i}><td>{way}</td><td>{who(r, side)}</td><td>{cell(r.app_name) || "\u2013"}</td><td class="num">{number(Number(r.count))}</td><td class="num">{r["sum(bytes)"] === null ? "\u2013" : bytes(Number(r["sum(bytes)"]))}</td><td>{cell(r.last)}</td></tr>)}</tbody></table></div>
      ) : <p class="soft">With nobody.</p>}</Show></>
  );
}

function Findings({ uid }: { uid: string }) {
  const got = useLoad((s) => get<Page<Finding>>("/findings?limit=20&device=" + encodeURIComponent(uid), s), [uid]);
  return (
    <><h2>What was found</h2>
      <Show of={got}>{(d) => d.rows.length ? <ol class="timeline">{d.rows.map((f) => <li key={f.uid}><time>{clock(f.time)}</time> <Severity level={typeof f.severity === "number" ? severityWord(f.severity) : String(f.severity)} /> <span><strong>{visible(f.title)}</strong><span class="soft">{(f.reasons || []).map((x) => visible([x.feature + ":", x.observed, x.usual && "usual: " + x.usual].filter(Boolean).join(" "))).join("; ")}</span></span></li>)}</ol> : <p class="soft">Nothing.</p>}</Show></>
  );
}

function Vulns({ uid }: { uid: string }) {
  const got = useLoad((s) => get<Page<VulnRow>>(`/devices/${encodeURIComponent(uid)}/vulnerabilities?limit=20`, s), [uid]);
  const cleared = useLoad((s) => get<Page<VulnRow>>(`/devices/${encodeURIComponent(uid)}/vulnerabilities?status=not_affected&limit=100`, s), [uid]);
  return (
    <><h2>Vulnerabilities</h2><p class="soft"><a href={`/devices/${encodeURIComponent(uid)}/bill`}>Bill of materials</a>{!limited() && <>, <a href={"/vulnerabilities?" + new URLSearchParams({ by: "device", open: "device:" + uid })}>reasons</a></>}</p>
      <Show of={got}>{(d) => d.rows.length ? (
        <><div class="scroll"><table><thead><tr><th scope="col">Decision</th><th scope="col">Vulnerability</th><th scope="col">Component</th><th scope="col">Status</th><th scope="col">Fixed in</th></tr></thead>
          <tbody>{d.rows.map((r, i) => <tr key={i}><td>{decided(r.decision)}</td><td>{limited() ? visible(r.id) : <a href={"/vulnerabilities/" + encodeURIComponent(r.id)}>{visible(r.id)}</a>}</td><td>{visible(r.component || "\u2013")}</td><td><Status of={r.status} /></td><td>{visible(r.fix || "\u2013")}</td></tr>)}</tbody></table></div>
          {d.total > d.rows.length && <p class="soft">and {number(d.total - d.rows.length)} more</p>}</>
      ) : <p class="soft">None is known. Without a bill of materials or a known firmware version that says little.</p>}</Show>
      <Show of={cleared}>{(d) => d.total > 0 && <details><summary><Status of="not_affected" /> by {plural(d.total, "vulnerability", "vulnerabilities")} that advisories name it or its components for</summary><ul class="bullets">{d.rows.map((r, i) => <li key={i}>{limited() ? visible(r.id) : <a href={"/vulnerabilities/" + encodeURIComponent(r.id)}>{visible(r.id)}</a>} {visible(r.component || "")} <span class="soft">{visible(r.reason)}, {visible(r.source)}</span></li>)}</ul></details>}</Show></>
  );
}

const settable = ["name", "type", "zone", "level", "criticality", "owner", "location", "state"];

/** SetForm takes a person's word on a device; it stands above what was observed and is in the journal. */
function SetForm({ uid, reload }: { uid: string; reload: () => void }) {
  const [key, setKey] = useState("criticality");
  const [value, setValue] = useState("");
  const [error, setError] = useState<Problem | null>(null);
  const [said, setSaid] = useState("");
  return (
    <form class="decide" onSubmit={(ev) => {
      ev.preventDefault();
      setError(null);
      call("PATCH", "/devices/" + encodeURIComponent(uid), { [key]: value }).then(() => { setSaid(key + " is set"); setValue(""); reload(); }, setError);
    }}>
      <h2>Set</h2>
      <label>Attribute<select value={key} onChange={(ev) => setKey(ev.currentTarget.value)}>{settable.map((k) => <option key={k}>{k}</option>)}</select></label>
      <label>Value<input value={value} maxLength={200} onInput={(ev) => setValue(ev.currentTarget.value)} /></label>
      {error && <Trouble error={error} />}
      <p><button type="submit" disabled={!value.trim()}>Set it</button> <span role="status" class="soft">{said}</span></p>
    </form>
  );
}

