import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get, Problem, type Page } from "../api";
import { go, place, set } from "../route";
import { number, plural, saveCSV, sentence, visible } from "../show";
import { Grid, type Column } from "../parts/grid";
import { Show, Trouble, useLoad } from "../parts/load";
import { useKeys } from "../parts/keys";

export interface VulnRow {
  subject?: string; component?: string; id: string; title: string; status: string; reason: string; source: string; fix: string; confidence: number; exploitation: string; automatable: string;
  technical_impact: string; mission: string; exposure: string; decision: string; horizon: string; why: string[] | null;
}
type Named<T> = Page<T> & { names: Record<string, string> };
interface Action {
  kind: string; text: string; product: string; to?: string; decision: string; horizon: string; subjects: string[] | null; devices: number; vulnerabilities: string[] | null;
  cited: { advisory: string; text?: string; url?: string }[] | null; breaks?: string[];
}
interface Detail {
  id: string; title: string; description: string; exploitation: string; automatable: string; technical_impact: string; decision: string; why: string[] | null; kev: boolean; kev_since?: string; epss: number | null;
  cvss: { version: string; vector: string; base: number; severity: string; source: string }[] | null; cwe: string[] | null; affected: { vendor: string; product: string; versions: string; status: string; source: string }[] | null;
  remediations: { kind: string; text: string; url?: string; fix?: string; source: string }[] | null; references: string[] | null; sources: { id: string; kind: string; publisher: string; updated: string }[] | null;
}

const decisionWord: Record<string, string> = { act: "Act now", attend: "Attend", "track*": "Track closely", track: "Track" };
/** Subject is a device by its name, or a product. */
function Subject({ of, names }: { of: string | undefined; names: Record<string, string> }) {
  if (!of) return <>{"\u2013"}</>;
  return of.startsWith("device:") ? <a href={"/devices/" + encodeURIComponent(of.slice(7))}>{visible(names[of] || of.slice(7))}</a> : <>{visible(of)}</>;
}

export const decided = (d: string) => decisionWord[d.toLowerCase()] || d || "\u2013";

/** Vulnerabilities tells what the fleet is exposed to, what to do first on top. */
export function Vulnerabilities() {
  const p = place.value.params, by = p.get("by") === "rows" ? "rows" : "action", decision = p.get("decision") || "", status = p.get("status") || "affected";
  return (
    <div class="page wide">
      <div class="head"><h1>Vulnerabilities</h1>
        <div class="tools">
          <label>as <select value={by} onChange={(ev) => set({ by: ev.currentTarget.value === "rows" ? "rows" : "" })}><option value="action">what to do</option><option value="rows">what is affected</option></select></label>
          <label class="sr" for="vuln-decision">Decision</label>
          <select id="vuln-decision" value={decision} onChange={(ev) => set({ decision: ev.currentTarget.value })}><option value="">Any decision</option>{Object.entries(decisionWord).map(([d, t]) => <option key={d} value={d}>{t}</option>)}</select>
          {by === "rows" && <><label class="sr" for="vuln-status">Status</label>
            <select id="vuln-status" value={status} onChange={(ev) => set({ status: ev.currentTarget.value })}><option value="affected">Affected</option><option value="undetermined">Undetermined</option><option value="any">Both</option></select></>}
        </div></div>
      {by === "action" ? <Plan decision={decision} /> : <Rows decision={decision} status={status === "any" ? "" : status} />}
    </div>
  );
}

const nothing = <p class="none">No component of a device is known to be concerned. <span class="soft">Take in bills of materials with <code>vedette sbom import</code> and advisories with <code>vedette advisories import</code>, or configure <code>pulls:</code>.</span></p>;

