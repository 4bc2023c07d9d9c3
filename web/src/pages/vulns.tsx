import { useEffect, useState } from "preact/hooks";
import { type Page } from "../api";
import { limited } from "../me";
import { place, set } from "../route";
import { number, plural, sentence, visible } from "../show";
import { Grid, type Column } from "../parts/grid";
import { Trouble } from "../parts/load";
import { useKeys } from "../parts/keys";
import { ActionTask, Tasks } from "./tasks";
import { usePages } from "../parts/pages";
import { decided, decisions, Status } from "../parts/status";

export interface VulnRow {
  subject?: string; component?: string; part?: string; id: string; title: string; status: string; reason: string; source: string; fix: string; confidence: number; exploitation: string; automatable: string;
  technical_impact: string; mission: string; exposure: string; decision: string; horizon: string; why: string[] | null;
}
export type Named<T> = Page<T> & { names: Record<string, string> };
export interface Action {
  id: string; task?: string; kind: string; text: string; product: string; to?: string; decision: string; horizon: string; subjects: string[] | null; devices: number; vulnerabilities: string[] | null;
  cited: { advisory: string; text?: string; url?: string }[] | null; breaks?: string[];
}
type PlanPage = Named<Action> & { counts: Record<string, number> };
type Counts = Record<typeof decisions[number], number>;
interface Group { key: string; label: string; note: string; decision: string; status: string; affected: Counts; undetermined: Counts; devices: number }
type Groups = Page<Group> & { affected: Counts; undetermined: Counts };

export const vulnLink = (id: string) => <a href={"/vulnerabilities/" + encodeURIComponent(id)}>{visible(id)}</a>;

/** Subject is a device by its name, or a product. */
export function Subject({ of, names }: { of: string | undefined; names: Record<string, string> }) {
  if (!of) return <>{"\u2013"}</>;
  return of.startsWith("device:") ? <a href={"/devices/" + encodeURIComponent(of.slice(7))}>{visible(names[of] || of.slice(7))}</a> : <>{visible(of)}</>;
}

const views: [string, string][] = [["action", "What to do"], ["device", "By device"], ["component", "By component"], ["advisory", "By vulnerability"], ["task", "Tasks"]];

/** Vulnerabilities tells what the fleet is exposed to, what to do first on top. */
export function Vulnerabilities() {
  const p = place.value.params, by = views.find(([k]) => k === p.get("by"))?.[0] || "action", decision = p.get("decision") || "", status = p.get("status") || "", q = p.get("q") || "";
  const [text, setText] = useState(q);
  useEffect(() => { const t = setTimeout(() => { if (text.trim() !== (place.value.params.get("q") || "")) set({ q: text.trim(), open: "" }, true); }, 250); return () => clearTimeout(t); }, [text]);
  const to = (k: string) => "/vulnerabilities?" + new URLSearchParams({ by: k, ...(decision && { decision }), ...(q && { q }), ...(status && k !== "action" && { status }) });
  return (
    <div class="page wide">
      <div class="head"><h1>Vulnerabilities</h1></div>
      <nav class="tabs" aria-label="Order of vulnerabilities">{views.map(([k, t]) => <a key={k} href={to(k)} aria-current={k === by ? "page" : undefined}>{t}</a>)}</nav>
      <form class="bar" role="search" onSubmit={(ev) => { ev.preventDefault(); set({ q: text.trim(), open: "" }); }}>
        <input id="vulns-query" value={text} onInput={(ev) => setText(ev.currentTarget.value)} maxLength={200} aria-label="Text to look for" placeholder={by === "device" ? "Name, vendor, model or zone" : by === "component" ? "Component" : by === "advisory" ? "CVE or words of the title" : by === "task" ? "Words, owner or device" : "Words of what to do, product or CVE"} autocomplete="off" spellcheck={false} />
        {by !== "task" && <><label class="sr" for="vuln-decision">Decision</label>
        <select id="vuln-decision" value={decision} onChange={(ev) => set({ decision: ev.currentTarget.value, open: "" })}><option value="">Any decision</option>{decisions.map((d) => <option key={d} value={d}>{decided(d)}</option>)}</select></>}
        {by !== "action" && by !== "task" && <><label class="sr" for="vuln-status">Answer</label>
          <select id="vuln-status" value={status} onChange={(ev) => set({ status: ev.currentTarget.value, open: "" })}><option value="">Affected and undetermined</option><option value="affected">Affected</option><option value="undetermined">Undetermined</option></select></>}
      </form>
      {by === "action" ? <Plan decision={decision} q={q} /> : by === "task" ? <Tasks q={q} /> : <Grouped key={by} by={by} decision={decision} status={status} q={q} />}
    </div>
  );
}

