import { useMemo } from "preact/hooks";
import { get, type Page } from "../api";
import { go, place, set } from "../route";
import { number, plural, saveCSV, sentence, visible } from "../show";
import { Grid, type Column } from "../parts/grid";
import { Show, useLoad } from "../parts/load";

interface Row { subject?: string; component?: string; id: string; title: string; status: string; reason: string; source: string; fix: string; confidence: number; exploitation: string; automatable: string; technical_impact: string; decision: string }
interface Detail {
  id: string; title: string; description: string; exploitation: string; automatable: string; technical_impact: string; decision: string; why: string[] | null; kev: boolean; kev_since?: string; epss: number | null;
  cvss: { version: string; vector: string; base: number; severity: string; source: string }[] | null; cwe: string[] | null; affected: { vendor: string; product: string; versions: string; status: string; source: string }[] | null;
  remediations: { kind: string; text: string; url?: string; fix?: string; source: string }[] | null; references: string[] | null; sources: { id: string; kind: string; publisher: string; updated: string }[] | null;
}

const decisionWord: Record<string, string> = { act: "Act now", attend: "Attend", "track*": "Track closely", track: "Track" };
const decided = (d: string) => decisionWord[d.toLowerCase()] || d || "\u2013";
const rank = (d: string) => ["act", "attend", "track*", "track"].indexOf(d.toLowerCase()) + 1 || 9;

async function all(s: AbortSignal) {
  const rows: Row[] = [];
  let cursor = "", total = 0;
  do {
    const p = await get<Page<Row>>("/vulnerabilities?limit=1000" + (cursor && "&cursor=" + encodeURIComponent(cursor)), s);
    rows.push(...p.rows);
    total = p.total;
    cursor = p.next || "";
  } while (cursor && rows.length < 20000);
  return { rows, total };
}

/** Vulnerabilities tells what the fleet is exposed to, what to do first on top. */
export function Vulnerabilities() {
  const p = place.value.params, by = p.get("by") || "action", status = p.get("status") || "affected";
  const got = useLoad(all, []);
  return (
    <div class="page wide">
      <div class="head"><h1>Vulnerabilities</h1>
        <div class="tools">
          <label>by <select value={by} onChange={(ev) => set({ by: ev.currentTarget.value })}><option value="action">action</option><option value="device">device</option><option value="id">vulnerability</option><option value="">row</option></select></label>
          <label class="sr" for="vuln-status">Status</label>
          <select id="vuln-status" value={status} onChange={(ev) => set({ status: ev.currentTarget.value })}><option value="affected">Affected</option><option value="undetermined">Undetermined</option><option value="not_affected">Not affected</option><option value="any">Any status</option></select>
        </div></div>
      <Show of={got}>{(d) => d.total ? <List rows={d.rows.filter((r) => status === "any" || r.status === status)} by={by} /> : <p class="none">No component of a device is known to be concerned. <span class="soft">Take in bills of materials with <code>vedette sbom import</code> and advisories with <code>vedette advisories import</code>.</span></p>}</Show>
    </div>
  );
}

interface Line { key: string; decision: string; what: string; to: string; subjects: Set<string>; ids: Set<string>; fix: Set<string> }

function List({ rows, by }: { rows: Row[]; by: string }) {
  const lines = useMemo(() => {
    const out = new Map<string, Line>();
    for (const r of rows) {
      const subject = r.subject || "\u2013";
      const key = by === "action" ? (r.fix ? (r.component || "") + "\u0000" + r.fix : "") : by === "device" ? subject : r.id;
      const what = by === "action" ? (r.fix ? `Update ${r.component || "it"} to ${r.fix}` : "No fixed version is known: mitigate or isolate") : by === "device" ? subject : r.id + ": " + r.title;
      const l = out.get(key) || { key, decision: r.decision, what, to: by === "id" ? "/vulnerabilities/" + encodeURIComponent(r.id) : "", subjects: new Set(), ids: new Set(), fix: new Set() };
      if (rank(r.decision) < rank(l.decision)) l.decision = r.decision;
      l.subjects.add(subject); l.ids.add(r.id);
      if (r.fix) l.fix.add(r.fix);
      out.set(key, l);
    }
    return [...out.values()].sort((a, b) => rank(a.decision) - rank(b.decision) || b.subjects.size * b.ids.size - a.subjects.size * a.ids.size);
  }, [rows, by]);
  if (!rows.length) return <p class="none">Nothing has this status.</p>;
  const some = (set: Set<string>, link: boolean) => <>{[...set].slice(0, 3).map((x, i) => <>{i > 0 && ", "}{link ? <a href={"/vulnerabilities/" + encodeURIComponent(x)}>{visible(x)}</a> : visible(x)}</>)}{set.size > 3 && ` and ${number(set.size - 3)} more`}</>;
  const grouped: Column<Line>[] = [
    { key: "decision", title: "Decision", draw: (l) => decided(l.decision) },
    { key: "what", title: by === "action" ? "What to do" : by === "device" ? "Device" : "Vulnerability", wide: true, draw: (l) => l.to ? <a href={l.to}>{visible(l.what)}</a> : visible(l.what) },
    { key: "subjects", title: "Devices", draw: (l) => by === "device" ? "" : some(l.subjects, false) },
    { key: "ids", title: "Vulnerabilities", draw: (l) => by === "id" ? "" : some(l.ids, true) },
    { key: "fix", title: "Fixed in", draw: (l) => by === "action" ? "" : some(l.fix, false) },
  ];
  const each: Column<Row>[] = [
    { key: "decision", title: "Decision", draw: (r) => decided(r.decision) }, { key: "id", title: "Vulnerability", draw: (r) => <a href={"/vulnerabilities/" + encodeURIComponent(r.id)}>{r.id}</a> },
    { key: "subject", title: "Device", draw: (r) => visible(r.subject || "\u2013") }, { key: "component", title: "Component", draw: (r) => visible(r.component || "\u2013") },
    { key: "status", title: "Status", draw: (r) => r.status.replace("_", " ") }, { key: "fix", title: "Fixed in", draw: (r) => visible(r.fix || "\u2013") },
    { key: "reason", title: "Why", wide: true, draw: (r) => <span title={r.reason}>{visible(r.reason)}</span> },
  ];
  const csv = () => saveCSV("vedette-vulnerabilities", ["decision", "id", "title", "subject", "component", "status", "fix", "reason", "source"], rows.map((r) => ({ ...r, subject: r.subject || "", component: r.component || "" })));
  return (
    <>
      <p class="soft line">{plural(rows.length, "row")}, what needs action first <button type="button" class="link" onClick={csv}>Save CSV</button></p>
      {by ? <Grid label="Vulnerabilities" tall columns={grouped.filter((c) => !(by === "device" && c.key === "subjects" || by === "id" && c.key === "ids" || by === "action" && c.key === "fix"))} rows={lines} id={(l) => l.key} open={(l) => { if (l.to) go(l.to); }} />
        : <Grid label="Vulnerabilities" tall columns={each} rows={rows} id={(r) => [r.id, r.subject, r.component].join("\u0000")} open={(r) => go("/vulnerabilities/" + encodeURIComponent(r.id))} />}
    </>
  );
}