/** Plan is what to do, grouped by action. */
function Plan({ decision }: { decision: string }) {
  const got = useLoad((s) => get<Named<Action>>("/vulnerabilities/plan" + (decision && "?decision=" + encodeURIComponent(decision)), s), [decision]);
  const at = place.value.params.get("action") || "";
  const key = (a: Action) => [a.kind, a.product, a.to].join(" ");
  const names = got.data?.names || {};
  const some = (list: string[] | null, n: number, link: boolean) => <>{(list || []).slice(0, 2).map((x, i) => <>{i > 0 && ", "}{link ? <a href={"/vulnerabilities/" + encodeURIComponent(x)}>{visible(x)}</a> : <Subject of={x} names={names} />}</>)}{n > 2 && ` and ${number(n - 2)} more`}</>;
  const columns: Column<Action>[] = [
    { key: "decision", title: "Decision", draw: (a) => decided(a.decision) }, { key: "horizon", title: "When", draw: (a) => a.horizon },
    { key: "text", title: "What to do", wide: true, draw: (a) => <span title={a.text}>{visible(a.text)}</span> },
    { key: "devices", title: "Devices", num: true, draw: (a) => number(a.devices) }, { key: "subjects", title: "Which", draw: (a) => some(a.subjects, a.devices, false) },
    { key: "ids", title: "For", draw: (a) => some(a.vulnerabilities, (a.vulnerabilities || []).length, true) },
  ];
  return (
    <Show of={got}>{(d) => {
      if (!d.rows.length) return <>{nothing}<p class="soft">Where it cannot be told, the list <a href="/vulnerabilities?by=rows&status=undetermined">what is affected</a> says why.</p></>;
      const open = d.rows.find((a) => key(a) === at);
      return (
        <div class="split"><div class="list">
          <p class="soft line">{plural(d.total, "action")}, the most urgent first <button type="button" class="link" onClick={() => saveCSV("vedette-plan", ["decision", "horizon", "text", "product", "to", "devices", "subjects", "vulnerabilities"], d.rows.map((a) => ({ decision: a.decision, horizon: a.horizon, text: a.text, product: a.product, to: a.to || "", devices: a.devices, subjects: a.subjects || [], vulnerabilities: a.vulnerabilities || [] })))}>Save CSV</button></p>
          <Grid label="What to do" tall columns={columns} rows={d.rows} id={key} chosen={at} open={(a) => set({ action: key(a) }, Boolean(at))} />
        </div>{open && <ActionPanel a={open} names={names} />}</div>
      );
    }}</Show>
  );
}

function ActionPanel({ a, names }: { a: Action; names: Record<string, string> }) {
  const close = () => set({ action: "" }, true);
  useKeys({ Escape: close });
  return (
    <aside class="panel" aria-label="Action">
      <div class="head"><h2>{decided(a.decision)}</h2><button type="button" class="quiet" onClick={close}>Close</button></div>
      <p>{sentence(visible(a.text))}</p>
      {(a.breaks || []).length > 0 && <><h3>What that would stop, as far as it was seen</h3><ul class="bullets">{a.breaks!.map((b, i) => <li key={i}>{visible(b)}</li>)}</ul></>}
      <h3>Devices ({number(a.devices)})</h3><ul class="bullets">{(a.subjects || []).slice(0, 100).map((x) => <li key={x}><Subject of={x} names={names} /></li>)}</ul>
      <h3>Vulnerabilities</h3><ul class="bullets">{(a.vulnerabilities || []).map((x) => <li key={x}><a href={"/vulnerabilities/" + encodeURIComponent(x)}>{visible(x)}</a></li>)}</ul>
      {(a.cited || []).length > 0 && <><h3>What the advisories say</h3><ul class="bullets">{a.cited!.map((c, i) => <li key={i}>{visible(c.advisory)}: {visible(c.text || "")} <span class="soft mono">{visible(c.url || "")}</span></li>)}</ul></>}
    </aside>
  );
}

/** Rows lists what is affected; rows come as they are scrolled to. */
function Rows({ decision, status }: { decision: string; status: string }) {
  const [rows, setRows] = useState<VulnRow[]>([]);
  const [names, setNames] = useState<Record<string, string>>({});
  const [state, setState] = useState<{ total: number; next?: string; busy: boolean; error?: Problem }>({ total: 0, busy: true });
  const turn = useRef(0);
  const load = useCallback(async (cursor: string) => {
    const mine = cursor ? turn.current : ++turn.current;
    setState((s) => ({ ...s, busy: true, error: undefined }));
    try {
      const w = new URLSearchParams({ limit: "200" });
      for (const [k, v] of Object.entries({ decision, status, cursor })) if (v) w.set(k, v);
      const d = await get<Named<VulnRow>>("/vulnerabilities?" + w);
      if (mine !== turn.current) return;
      setRows((old) => cursor ? [...old, ...d.rows] : d.rows);
      setNames((old) => ({ ...(cursor ? old : {}), ...d.names }));
      setState({ total: d.total, next: d.next, busy: false });
    } catch (err) { if (mine === turn.current) setState((s) => ({ ...s, busy: false, error: err as Problem })); }
  }, [decision, status]);
  useEffect(() => { void load(""); }, [load]);
  const columns = useMemo<Column<VulnRow>[]>(() => [
    { key: "decision", title: "Decision", draw: (r) => <span title={(r.why || []).join("\n")}>{decided(r.decision)}</span> }, { key: "id", title: "Vulnerability", draw: (r) => <a href={"/vulnerabilities/" + encodeURIComponent(r.id)}>{r.id}</a> },
    { key: "subject", title: "Device", draw: (r) => <Subject of={r.subject} names={names} /> }, { key: "component", title: "Component", draw: (r) => visible(r.component || "\u2013") },
    { key: "exposure", title: "Reached", draw: (r) => r.exposure || "\u2013" }, { key: "mission", title: "Mission", draw: (r) => r.mission || "\u2013" },
    { key: "fix", title: "Fixed in", draw: (r) => visible(r.fix || "\u2013") }, { key: "reason", title: "Why", wide: true, draw: (r) => <span title={r.reason}>{visible(r.reason)}</span> },
  ], [names]);
  if (state.error) return <Trouble error={state.error} retry={() => void load("")} />;
  if (!state.busy && !state.total) return decision || status !== "affected" ? <p class="none">Nothing is like that.</p> : nothing;
  return (
    <>
      <p class="soft line">{plural(state.total, "row")}, what needs action first{state.busy ? ", loading" : ""} {rows.length > 0 && <button type="button" class="link" onClick={() => saveCSV("vedette-vulnerabilities", ["decision", "id", "title", "subject", "component", "status", "fix", "reason", "source"], rows.map((r) => ({ decision: r.decision, id: r.id, title: r.title, subject: r.subject || "", component: r.component || "", status: r.status, fix: r.fix, reason: r.reason, source: r.source })))}>Save what is loaded as CSV</button>}</p>
      <Grid label="What is affected" tall columns={columns} rows={rows} id={(r) => [r.id, r.subject, r.component].join("\u0000")} open={(r) => go("/vulnerabilities/" + encodeURIComponent(r.id))} more={state.next && !state.busy ? () => void load(state.next!) : undefined} />
    </>
  );
}