const nothing = () => limited() ? <p class="none">Nothing on your devices is known to be vulnerable. That is no all-clear: it is known only of what was told.</p> : (
  <div class="none"><p>Nothing here is known to be vulnerable. That is no all-clear: it is known only of what was told.</p>
    <ul class="bullets">
      <li>Advisories: send them on <a href="/intelligence?part=advisories">Intelligence</a>, by <code>vedette advisories import PATH</code>, or have them pulled under <code>pulls:</code> in the configuration.</li>
      <li>Firmware versions: the <a href="/devices">devices</a> need vendor, model and firmware, from traffic, an inventory or set by hand.</li>
      <li>Bills of materials: send one on the page of a device, or by <code>vedette sbom import --device NAME FILE</code>.</li>
    </ul></div>
);

/** Plan is what to do, grouped by action. */
function Plan({ decision, q }: { decision: string; q: string }) {
  const filter = new URLSearchParams({ ...(decision && { decision }), ...(q && { q }) }).toString();
  const list = usePages<Action, PlanPage>("/vulnerabilities/plan?limit=200&" + filter);
  const at = place.value.params.get("open") || "";
  const key = (a: Action) => [a.kind, a.product, a.to, a.kind === "advised" ? a.text : ""].join(" ");
  const [names, setNames] = useState<Record<string, string>>({});
  useEffect(() => { if (list.last) setNames((was) => ({ ...was, ...list.last!.names })); }, [list.last]);
  const some = (ids: string[] | null, n: number, link: boolean) => <>{(ids || []).slice(0, 2).map((x, i) => <>{i > 0 && ", "}{link ? vulnLink(x) : <Subject of={x} names={names} />}</>)}{n > 2 && ` and ${number(n - 2)} more`}</>;
  const columns: Column<Action>[] = [
    { key: "decision", title: "Decision", draw: (a) => decided(a.decision) }, { key: "horizon", title: "When", draw: (a) => a.horizon },
    { key: "task", title: "Taken on", draw: (a) => a.task ? "yes" : "\u2013" },
    { key: "text", title: "What to do", wide: true, draw: (a) => <span title={visible(a.text)}>{sentence(visible(a.text))}</span> },
    { key: "devices", title: "Devices", num: true, draw: (a) => number(a.devices) }, { key: "subjects", title: "Which", draw: (a) => some(a.subjects, a.devices, false) },
    { key: "ids", title: "For", draw: (a) => some(a.vulnerabilities, (a.vulnerabilities || []).length, true) },
  ];
  if (list.error) return <Trouble error={list.error} retry={list.reload} />;
  if (!list.busy && !list.total) return decision || q ? <p class="none">Nothing to do is like that. <button type="button" class="link" onClick={() => set({ decision: "", q: "" })}>Show all</button></p> : nothing();
  const open = list.rows.find((a) => key(a) === at), counts = list.last?.counts || {};
  return (
    <><p class="chips">{decisions.map((x) => counts[x] > 0 && <button type="button" key={x} class="chip" aria-pressed={decision === x} onClick={() => set({ decision: decision === x ? "" : x, open: "" })}>{decided(x)}: {number(counts[x])}</button>)}</p>
    <div class="split"><div class="list">
      <p class="soft line">{plural(list.total, "action")}, the most urgent first{list.busy ? ", loading" : ""} <a href={"/api/v1/vulnerabilities/plan?format=csv&" + filter} download>Save CSV</a> <a href={"/api/v1/vulnerabilities/plan?" + filter} download="vedette-plan.json">Save JSON</a></p>
      <Grid label="What to do" tall columns={columns} rows={list.rows} id={key} chosen={at} open={(a) => set({ open: key(a) }, Boolean(at))} busy={list.busy} more={list.more} />
    </div>{open && <ActionPanel key={key(open)} a={open} names={names} reload={list.reload} />}</div></>
  );
}

