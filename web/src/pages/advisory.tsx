import { useState } from "preact/hooks";
import { get, post, Problem, type Page } from "../api";
import { limited, may } from "../me";
import { clock, number, plural, sentence, visible } from "../show";
import { Show, Trouble, useLoad } from "../parts/load";
import { useKeys } from "../parts/keys";
import { usePages } from "../parts/pages";
import { decided, Status } from "../parts/status";
import { Reason, Subject, type Action, type Named, type VulnRow } from "./vulns";

interface Detail {
  id: string; title: string; description: string; exploitation: string; automatable: string; technical_impact: string; decision: string; why: string[] | null; kev: boolean; kev_since?: string; epss: number | null;
  cvss: { version: string; vector: string; base: number; severity: string; source: string; computed?: number }[] | null; cwe: string[] | null; affected: { vendor: string; product: string; versions: string; status: string; source: string }[] | null;
  remediations: { kind: string; text: string; url?: string; fix?: string; source: string }[] | null; references: string[] | null;
  sources: { id: string; kind: string; publisher: string; updated: string; title?: string; text?: string; ssvc?: string }[] | null;
}
interface Statement { vulnerability: string; vendor?: string; product?: string; version?: string; purl?: string; status: string; justification?: string; why: string; by: string; at: string; withdrawn?: boolean }

/** VulnerabilityPage is all that is known of one: what its sources say, who has it here, what to do, and what this site says. */
export function VulnerabilityPage({ id }: { id: string }) {
  const got = useLoad((s) => get<Detail>("/vulnerabilities/" + encodeURIComponent(id), s), [id]);
  return <div class="page"><p><a href="/vulnerabilities?by=advisory">Vulnerabilities</a></p><Show of={got}>{(d) => <Body d={d} reload={got.reload} />}</Show></div>;
}

function Body({ d, reload }: { d: Detail; reload: () => void }) {
  const [turn, setTurn] = useState(0);
  const stated = () => { setTurn(turn + 1); reload(); };
  return (
    <>
      <h1>{visible(d.id)}{d.title && ": " + visible(d.title)}</h1>
      <p><strong>{decided(d.decision)}</strong> <span class="soft">where nothing is known of the device; exploitation {d.exploitation || "unknown"}; automatable {d.automatable || "unknown"}; technical impact {d.technical_impact || "unknown"}{d.kev && "; in the list of known exploited vulnerabilities" + (d.kev_since ? " since " + d.kev_since : "")}{d.epss !== null && "; EPSS " + (d.epss * 100).toFixed(1) + " %"}</span></p>
      {may("ask") && <p><a href={"/ask?" + new URLSearchParams({ q: `What is ${d.id}, do we have it, where, and what first?` })}>Ask what it means here</a></p>}
      <div class="two">
        <div>
          <Here id={d.id} turn={turn} />
          <ToDo d={d} turn={turn} />
          <h2>What the sources say <span class="soft">(their words, as text)</span></h2>
          {d.description && <p class="prose">{visible(d.description)}</p>}
          {(d.sources || []).map((s, i) => <details key={i} open={i === 0 && !d.description}><summary>{visible([s.publisher, s.id].filter(Boolean).join(" "))} ({visible([s.kind, s.updated].filter(Boolean).join(", "))}){s.title && ": " + visible(s.title)}</summary>
            {s.ssvc && <p class="soft">Its own decision points: {visible(s.ssvc)}.</p>}{s.text ? <p class="prose">{visible(s.text)}</p> : <p class="soft">It gives no description.</p>}</details>)}
          {(d.affected || []).length > 0 && <details><summary>Products that they name ({number(d.affected!.length)})</summary><ul class="bullets">{d.affected!.slice(0, 300).map((a, i) => <li key={i}>{visible([a.vendor, a.product, a.versions].filter(Boolean).join(" "))}: {a.status.replaceAll("_", " ")} <span class="soft">{visible(a.source)}</span></li>)}</ul></details>}
          {(d.references || []).length > 0 && <details><summary>References ({number(d.references!.length)}), not opened from here</summary><ul class="bullets">{d.references!.map((r) => <li key={r} class="mono">{visible(r)}</li>)}</ul></details>}
        </div>
        <aside>
          <h2>How the decision comes about</h2>
          <ul class="bullets">{(d.why || []).map((w, i) => <li key={i}>{sentence(visible(w))}</li>)}</ul>
          {(d.cvss || []).length > 0 && <><h2>Scores</h2><ul class="bullets">{d.cvss!.map((c, i) => <li key={i}>{c.base} {visible(c.severity)} <span class="mono">{visible(c.vector)}</span> <span class="soft">{visible(c.source)}{c.computed !== undefined && `; the vector gives ${c.computed}`}</span></li>)}</ul></>}
          {(d.cwe || []).length > 0 && <p class="soft">{d.cwe!.map(visible).join(", ")}</p>}
          <Statements id={d.id} turn={turn} done={stated} />
        </aside>
      </div>
    </>
  );
}

