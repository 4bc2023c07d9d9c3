import { useEffect, useMemo, useState } from "preact/hooks";
import { get, post, Problem, type Incident, type IncidentView, type Page } from "../api";
import { may, mayDecide } from "../me";
import { go, place, set } from "../route";
import { clock, number, plural, sentence, severityWord, visible } from "../show";
import { Grid, type Column } from "../parts/grid";
import { Severity, Show, Trouble, useLoad } from "../parts/load";
import { EntityGraph } from "../parts/graph";
import { useKeys } from "../parts/keys";
import { Files, isMine, Owner, take, Undo } from "./casework";
import { Notebook } from "./notebook";
import { term } from "../terms";

type List = Page<Incident> & { names: Record<string, string> };

/** Incidents is the list, the gravest first. */
export function Incidents() {
  const all = place.value.params.get("status") === "all", whose = place.value.params.get("assignee") || "";
  const got = useLoad((s) => get<List>("/incidents?" + new URLSearchParams({ limit: "1000", ...(all && { status: "all" }), ...(whose && { assignee: whose }) }), s), [all, whose], 10000);
  const level = place.value.params.get("level") || "", rule = place.value.params.get("rule") || "";
  const kept = (d: List) => d.rows.filter((i) => (!level || i.level === level) && (!rule || i.findings.rules?.length === 1 && i.findings.rules[0]!.rule === rule));
  return (
    <div class="page wide">
      <div class="head"><h1>Incidents</h1>
        <div class="head"><label class="check"><input type="checkbox" checked={all} onChange={(ev) => set({ status: ev.currentTarget.checked ? "all" : "" })} /> Closed ones too</label>
        <label class="check">Assigned to <select value={whose} onChange={(ev) => set({ assignee: ev.currentTarget.value })}>
          <option value="">Anyone</option><option value="me">Me</option><option value="nobody">Nobody</option>
          {whose && whose !== "me" && whose !== "nobody" && <option value={whose}>{visible(whose)}</option>}
        </select></label></div></div>
      {(level || rule) && <p class="chips">{level && <button type="button" class="chip" onClick={() => set({ level: "" })}>severity: {visible(level)} ×</button>}{rule && <button type="button" class="chip" onClick={() => set({ rule: "" })}>of one rule alone: {visible(got.data?.rows.flatMap((i) => i.findings.rules || []).find((r) => r.rule === rule)?.title || rule)} ×</button>}</p>}
      <Show of={got}>{(d) => kept(d).length ? <Table d={level || rule ? { ...d, rows: kept(d), total: kept(d).length } : d} reload={got.reload} /> : d.rows.length ? <p class="none">None of {plural(d.rows.length, "incident")} is so. <button type="button" class="link" onClick={() => set({ level: "", rule: "" })}>Show all</button></p> : whose ? <p class="none">No {all ? "" : "open "}incident is assigned to {whose === "me" ? "you" : visible(whose)}. <button type="button" class="link" onClick={() => set({ assignee: "" })}>Show those of all</button></p> : <p class="none">{all ? "There has been no incident." : "No incident is open."} <span class="soft">Incidents are made of findings that belong together; see <a href={"/events?" + new URLSearchParams({ q: "detection_finding metadata.product=vedette-detect" })}>all findings</a>.</span></p>}</Show>
    </div>
  );
}

function Table({ d, reload }: { d: List; reload: () => void }) {
  const [error, setError] = useState<Problem | null>(null);
  const keys = may("incidents.write") ? {
    e: (i: Incident) => { if (!isMine(i) && mayDecide(i)) take(i.uid).then(() => { setError(null); reload(); }, setError); },
    c: (i: Incident) => { if (mayDecide(i)) go("/incidents/" + i.uid + "?do=close"); },
  } : undefined;
  const columns = useMemo<Column<Incident>[]>(() => [
    { key: "level", title: "Severity", draw: (i) => <Severity level={i.level} /> },
    { key: "score", title: "Score", num: true, draw: (i) => i.score.toFixed(0) },
    { key: "title", title: "What", wide: true, draw: (i) => <a href={"/incidents/" + i.uid}>{visible(i.title)}</a> },
    { key: "assignee", title: "Assigned to", draw: (i) => i.assignee ? visible(i.assignee) : <span class="soft">nobody</span> },
    { key: "devices", title: "Devices", draw: (i) => i.devices.length > 2 ? plural(i.device_count, "device") : i.devices.map((u) => visible(d.names[u] || u)).join(", ") },
    { key: "stages", title: "Stages", draw: (i) => i.stages.map((s) => s.name).join(" \u2192 ") },
    { key: "findings", title: "Findings", num: true, draw: (i) => number(i.findings.count) },
    { key: "last", title: "Last", draw: (i) => clock(i.last) },
    { key: "status", title: "State", draw: (i) => i.status + (i.verdict ? ", " + judged(i.verdict) : "") },
  ], [d]);
  return <><p class="soft line">{plural(d.total, "incident")}, the gravest first</p>{error && <Trouble error={error} />}<Grid keys={keys} label="Incidents" tall columns={columns} rows={d.rows} id={(i) => i.uid} open={(i) => go("/incidents/" + i.uid)} /></>;
}