function ActionPanel({ a, names, reload }: { a: Action; names: Record<string, string>; reload: () => void }) {
  const close = () => set({ open: "" }, true);
  useKeys({ Escape: close });
  return (
    <aside class="panel" aria-label="Action">
      <div class="head"><h2>{decided(a.decision)}</h2><button type="button" class="quiet" onClick={close}>Close</button></div>
      <p class="break">{sentence(visible(a.text))}</p>
      <ActionTask action={a.id} task={a.task} changed={reload} />
      {(a.breaks || []).length > 0 && <><h3>What that would stop, as far as it was seen</h3><ul class="bullets">{a.breaks!.map((b, i) => <li key={i}>{visible(b)}</li>)}</ul></>}
      <h3>Devices ({number(a.devices)})</h3><ul class="bullets">{(a.subjects || []).slice(0, 100).map((x) => <li key={x}><Subject of={x} names={names} /></li>)}</ul>{a.devices > 100 && <p class="soft">And {number(a.devices - 100)} more; the saved file names up to 1000 of an action.</p>}
      <h3>Vulnerabilities</h3><ul class="bullets">{(a.vulnerabilities || []).map((x) => <li key={x}>{vulnLink(x)}</li>)}</ul>
      {(a.cited || []).length > 0 && <><h3>What the advisories say</h3><ul class="bullets">{a.cited!.map((c, i) => <li key={i}>{visible(c.advisory)}: {visible(c.text || "")} <span class="soft mono">{visible(c.url || "")}</span></li>)}</ul></>}
    </aside>
  );
}

const sum = (c: Counts) => decisions.reduce((n, d) => n + c[d], 0);
const said = (c: Counts) => decisions.filter((d) => c[d] > 0).map((d) => `${number(c[d])} ${decided(d).toLowerCase()}`).join(", ");

/** Grouped counts rows by what has them; opening one lists its rows with their reasons. */
function Grouped({ by, decision, status, q }: { by: string; decision: string; status: string; q: string }) {
  const filter = new URLSearchParams({ by, ...(decision && { decision }), ...(status && { status }), ...(q && { q }) }).toString();
  const list = usePages<Group, Groups>("/vulnerabilities/groups?limit=200&" + filter);
  const at = place.value.params.get("open") || "", open = list.rows.find((g) => g.key === at);
  const count = (which: "affected" | "undetermined"): Column<Group> => ({ key: which, title: which === "affected" ? "\u25cf Affected" : "? Undetermined", draw: (g) => said(g[which]) || "\u2013" });
  const first: Column<Group>[] = by === "advisory"
    ? [{ key: "key", title: "Vulnerability", draw: (g) => vulnLink(g.key) }, { key: "label", title: "What", wide: true, draw: (g) => <span title={visible(g.label)}>{visible(g.label)}</span> }]
    : by === "device" ? [{ key: "label", title: "Device or product", draw: (g) => <Subject of={g.key} names={{ [g.key]: g.label }} /> }]
      : [{ key: "label", title: "Component", wide: true, draw: (g) => visible(g.label) }];
  const columns: Column<Group>[] = [
    { key: "decision", title: "Decision", draw: (g) => decided(g.decision) }, { key: "status", title: "Answer", draw: (g) => <Status of={g.status} /> }, ...first,
    count("affected"), count("undetermined"), ...(by === "device" ? [] : [{ key: "devices", title: "Devices", num: true, draw: (g: Group) => number(g.devices) }]),
    { key: "note", title: by === "device" ? "What it is" : by === "component" ? "Known as" : "Signs", wide: true, draw: (g) => visible(g.note || "\u2013") },
  ];
  if (list.error) return <Trouble error={list.error} retry={list.reload} />;
  if (!list.busy && !list.total) return decision || status || q ? <p class="none">Nothing is like that. <button type="button" class="link" onClick={() => set({ decision: "", status: "", q: "", open: "" })}>Show all</button></p> : nothing();
  const sums = list.last, word = by === "advisory" ? ["vulnerability", "vulnerabilities"] : [by, by + "s"];
  return (
    <>
      {sums && <p class="chips">{decisions.map((d) => sums.affected[d] > 0 && <button type="button" key={d} class="chip" aria-pressed={decision === d} onClick={() => set({ decision: decision === d ? "" : d, open: "" })}>{decided(d)}: {number(sums.affected[d])}</button>)}
        {sum(sums.undetermined) > 0 && <button type="button" class="chip" aria-pressed={status === "undetermined"} onClick={() => set({ status: status === "undetermined" ? "" : "undetermined", open: "" })}><span aria-hidden="true">?</span> Undetermined: {number(sum(sums.undetermined))}</button>}</p>}
      <div class="split"><div class="list">
        <p class="soft line">{plural(list.total, word[0], word[1])}, the most urgent first{list.busy ? ", loading" : ""} <a href={"/api/v1/vulnerabilities/groups?format=csv&" + filter} download>Save CSV</a> <a href={"/api/v1/vulnerabilities/groups?format=json&" + filter} download>Save JSON</a></p>
        <Grid label={"Vulnerabilities by " + by} tall columns={columns} rows={list.rows} id={(g) => g.key} chosen={at} open={(g) => set({ open: g.key }, Boolean(at))} busy={list.busy} more={list.more} />
      </div>{open && <GroupPanel key={open.key} by={by} g={open} decision={decision} status={status} />}</div>
    </>
  );
}