/** VulnerabilityPage is all that is known of one. */
export function VulnerabilityPage({ id }: { id: string }) {
  const got = useLoad((s) => get<Detail>("/vulnerabilities/" + encodeURIComponent(id), s), [id]);
  const where = useLoad(async (s) => (await get<Named<VulnRow>>("/vulnerabilities?limit=1000&id=" + encodeURIComponent(id), s)), [id]);
  return (
    <div class="page"><p><a href="/vulnerabilities">Vulnerabilities</a></p><Show of={got}>{(d) => (
      <>
        <h1>{visible(d.id)}{d.title && ": " + visible(d.title)}</h1>
        <p><strong>{decided(d.decision)}</strong> <span class="soft">where nothing is known of the device; exploitation {d.exploitation || "unknown"}; automatable {d.automatable || "unknown"}; technical impact {d.technical_impact || "unknown"}{d.kev && "; in the list of known exploited vulnerabilities" + (d.kev_since ? " since " + d.kev_since : "")}{d.epss !== null && "; EPSS " + (d.epss * 100).toFixed(1) + " %"}</span></p>
        <ul class="bullets">{(d.why || []).map((w, i) => <li key={i}>{sentence(visible(w))}</li>)}</ul>
        {d.description && <p class="prose">{visible(d.description)}</p>}
        <h2>Where it is here</h2>
        <Show of={where}>{({ rows, names }) => rows.length ? <div class="scroll"><table><thead><tr><th scope="col">Decision here</th><th scope="col">Device</th><th scope="col">Component</th><th scope="col">Status</th><th scope="col">Fixed in</th><th scope="col">Why</th></tr></thead><tbody>{rows.map((r, i) => <tr key={i}><td title={(r.why || []).join("\n")}>{decided(r.decision)}</td><td><Subject of={r.subject} names={names} /></td><td>{visible(r.component || "\u2013")}</td><td>{r.status.replace("_", " ")}</td><td>{visible(r.fix || "\u2013")}</td><td class="long">{visible(r.reason)}</td></tr>)}</tbody></table></div> : <p class="soft">No component that is known here is concerned. A device without a bill of materials and without a known firmware version is not ruled out.</p>}</Show>
        {(d.remediations || []).length > 0 && <><h2>What the sources say to do</h2><ul class="bullets">{d.remediations!.map((r, i) => <li key={i}>{r.kind}: {visible(r.text || r.fix || "")} <span class="soft">{visible(r.source)}</span></li>)}</ul></>}
        {(d.cvss || []).length > 0 && <><h2>CVSS</h2><ul class="bullets">{d.cvss!.map((c, i) => <li key={i}>{c.base} {c.severity} <span class="mono">{visible(c.vector)}</span> <span class="soft">{visible(c.source)}</span></li>)}</ul></>}
        {(d.affected || []).length > 0 && <details><summary>Affected products ({number(d.affected!.length)})</summary><ul class="bullets">{d.affected!.slice(0, 300).map((a, i) => <li key={i}>{visible([a.vendor, a.product, a.versions].filter(Boolean).join(" "))}: {a.status} <span class="soft">{visible(a.source)}</span></li>)}</ul></details>}
        {(d.references || []).length > 0 && <details><summary>References ({number(d.references!.length)}), not opened from here</summary><ul class="bullets">{d.references!.map((r) => <li key={r} class="mono">{visible(r)}</li>)}</ul></details>}
        {(d.sources || []).length > 0 && <p class="soft">Sources: {d.sources!.map((s) => visible([s.publisher, s.id].filter(Boolean).join(" "))).join(", ")}.</p>}
      </>
    )}</Show></div>
  );
}
