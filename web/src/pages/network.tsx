import { useMemo } from "preact/hooks";
import type { Edge, Node } from "../graph/canvas";
import { get, query, type Page, type Row, type Table } from "../api";
import { limited } from "../me";
import { go, place, set } from "../route";
import { bytes, cell, clock, number, plural, visible } from "../show";
import { term } from "../terms";
import { Grid, type Column } from "../parts/grid";
import { BigGraph } from "../parts/big-graph";
import { Show, useLoad } from "../parts/load";

type Group = "zone" | "type" | "name";
const groups: [Group, string][] = [["zone", "zones"], ["type", "types of device"], ["name", "devices"]];
const outside = "outside or unknown";

interface Box { name: string; level: string; devices: number }
interface Link { from: string; to: string; events: number; bytes: number; last: string; writes: number; closed?: boolean; breaches?: number; passage?: Passage } // closed: its events are not shown here
interface Map0 { boxes: Box[]; links: Link[]; total: number; rules?: Rules; unplaced?: number }

// What the site allows between its zones, as the server holds events against it.
interface Conduit { name: string; from: string[]; to: string[]; both_ways: boolean; deny: boolean; allows: string }
interface Rules { declared: boolean; mode: string; default: string; isolated: string[]; conduits: Conduit[] }

// What passes from one place to another, and what the server says of it: a place is a
// zone, or internet, unzoned or nowhere.
interface Passage {
  from: string; to: string; events: number; bytes: number; writes: number; last: string; standing: string; violations: number; query: string;
  conduits: { name: string; deny: boolean; allows: string }[]; violated: { rule: string; findings: number }[];
}
interface Passages { policy: Rules; rows: Passage[]; total: number; unplaced: number }

interface Crossing { device: string; name: string; zone: string; other: string; begun: string; events: number; bytes: number; writes: number; last: string }

// Who is limited to zones sees no event with a device of another one; which other zones
// his devices speak with is told by itself.
async function crossings(last: string, s: AbortSignal): Promise<Crossing[]> {
  if (!limited()) return [];
  return (await get<Page<Crossing>>("/network/crossings" + (last === "all" ? "" : "?last=" + last), s)).rows;
}

const other = (c: Crossing) => c.other || outside;

/** add puts a link to those that there are. */
function add(links: Map<string, Link>, l: Link) {
  const key = l.from + "\u0000" + l.to, old = links.get(key);
  if (!old) { links.set(key, l); return; }
  old.events += l.events; old.bytes += l.bytes; old.writes += l.writes;
  if (l.last > old.last) old.last = l.last;
}

const byKey = (group: Group, s: AbortSignal) => query(`devices | by ${group}, level count | limit 10000`, s);

/** boxesOf are the groups of devices, each with its lowest level. */
function boxesOf(devices: Table, key: string) {
  const boxes = new Map<string, Box>();
  for (const r of devices.rows) {
    const name = cell(r[key]) || outside, b = boxes.get(name) || { name, level: "", devices: 0 };
    b.devices += Number(r.count);
    const level = cell(r.level);
    if (level && (!b.level || level < b.level)) b.level = level;
    boxes.set(name, b);
  }
  return boxes;
}

// The map of zones is as the server tells it: where an end is and which conduits lead
// there is not worked out here.
async function loadZones(last: string, zone: string, s: AbortSignal): Promise<Map0> {
  const ask = new URLSearchParams([...(last === "all" ? [] : [["last", last]]), ...(zone ? [["zone", zone]] : [])]);
  const [devices, told] = await Promise.all([byKey("zone", s), get<Passages>("/network/passages?" + ask, s)]);
  const boxes = boxesOf(devices, "zone");
  const links: Link[] = told.rows.map((p) => ({ from: p.from, to: p.to, events: p.events, bytes: p.bytes, last: p.last, writes: p.writes, closed: !p.query, breaches: p.violations, passage: p }));
  for (const l of links) for (const n of [l.from, l.to]) if (!boxes.has(n)) boxes.set(n, { name: n, level: "", devices: 0 });
  return { boxes: [...boxes.values()].filter((b) => b.name !== outside), links, total: told.total, rules: told.policy, unplaced: told.unplaced };
}