/** IncidentPage is one incident: what happened, who and what, and what to decide. */
export function IncidentPage({ uid }: { uid: string }) {
  const got = useLoad((s) => get<IncidentView>("/incidents/" + encodeURIComponent(uid), s), [uid], 15000);
  return <div class="page"><p><a href="/incidents">Incidents</a></p><Show of={got}>{(d) => <Body d={d} reload={got.reload} />}</Show></div>;
}

function Body({ d, reload }: { d: IncidentView; reload: () => void }) {
  const [refused, setRefused] = useState<Problem | null>(null);
  const toClose = () => document.getElementById("decide-why")?.focus();
  useKeys(mayDecide(d) ? {
    e: () => { if (!isMine(d)) take(d.uid).then(() => { setRefused(null); reload(); }, setRefused); },
    c: toClose,
  } : {}, [d.uid, d.assignee]);
  useEffect(() => {
    if (place.value.params.get("do") !== "close") return;
    set({ do: "" }, true);
    toClose();
  }, []);
  const name = (uid: string) => visible(d.names[uid] || uid);
  const link = (uid: string) => uid.startsWith("dev-") ? <a href={"/devices/" + encodeURIComponent(uid)}>{name(uid)}</a> : <>{visible(uid)}</>;
  const span = { from: new Date(Date.parse(d.first) - 60000).toISOString(), to: new Date(Date.parse(d.last) + 60000).toISOString() };
  const events = (q: string) => "/events?" + new URLSearchParams({ q, ...span });
  const checks = [
    { title: "All findings of this time", to: events("detection_finding metadata.product=vedette-detect") },
    ...d.devices.slice(0, 4).flatMap((u) => [
      { title: `What ${name(u)} did`, to: events(term("src_endpoint.uid", u)) },
      { title: `Who spoke to ${name(u)}`, to: events(term("dst_endpoint.uid", u) + " | by src, app_name count | top 50") },
    ]),
  ];
  return (
    <>
      <h1><Severity level={d.level} /> {visible(d.title)}</h1>
      <p class="soft">{d.status}{d.assignee && <>, assigned to {visible(d.assignee)}</>}{d.verdict && <>, judged {judged(d.verdict)}</>}; {clock(d.first)} to {clock(d.last)}; {plural(d.findings.count, "finding")}{d.outside ? "" : " of " + plural(d.findings.events, "event")}; score {d.score.toFixed(0)}</p>
      {d.outside && <p class="soft">{[d.outside.devices > 0 && plural(d.outside.devices, "more device"), d.outside.findings > 0 && plural(d.outside.findings, "more finding")].filter(Boolean).join(" and ") || "Something"} outside your zones {d.outside.devices + d.outside.findings === 1 ? "is" : "are"} not shown, and neither are notes and decisions. Who sees all of it decides on it.</p>}
      {(d.computed || []).length > 0 && <details><summary>How the score of {d.score.toFixed(0)} comes about</summary><ul class="bullets">{d.computed!.map((f, i) => <li key={i}>{visible(f.text)} <span class="soft">{Math.round(f.value * 100) / 100}</span></li>)}</ul></details>}
      {(d.raised || []).map((r) => <p key={r} class="soft">{sentence(visible(r))}</p>)}
      {d.stages.length > 0 && <ol class="stages" aria-label="Stages of the attack">{d.stages.map((s) => <li key={s.tactic}><strong>{s.name}</strong><span class="soft">{s.techniques.map((t) => d.techniques.find((x) => x.id === t)?.name || t).join(", ")}</span><time class="soft">{clock(s.first)}</time></li>)}</ol>}
      <div class="two">
        <div>
          <h2>What happened</h2>
          <ol class="timeline">{(d.timeline || []).map((m, i) => (
            <li key={i}><time dateTime={m.first}>{clock(m.first)}</time> <Severity level={severityWord(m.severity)} />
              <span><strong>{visible(m.title)}</strong>{m.count > 1 && <> ({number(m.count)} times until {clock(m.last).slice(11)})</>}
                <span class="soft">{m.source && link(m.source)}{m.source && m.target && " \u2192 "}{m.target && link(m.target)} <a href={events(term("finding_info.uid", m.rule))}>events</a></span></span></li>
          ))}</ol>
          {d.graph && d.graph.nodes.length > 1 && <><h2>Who and what</h2><EntityGraph nodes={d.graph.nodes} edges={d.graph.edges} open={(n) => { if (n.type === "device") go("/devices/" + encodeURIComponent(n.value)); }} /></>}
          <Notebook d={d} checks={d.devices.slice(0, 3).map((u) => ({ title: "What " + name(u) + " called", query: `${term("src_endpoint.uid", u)} from ${span.from} to ${span.to} | by dst, app_name count | top 20` }))} reload={reload} />
          {(d.joins || []).length > 0 && <details><summary>Why these findings belong together</summary><ul class="bullets">{d.joins!.map((j, i) => <li key={i}>{visible(j.reason)}{j.count > 1 && " (" + number(j.count) + " kinds of findings)"}</li>)}</ul></details>}
          {(d.merges || []).length > 0 && <details><summary>Incidents that were merged into this one</summary><ul class="bullets">{d.merges!.map((m, i) => <li key={i}>{visible(m.reason)}</li>)}</ul></details>}
        </div>
        <aside>
          <Owner d={d} reload={reload} error={refused} setError={setRefused} />
          {mayDecide(d) && <Decide d={d} reload={reload} />}
          <h2>Look closer</h2><ul class="plain">{checks.map((c) => <li key={c.title}><a href={c.to}>{c.title}</a></li>)}</ul>
          <h2>Devices</h2><ul class="plain">{d.devices.map((u) => <li key={u}>{link(u)}</li>)}</ul>
          {(d.similar || []).length > 0 && <><h2>Similar incidents</h2><ul class="plain">{d.similar!.map((s) => <li key={s.uid}><a href={"/incidents/" + s.uid}>{visible(s.title)}</a> <span class="soft">{visible(s.why)}</span></li>)}</ul></>}
          {d.techniques.length > 0 && <><h2>ATT&amp;CK</h2><ul class="plain">{d.techniques.map((t) => <li key={t.id}>{t.id} <span class="soft">{t.name} ({number(t.count)})</span></li>)}</ul></>}
          {(d.history || []).length > 0 && <><h2>History</h2><ol class="plain">{d.history!.map((h, i) => <li key={i}>{visible(h.what)} by {visible(h.by)} <span class="soft">{clock(h.at)}{h.why && ": " + visible(h.why)}</span>{h.id && mayDecide(d) && <> <Undo id={h.id} reload={reload} /></>}</li>)}</ol></>}
          <Files uid={d.uid} />
        </aside>
      </div>
    </>
  );
}