/** VulnerabilityPage is all that is known of one. */
export function VulnerabilityPage({ id }: { id: string }) {
  const got = useLoad((s) => get<Detail>("/vulnerabilities/" + encodeURIComponent(id), s), [id]);
  const where = useLoad(async (s) => (await all(s)).rows.filter((r) => r.id === id), [id]);
  return (
    <div class="page"><p><a href="/vulnerabilities">Vulnerabilities</a></p><Show of={got}>{(d) => (
      <>
        <h1>{visible(d.id)}{d.title && ": " + visible(d.title)}</h1>
        <p><strong>{decided(d.decision)}</strong> <span class="soft">exploitation {d.exploitation || "unknown"}; automatable {d.automatable || "unknown"}; technical impact {d.technical_impact || "unknown"}{d.kev && "; in the list of known exploited vulnerabilities" + (d.kev_since ? " since " + d.kev_since : "")}{d.epss !== null && "; EPSS " + (d.epss * 100).toFixed(1) + " %"}</span></p>
        <ul class="bullets">{(d.why || []).map((w, i) => <li key={i}>{sentence(visible(w))}</li>)}</ul>
        {d.description && <p class="prose">{visible(d.description)}</p>}
        <h2>Where it is here</h2>
        <Show of={where}>{(rows) => rows.length ? <div class="scroll"><table><thead><tr><th scope="col">Device</th><th scope="col">Component</th><th scope="col">Status</th><th scope="col">Fixed in</th><th scope="col">Why</th></tr></thead><tbody>{rows.map((r, i) => <tr key={i}><td>{visible(r.subject || "\u2013")}</td><td>{visible(r.component || "\u2013")}</td><td>{r.status.replace("_", " ")}</td><td>{visible(r.fix || "\u2013")}</td><td class="long">{visible(r.reason)}</td></tr>)}</tbody></table></div> : <p class="soft">No component that is known here is concerned. A device without a bill of materials and without a known firmware version is not ruled out.</p>}</Show>
        {(d.remediations || []).length > 0 && <><h2>What the sources say to do</h2><ul class="bullets">{d.remediations!.map((r, i) => <li key={i}>{r.kind}: {visible(r.text || r.fix || "")} <span class="soft">{visible(r.source)}</span></li>)}</ul></>}
        {(d.cvss || []).length > 0 && <><h2>CVSS</h2><ul class="bullets">{d.cvss!.map((c, i) => <li key={i}>{c.base} {c.severity} <span class="mono">{visible(c.vector)}</span> <span class="soft">{visible(c.source)}</span></li>)}</ul></>}
        {(d.affected || []).length > 0 && <details><summary>Affected products ({number(d.affected!.length)})</summary><ul class="bullets">{d.affected!.slice(0, 300).map((a, i) => <li key={i}>{visible([a.vendor, a.product, a.versions].filter(Boolean).join(" "))}: {a.status} <span class="soft">{visible(a.source)}</span></li>)}</ul></details>}
        {(d.references || []).length > 0 && <details><summary>References ({number(d.references!.length)}), not opened from here</summary><ul class="bullets">{d.references!.map((r) => <li key={r} class="mono">{visible(r)}</li>)}</ul></details>}
        {(d.sources || []).length > 0 && <p class="soft">Sources: {d.sources!.map((s) => visible([s.publisher, s.id].filter(Boolean).join(" "))).join(", ")}.</p>}
      </>
    )}</Show></div>
  );
}