async function load(group: Group, last: string, zone: string, s: AbortSignal): Promise<Map0> {
  if (group === "zone") return loadZones(last, zone, s);
  const from = "src_endpoint." + group, to = "dst_endpoint." + group;
  const only = zone ? `(${term("src_endpoint.zone", zone)} or ${term("dst_endpoint.zone", zone)}) ` : "";
  const when = last === "all" ? "" : "last " + last;
  const [traffic, devices] = await Promise.all([
    query(`class_uid!=2004 ${only}src exists dst exists ${when} | by ${from}, ${to} count, sum(bytes), last, count as writes where (write=true) | sort count desc | limit 2000`, s),
    byKey(group, s),
  ]);
  const boxes = boxesOf(devices, group);
  const links: Link[] = (traffic.rows as Row[]).map((r) => ({ from: cell(r[from]) || outside, to: cell(r[to]) || outside, events: Number(r.count), bytes: Number(r["sum(bytes)"] || 0), last: String(r.last || ""), writes: Number(r.writes || 0) }));
  for (const l of links) for (const n of [l.from, l.to]) if (!boxes.has(n)) boxes.set(n, { name: n, level: "", devices: 0 });
  const seen = new Set(links.flatMap((l) => [l.from, l.to]));
  return { boxes: [...boxes.values()].filter((b) => seen.has(b.name)), links, total: traffic.total > traffic.rows.length ? traffic.total : links.length };
}

interface Device0 { name: string; uid: string; zone: string; type: string; level: string }
interface Fleet extends Map0 { devices: Map<string, Device0> }

// The busiest links of devices; each end with what groups it.
async function loadDevices(last: string, zone: string, s: AbortSignal): Promise<Fleet> {
  const only = zone ? `(${term("src_endpoint.zone", zone)} or ${term("dst_endpoint.zone", zone)}) ` : "";
  const side = (x: string) => [x + "_endpoint.uid", x + "_endpoint.name", x + "_endpoint.zone", x + "_endpoint.type", x + "_endpoint.level"];
  const t = await query(`class_uid!=2004 ${only}src exists dst exists ${last === "all" ? "" : "last " + last} | by ${[...side("src"), ...side("dst")].join(", ")} count, sum(bytes), last, count as writes where (write=true) | sort count desc | limit 10000`, s);
  const others = await crossings(last, s);
  const devices = new Map<string, Device0>(), links = new Map<string, Link>();
  const end = (r: Row, x: string) => {
    const uid = cell(r[x + "_endpoint.uid"]), name = cell(r[x + "_endpoint.name"]) || uid || outside;
    const id = uid || outside;
    if (!devices.has(id)) devices.set(id, { uid, name, zone: cell(r[x + "_endpoint.zone"]), type: cell(r[x + "_endpoint.type"]), level: cell(r[x + "_endpoint.level"]) });
    return id;
  };
  for (const r of t.rows) {
    add(links, { from: end(r, "src"), to: end(r, "dst"), events: Number(r.count), bytes: Number(r["sum(bytes)"] || 0), writes: Number(r.writes || 0), last: String(r.last || "") });
  }
  for (const c of others) {
    if (zone && c.zone !== zone && other(c) !== zone) continue;
    const far = "zone " + other(c);
    if (!devices.has(c.device)) devices.set(c.device, { uid: c.device, name: c.name, zone: c.zone, type: "", level: "" });
    if (!devices.has(far)) devices.set(far, { uid: "", name: "in " + other(c), zone: other(c), type: "", level: "" });
    add(links, { from: c.begun === "here" ? c.device : far, to: c.begun === "here" ? far : c.device, events: c.events, bytes: c.bytes, writes: c.writes, last: c.last, closed: true });
  }
  return { boxes: [], links: [...links.values()].sort((a, b) => b.events - a.events), total: t.total > t.rows.length ? t.total : links.size, devices };
}

const inGroups: [string, string][] = [["zone", "zone"], ["level", "Purdue level"], ["type", "type"]];
const openBelow = 400; // devices: more begin with their groups closed