const answers = ["affected", "undetermined", "not_affected"];

/** Here is who has it, who may, and who was cleared, each with its reason. */
function Here({ id, turn }: { id: string; turn: number }) {
  const [all, setAll] = useState(false);
  useKeys({ w: () => setAll((v) => !v) });
  const path = (status: string) => "/vulnerabilities?" + new URLSearchParams({ limit: "200", id, status });
  const lists = answers.map((a) => usePages<VulnRow, Named<VulnRow>>(path(a), turn));
  const broken = lists.find((l) => l.error);
  const known = lists.some((l) => l.total > 0), busy = lists.some((l) => l.busy);
  return (
    <>
      <h2>Who has it here</h2>
      <p class="soft line">{answers.map((a, i) => <>{i > 0 && " \u00b7 "}<Status of={a} />: {number(lists[i].total)}</>)} {known && <button type="button" class="link" aria-pressed={all} aria-keyshortcuts="w" onClick={() => setAll(!all)}>{all ? "Hide how each came about" : "Show how each came about"} <kbd>w</kbd></button>}</p>
      {broken && <Trouble error={broken.error!} retry={broken.reload} />}
      {!known && !busy && <p class="none">No component that is known here is concerned. <span class="soft">A device without a bill of materials and without a known firmware version is not ruled out.</span></p>}
      {lists.map((l, i) => l.rows.length > 0 && (
        <section key={answers[i]} aria-label={answers[i].replaceAll("_", " ")}><div class="scroll"><table><thead><tr><th scope="col">Answer</th><th scope="col">Device</th><th scope="col">Component</th><th scope="col">Decision here</th><th scope="col">Fixed in</th><th scope="col">Why</th></tr></thead>
          <tbody>{l.rows.map((r, k) => <tr key={k}><td><Status of={r.status} /></td><td><Subject of={r.subject} names={l.last?.names || {}} /></td><td>{visible(r.component || "\u2013")}</td><td>{r.status === "not_affected" ? "\u2013" : decided(r.decision)}</td><td>{visible(r.fix || "\u2013")}</td><td class="long"><Reason r={r} open={all} /></td></tr>)}</tbody></table></div>
          {l.more && <p><button type="button" class="quiet" onClick={l.more}>Show more</button></p>}</section>
      ))}
    </>
  );
}

/** ToDo is the plan for it, and what the sources offer. */
function ToDo({ d, turn }: { d: Detail; turn: number }) {
  const got = useLoad((s) => get<Named<Action>>("/vulnerabilities/plan?id=" + encodeURIComponent(d.id), s), [d.id, turn]);
  return (
    <>
      <h2>What to do</h2>
      <Show of={got}>{(p) => p.rows.length ? <ul class="bullets">{p.rows.map((a, i) => <li key={i}><strong>{decided(a.decision)}</strong>: {visible(a.text)} <span class="soft">{plural(a.devices, "device")}{(a.cited || []).length > 0 && "; " + a.cited!.map((c) => visible(c.advisory)).filter((c, k, l) => l.indexOf(c) === k).join(", ")}</span>{(a.breaks || []).map((b) => <span class="block soft">It would stop: {visible(b)}</span>)}{a.task && <span class="block"><a href={"/vulnerabilities?by=task&state=&open=" + encodeURIComponent(a.task)}>Taken on</a></span>}</li>)}</ul> : <p class="soft">Nothing here needs it.</p>}</Show>
      {(d.remediations || []).length > 0 && <details open={d.remediations!.length < 6}><summary>What the sources say to do ({number(d.remediations!.length)})</summary><ul class="bullets">{d.remediations!.map((r, i) => <li key={i}>{r.kind.replaceAll("_", " ")}: {visible(r.text || r.fix || "")} <span class="soft">{visible(r.source)} <span class="mono">{visible(r.url || "")}</span></span></li>)}</ul></details>}
    </>
  );
}