const verdicts: [string, string][] = [["true", "It was an attack"], ["benign", "It happened and is allowed"], ["false", "It did not happen as told"]];
const judged = (v: string) => ({ true: "an attack", benign: "allowed", false: "a false alarm" })[v] || v;

/** Decide takes what a person decides, with a reason; each can be undone. */
function Decide({ d, reload }: { d: IncidentView; reload: () => void }) {
  const [why, setWhy] = useState("");
  const [verdict, setVerdict] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Problem | null>(null);
  const send = async (action: string) => {
    setBusy(true);
    setError(null);
    try {
      if (verdict) await post("/incidents/" + d.uid + "/decisions", { action: "feedback", verdict, why });
      if (action) await post("/incidents/" + d.uid + "/decisions", { action, why });
      setWhy(""); setVerdict("");
      reload();
    } catch (err) { setError(err as Problem); }
    setBusy(false);
  };
  return (
    <form class="decide" onSubmit={(ev) => ev.preventDefault()}>
      <h2>Decide</h2>
      <label>What it was<select value={verdict} onChange={(ev) => setVerdict(ev.currentTarget.value)}><option value="">not said yet</option>{verdicts.map(([v, t]) => <option key={v} value={v}>{t}</option>)}</select></label>
      <label>Why<input id="decide-why" aria-keyshortcuts="c" value={why} maxLength={500} onInput={(ev) => setWhy(ev.currentTarget.value)} placeholder="kept in the journal" /></label>
      {error && <Trouble error={error} />}
      <p>
        {d.status === "open" ? <button type="button" disabled={busy || !why.trim()} onClick={() => void send("close")}>Close it</button> : <button type="button" disabled={busy || !why.trim()} onClick={() => void send("reopen")}>Open it again</button>}
        <button type="button" class="quiet" disabled={busy || !why.trim() || !verdict} onClick={() => void send("")}>Keep the verdict only</button>
      </p>
      {!why.trim() && <p class="soft">Say why first.</p>}
    </form>
  );
}