function GroupPanel({ by, g, decision, status }: { by: string; g: Group; decision: string; status: string }) {
  const field = by === "device" ? "subject" : by === "component" ? "component" : "id";
  const list = usePages<VulnRow, Named<VulnRow>>("/vulnerabilities?" + new URLSearchParams({ limit: "100", [field]: g.key, ...(decision && { decision }), ...(status && { status }) }));
  const names = list.last?.names || {};
  const close = () => set({ open: "" }, true);
  const [all, setAll] = useState(false);
  useKeys({ Escape: close, w: () => setAll((v) => !v) });
  return (
    <aside class="panel" aria-label={visible(g.label || g.key)}>
      <div class="head"><h2 class="break">{visible(by === "advisory" ? g.key : g.label)}</h2><button type="button" class="quiet" onClick={close}>Close</button></div>
      {by === "advisory" && <p class="break">{visible(g.label)} <a href={"/vulnerabilities/" + encodeURIComponent(g.key)}>All that is known of it</a></p>}
      {by === "device" && g.key.startsWith("device:") && <p><a href={"/devices/" + encodeURIComponent(g.key.slice(7))}>The device</a>, <a href={"/devices/" + encodeURIComponent(g.key.slice(7)) + "/bill"}>its bill of materials</a></p>}
      {g.note && <p class="soft break">{visible(g.note)}</p>}
      {list.error && <Trouble error={list.error} retry={list.reload} />}
      <p class="soft line">{plural(list.total, "row")}{list.busy ? ", loading" : ""} <button type="button" class="link" aria-pressed={all} aria-keyshortcuts="w" onClick={() => setAll(!all)}>{all ? "Hide how each came about" : "Show how each came about"} <kbd>w</kbd></button></p>
      <ul class="plain">{list.rows.map((r, i) => <li key={i}>
        <strong>{decided(r.decision)}</strong> <Status of={r.status} /> {by !== "advisory" && vulnLink(r.id)} {by !== "device" && <Subject of={r.subject} names={names} />} {by !== "component" && r.component && <span>{visible(r.component)}</span>} {r.fix && <span class="soft">fixed in {visible(r.fix)}</span>}
        <Reason r={r} open={all} /></li>)}</ul>
      {list.more && <p><button type="button" class="quiet" onClick={list.more}>Show more</button></p>}
    </aside>
  );
}

/** Reason is why the answer is what it is, who says so, and how the decision came about. */
export function Reason({ r, open }: { r: VulnRow; open?: boolean }) {
  return <><span class="block">{sentence(visible(r.reason))} <span class="soft">{visible(r.source)}, {Math.round(r.confidence * 100)} % sure</span></span>
    {open && <ul class="bullets">{(r.why || []).map((w, k) => <li key={k}>{sentence(visible(w))}</li>)}</ul>}</>;
}