const justifications: [string, string][] = [
  ["component_not_present", "The component is not in it"], ["vulnerable_code_not_present", "The vulnerable code is not in it"], ["vulnerable_code_not_in_execute_path", "The vulnerable code is never run"],
  ["vulnerable_code_cannot_be_controlled_by_adversary", "An attacker cannot steer the vulnerable code"], ["inline_mitigations_already_exist", "It is protected already"],
];

/** Statements is what this site says itself; it counts before all others and is in the journal. */
function Statements({ id, turn, done }: { id: string; turn: number; done: () => void }) {
  const got = useLoad((s) => get<Page<Statement>>("/vulnerabilities/statements?" + new URLSearchParams({ id }), s), [id, turn]);
  const [f, setF] = useState({ device: "", status: "not_affected", justification: justifications[0][0], why: "" });
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Problem | null>(null);
  const send = (body: object) => { setBusy(true); post("/vulnerabilities/statements", body).then(() => { setError(null); setF({ ...f, why: "" }); done(); }, setError).finally(() => setBusy(false)); };
  const withdraw = (s: Statement) => send({ vulnerability: s.vulnerability, vendor: s.vendor, product: s.product, version: s.version, purl: s.purl, status: s.status, justification: s.justification, why: "taken back on the page of the vulnerability", withdrawn: true });
  return (
    <>
      <h2>What this site says</h2>{limited() && <p class="soft">Of what your devices are and run.</p>}
      <Show of={got}>{(p) => { const rows = p.rows.filter((s) => !s.withdrawn); return rows.length ? <ul class="plain">{rows.map((s, i) => <li key={i}><Status of={s.status} /> {visible([s.vendor, s.product, s.version, s.purl].filter(Boolean).join(" "))}: {visible(s.why)} <span class="soft">{s.by && visible(s.by) + ", "}{clock(s.at)}</span> {may("vulnerabilities.write") && !limited() && <button type="button" class="link" disabled={busy} onClick={() => withdraw(s)}>Take it back</button>}</li>)}</ul> : <p class="soft">Nothing so far.</p>; }}</Show>
      {error && <Trouble error={error} />}
      {may("vulnerabilities.write") && !limited() && (
        <form class="decide" onSubmit={(ev) => { ev.preventDefault(); send({ vulnerability: id, device: f.device.trim(), status: f.status, ...(f.status === "not_affected" && { justification: f.justification }), why: f.why }); }}>
          <label>Device, by its name, address or id; all of its product in its version are meant<input value={f.device} maxLength={200} required autocomplete="off" spellcheck={false} onInput={(ev) => setF({ ...f, device: ev.currentTarget.value })} /></label>
          <label>It is<select value={f.status} onChange={(ev) => setF({ ...f, status: ev.currentTarget.value })}><option value="not_affected">not affected</option><option value="affected">affected</option><option value="fixed">fixed</option><option value="under_investigation">under investigation</option></select></label>
          {f.status === "not_affected" && <label>Because<select value={f.justification} onChange={(ev) => setF({ ...f, justification: ev.currentTarget.value })}>{justifications.map(([k, t]) => <option key={k} value={k}>{t}</option>)}</select></label>}
          <label>How that is known<textarea value={f.why} rows={2} maxLength={2000} required placeholder="kept in the journal" onInput={(ev) => setF({ ...f, why: ev.currentTarget.value })} /></label>
          <p><button type="submit" disabled={busy || !f.device.trim() || !f.why.trim()}>State it</button></p>
        </form>
      )}
    </>
  );
}