function Devices0({ m, last, inside }: { m: Fleet; last: string; inside: string }) {
  const made = useMemo(() => {
    const group = (d: Device0) => d.uid === "" ? "Outside" : (inside === "level" ? d.level && "Level " + d.level : inside === "type" ? d.type : d.zone) || "No " + (inside === "level" ? "level" : inside);
    const nodes: Node[] = [...m.devices].map(([id, d]) => ({ id, label: d.name, group: group(d), level: d.level }));
    const edges: Edge[] = m.links.map((l) => ({ from: l.from, to: l.to, weight: l.events, strong: l.writes > 0 }));
    return { nodes, edges };
  }, [m, inside]);
  const name = (id: string) => visible(m.devices.get(id)?.name || id);
  const events = (l: Link) => {
    const side = (f: string, id: string) => id === outside ? `not (${f} exists)` : term(f, id);
    return "/events?" + new URLSearchParams({ q: side("src_endpoint.uid", l.from) + " " + side("dst_endpoint.uid", l.to), last });
  };
  const to = (id: string) => m.devices.get(id)?.uid ? "/devices/" + encodeURIComponent(id) : "";
  const columns: Column<Link>[] = [
    { key: "from", title: "From", draw: (l) => to(l.from) ? <a href={to(l.from)}>{name(l.from)}</a> : name(l.from) }, { key: "to", title: "To", draw: (l) => to(l.to) ? <a href={to(l.to)}>{name(l.to)}</a> : name(l.to) },
    { key: "zones", title: "Zones", draw: (l) => [l.from, l.to].map((id) => visible(m.devices.get(id)?.zone || "none")).join(" \u2192 ") },
    { key: "events", title: "Events", num: true, draw: (l) => l.closed ? number(l.events) : <a href={events(l)}>{number(l.events)}</a> }, { key: "writes", title: "Writes", num: true, draw: (l) => l.writes ? number(l.writes) : "\u2013" },
    { key: "bytes", title: "Bytes", num: true, draw: (l) => l.bytes ? bytes(l.bytes) : "\u2013" }, { key: "last", title: "Last", draw: (l) => clock(l.last) },
  ];
  return (
    <>
      <BigGraph label="Who speaks to whom, by device" what="device" writes={made.edges.some((e) => e.strong)} nodes={made.nodes} edges={made.edges} collapsed={made.nodes.length > (innerWidth < 700 ? 12 : openBelow)} href={to} open={(id) => { if (to(id)) go(to(id)); }}
        note={`${plural(made.nodes.length, "device")} and ${plural(made.edges.length, "link")}.`} />
      <p class="soft line">{plural(m.links.length, "link")}, the busiest first{m.total > m.links.length ? "; " + number(m.total) + " there are" : ""}</p>
      <Grid label="Links" columns={columns} rows={m.links} id={(l) => l.from + "\u0000" + l.to} open={(l) => { if (!l.closed) go(events(l)); }} />
    </>
  );
}

/** Network shows who speaks to whom, by zone, type or device. */
export function Network() {
  const p = place.value.params;
  const group = (groups.find(([g]) => g === p.get("by"))?.[0]) || "zone", last = p.get("last") || "24h", zone = p.get("zone") || "";
  const inside = inGroups.find(([g]) => g === p.get("in"))?.[0] || "zone";
  const got = useLoad<Map0 | Fleet>((s) => group === "name" ? loadDevices(last, zone, s) : load(group, last, zone, s), [group, last, zone]);
  return (
    <div class="page wide">
      <div class="head"><h1>Network</h1>
        <div class="tools">
          <label>by <select value={group} onChange={(ev) => set({ by: ev.currentTarget.value })}>{groups.map(([g, t]) => <option key={g} value={g}>{t}</option>)}</select></label>
          {group === "name" && <label>in groups by <select value={inside} onChange={(ev) => set({ in: ev.currentTarget.value })}>{inGroups.map(([g, t]) => <option key={g} value={g}>{t}</option>)}</select></label>}
          <label class="sr" for="net-range">Time range</label>
          <select id="net-range" value={last} onChange={(ev) => set({ last: ev.currentTarget.value })}>{["1h", "24h", "7d", "30d"].map((t) => <option key={t} value={t}>Last {t}</option>)}<option value="all">All time</option></select>
        </div></div>
      {zone && <p class="chips"><button type="button" class="chip" onClick={() => set({ zone: "" })}>zone: {visible(zone)} ×</button></p>}
      <Show of={got}>{(m) => m.links.length ? "devices" in m ? <Devices0 m={m} last={last} inside={inside} /> : <Drawn m={m} group={group} last={last} /> : <p class="none">Nobody spoke to anybody in this time.</p>}</Show>
    </div>
  );
}

const most = 60; // boxes that are drawn

const standings: Record<string, [string, string]> = {
  isolated: ["nothing: isolated", "bad"], nothing: ["nothing", "bad"], within: ["one zone", "soft"], open: ["no conduit; not denied", "soft"],
};

// says tells in a cell what the site's policy says of a passage.
function says(p: Passage) {
  if (p.conduits.length) return p.conduits.map((c) => <span key={c.name} title={visible(c.allows)}>{visible(c.name)}{c.deny ? " (denied)" : ""} </span>);
  const [text, look] = standings[p.standing] || [p.standing, "soft"];
  return <span class={look}>{text}</span>;
}

/** Said tells what is declared between the zones, or how to begin. */
function Said({ rules }: { rules: Rules }) {
  const draft = !limited() && <a href="/api/v1/conduits/draft" download="conduits-draft.yaml">Draft from what was seen</a>;
  if (!rules.declared) return <p class="soft">No conduits are declared{limited() ? " that touch your zones" : ""}, so what crosses zones is shown but not judged. {draft && <>{draft} (a file to read, correct and name as <code>detect.policy</code>).</>}</p>;
  return (
    <details><summary>{plural(rules.conduits.length, "declared conduit")}, {rules.mode === "monitor" ? "monitored" : "with alerts"}; else {rules.default === "deny" ? "nothing" : "anything"} may pass between zones</summary>
      <ul class="bullets">{rules.conduits.map((c) => <li key={c.name}><strong>{visible(c.name)}</strong> {c.from.map(visible).join(", ")} {c.both_ways ? "\u2194" : "\u2192"} {c.to.map(visible).join(", ")}: <span class="soft">{visible(c.allows)}</span></li>)}</ul>
      {draft && <p>{draft}</p>}
    </details>
  );
}

function Drawn({ m, group, last }: { m: Map0; group: Group; last: string }) {
  const side = (f: string, n: string) => n === outside ? `not (${f} exists)` : term(f, n);
  const ends = (l: Link) => l.passage ? l.passage.query : side("src_endpoint." + group, l.from) + " " + side("dst_endpoint." + group, l.to);
  const events = (l: Link) => "/events?" + new URLSearchParams({ q: ends(l), last });
  const found = (l: Link) => "/events?" + new URLSearchParams({ q: `detection_finding (finding_info.uid^=policy/zones or finding_info.uid^=policy/conduit/) ${ends(l)}`, last });
  const broken = (l: Link) => l.passage?.violated.map((v) => v.rule + ": " + number(v.findings)).join(", ");
  const columns: Column<Link>[] = [
    { key: "from", title: "From", draw: (l) => visible(l.from) }, { key: "to", title: "To", draw: (l) => visible(l.to) },
    { key: "events", title: "Events", num: true, draw: (l) => number(l.events) }, { key: "writes", title: "Writes", num: true, draw: (l) => l.writes ? number(l.writes) : "\u2013" },
    ...(m.rules?.declared ? [
      { key: "breaches", title: "Violations", num: true, draw: (l: Link) => !l.breaches ? "\u2013" : l.closed ? <span class="bad" title={broken(l)}>{number(l.breaches)}</span> : <a class="bad" href={found(l)} title={broken(l)}>{number(l.breaches)}</a> },
      { key: "rule", title: "Allowed by", draw: (l: Link) => l.passage ? says(l.passage) : "\u2013" },
    ] : []),
    { key: "bytes", title: "Bytes", num: true, draw: (l) => l.bytes ? bytes(l.bytes) : "\u2013" }, { key: "last", title: "Last", draw: (l) => clock(l.last) },
    { key: "go", title: "", draw: (l) => l.closed ? <span class="soft">not shown</span> : <a href={events(l)}>Events</a> },
  ];
  return (
    <>
      <Picture m={m} group={group} open={(l) => { if (!l.closed) go(l.breaches ? found(l) : events(l)); }} />
      {m.rules && <Said rules={m.rules} />}
      {m.unplaced ? <p class="soft">{plural(m.unplaced, "finding")} of the policy in this time {m.unplaced === 1 ? "does" : "do"} not tell both ends, such as one at many addresses.</p> : null}
      <p class="soft line">{plural(m.links.length, group === "zone" ? "passage" : "link")}, the busiest first{m.links.length < m.total ? "; " + number(m.total) + " there are" : ""}</p>
      <Grid label={group === "zone" ? "Passages" : "Links"} columns={columns} rows={m.links} id={(l) => l.from + "\u0000" + l.to} open={(l) => { if (!l.closed) go(events(l)); }} />
    </>
  );
}

// Rows of the picture are Purdue levels, the highest on top; what is outside or
// has no level stands above them.
function Picture({ m, group, open }: { m: Map0; group: Group; open: (l: Link) => void }) {
  const drawn = useMemo(() => {
    const busy = new Map<string, number>();
    for (const l of m.links) for (const n of [l.from, l.to]) busy.set(n, (busy.get(n) || 0) + l.events);
    const boxes = [...m.boxes].sort((a, b) => (busy.get(b.name) || 0) - (busy.get(a.name) || 0)).slice(0, most);
    const levels = [...new Set(boxes.map((b) => b.level))].sort((a, b) => a === "" ? -1 : b === "" ? 1 : b.localeCompare(a, "en", { numeric: true }));
    const wide = 980, per = 5, row = 84;
    const at = new Map<string, { x: number; y: number }>(), names: { text: string; y: number }[] = [];
    let y = 46;
    for (const level of levels) {
      const here = boxes.filter((b) => b.level === level).sort((a, b) => a.name.localeCompare(b.name));
      names.push({ text: level ? "Level " + level : "No level", y });
      for (let i = 0; i < here.length; i += per) {
        const line = here.slice(i, i + per);
        line.forEach((b, k) => at.set(b.name, { x: 130 + (k + 0.5) * (wide - 150) / line.length, y }));
        y += row;
      }
    }
    const both = m.links.filter((l) => l.from !== l.to && at.has(l.from) && at.has(l.to));
    const links = [...both.slice(0, 300), ...both.slice(300).filter((l) => l.breaches)].sort((a, b) => (a.breaches || 0) - (b.breaches || 0)); // what breaks rules is drawn, and on top
    return { boxes, at, names, links, wide, high: y - row / 2 + 6, top: Math.max(1, ...links.map((l) => l.events)) };
  }, [m]);
  const { boxes, at, names, links, wide, high, top } = drawn;
  const self = new Map(m.links.filter((l) => l.from === l.to).map((l) => [l.from, l]));
  return (
    <figure class="network">
      <div class="scroll" tabIndex={0} role="region" aria-label="Map; the same is in the table below">
        <svg viewBox={`0 0 ${wide} ${high}`} style={{ minWidth: "700px" }} role="img" aria-label={"Who speaks to whom: " + links.slice(0, 20).map((l) => `${l.from} to ${l.to} ${number(l.events)}`).join(", ")}>
          <defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" /></marker></defs>
          {names.map((n) => <text key={n.y} class="level" x="8" y={n.y + 4}>{n.text}</text>)}
          {links.map((l) => {
            const a = at.get(l.from)!, b = at.get(l.to)!, up = b.y < a.y, flat = a.y === b.y;
            const y1 = flat ? a.y - 22 : up ? a.y - 22 : a.y + 22, y2 = flat ? b.y - 22 : up ? b.y + 22 : b.y - 22, side = a.x < b.x ? 10 : -10;
            const bend = flat ? `${(a.x + b.x) / 2 + side} ${a.y - 56}` : `${(a.x + b.x) / 2 + (up ? 18 : -18)} ${(y1 + y2) / 2}`;
            return <path key={l.from + "\u0000" + l.to} class={"edge" + (l.breaches ? " breach" : l.writes ? " writes" : "")} d={`M${a.x + side} ${y1}Q${bend} ${b.x - side} ${y2}`} stroke-width={1 + 4 * Math.log1p(l.events) / Math.log1p(top)} marker-end="url(#arrow)" onClick={() => open(l)}><title>{visible(l.from)} → {visible(l.to)}: {number(l.events)} events{l.writes ? ", " + number(l.writes) + " writes" : ""}{l.breaches ? ", " + plural(l.breaches, "violation") : ""}, {bytes(l.bytes)}</title></path>;
          })}
          {boxes.map((b) => {
            const p = at.get(b.name)!, text = visible(b.name);
            return (
              <g key={b.name} class="node" transform={`translate(${p.x} ${p.y})`} onClick={() => b.name !== outside && b.devices > 0 && (group === "zone" ? set({ by: "name", zone: b.name }) : go("/devices?" + new URLSearchParams(group === "type" ? { type: b.name } : { q: b.name })))}>
                <title>{text}{b.devices ? ", " + plural(b.devices, "device") : ""}{self.has(b.name) ? "; inside it " + number(self.get(b.name)!.events) + " events" : ""}</title>
                <rect x="-72" y="-22" width="144" height="44" rx="6" />
                <text text-anchor="middle" dy={group === "name" || !b.devices ? 5 : -2}>{text.length > 19 ? text.slice(0, 18) + "\u2026" : text}</text>
                {group !== "name" && b.devices > 0 && <text class="sub" text-anchor="middle" dy="14">{plural(b.devices, "device")}</text>}
              </g>
            );
          })}
        </svg>
      </div>
      <figcaption>Thicker lines are more events; orange ones wrote to controllers{links.some((l) => l.breaches) ? "; dashed red ones did what the site's policy does not allow" : ""}. {group === "zone" ? "A zone opens into its devices." : ""}{m.boxes.length > boxes.length ? ` The ${boxes.length} busiest of ${number(m.boxes.length)} are drawn.` : ""}</figcaption>
    </figure>
  );
}
