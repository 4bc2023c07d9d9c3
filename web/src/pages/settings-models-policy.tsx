import { useState } from "preact/hooks";
import { call, get, Problem } from "../api";
import { may } from "../me";
import { visible } from "../show";
import { Show, Trouble, useLoad } from "../parts/load";
import { Rows } from "../parts/rows";
import { Origin, Why } from "./settings-kept";

interface By { version: number; by: string; at: string; why?: string }
interface Setting { value: string; default: string; origin: string; place?: string; fixed: boolean; kept?: string; by?: By }
interface Rule { name: string; zones?: string[]; types?: string[]; sources?: string[]; tlp?: string[]; tasks?: string[]; highest: string }
interface Policy { version: number; mode: Setting; questions: Setting; redact_on_premises: Setting; rules: { rule: Rule; origin: string; place?: string }[]; loosens?: string[] }

const lists: [keyof Rule, string][] = [["zones", "Zones"], ["types", "Types of device, such as plc"], ["sources", "Logs, such as zeek/conn"], ["tlp", "Sharing marks, such as amber"], ["tasks", "Tasks: plan, read, narrate, explain, probe"]];

/** ModelPolicy is how far questions and data may go to models. */
export function ModelPolicy() {
  const got = useLoad((s) => get<Policy>("/settings/model-policy", s), []);
  return (
    <>
      <h2>What may go to them</h2>
      <p class="soft">Restricted data never leaves the premises, whatever is set here. Rules only narrow; a rule matches what is not known of the data too.</p>
      <Show of={got}>{(d) => (
        <>
          <dl class="fields">
            <dt>Mode</dt><dd>{d.mode.value} <Origin of={d.mode} /></dd>
            <dt>What people type counts as</dt><dd>{d.questions.value} <Origin of={d.questions} /></dd>
            <dt>Pseudonyms on the premises too</dt><dd>{d.redact_on_premises.value === "true" ? "yes" : "no"} <Origin of={d.redact_on_premises} /></dd>
          </dl>
          {d.rules.length ? <Rows heads={["Rule", "Of data", "May go to", "Set"]} rows={d.rules.map((v) => [visible(v.rule.name), lists.filter(([k]) => v.rule[k]?.length).map(([k]) => k + " " + (v.rule[k] as string[]).map(visible).join(", ")).join("; ") || "all", v.rule.highest + " at most", <span class="soft">{v.origin === "configuration" ? "from the configuration" + (v.place ? ", " + visible(v.place) : "") : "here"}</span>])} /> : <p class="soft">There is no rule.</p>}
          {may("models.write") && <Change of={d} key={d.version} done={got.reload} />}
        </>
      )}</Show>
    </>
  );
}

function Change({ of, done }: { of: Policy; done: () => void }) {
  const [mode, setMode] = useState(of.mode.value);
  const [questions, setQuestions] = useState(of.questions.value);
  const [redact, setRedact] = useState(of.redact_on_premises.value);
  const [rules, setRules] = useState(of.rules.filter((v) => v.origin !== "configuration").map((v) => v.rule));
  const [rule, setRule] = useState<Record<string, string>>({ name: "", highest: "on-premises" });
  const [touched, setTouched] = useState(false);
  const [why, setWhy] = useState("");
  const [would, setWould] = useState<Policy | null>(null);
  const [error, setError] = useState<Problem | null>(null);
  const wish = { ...(mode === of.mode.value ? {} : { mode }), ...(questions === of.questions.value ? {} : { questions }), ...(redact === of.redact_on_premises.value ? {} : { redact_on_premises: redact }), ...(touched ? { rules } : {}) };
  const put = (more: object) => call<Policy>("PUT", "/settings/model-policy", { ...wish, ...more }, undefined, of.version);
  const change = (f: () => void) => { f(); setWould(null); };
  const add = () => change(() => {
    const next: Record<string, unknown> = { name: rule.name.trim(), highest: rule.highest };
    for (const [k] of lists) { const words = (rule[k] || "").split(",").map((w) => w.trim()).filter(Boolean); if (words.length) next[k] = words; }
    setRules((o) => [...o.filter((r) => r.name !== next.name), next as unknown as Rule]);
    setRule({ name: "", highest: "on-premises" });
    setTouched(true);
  });
  return (
    <form class="decide" onSubmit={(ev) => { ev.preventDefault(); if (!would) put({ check: true }).then((p) => { setWould(p); setError(null); }, setError); else put({ why, confirm: true }).then(done, setError); }}>
      <h2>Change what may go to models</h2>
      {!of.mode.fixed && <label>Mode<select value={mode} onChange={(ev) => { const v = ev.currentTarget.value; change(() => setMode(v)); }}><option value="off">off: no model is asked</option><option value="on-premises">on-premises: nothing leaves the site</option><option value="hybrid">hybrid: public and internal data may leave it</option><option value="cloud">cloud: all but restricted data may leave it</option></select></label>}
      {!of.questions.fixed && <label>What people type counts as<select value={questions} onChange={(ev) => { const v = ev.currentTarget.value; change(() => setQuestions(v)); }}>{["public", "internal", "confidential", "restricted"].map((w) => <option key={w}>{w}</option>)}</select></label>}
      {!of.redact_on_premises.fixed && <label class="tick"><span><input type="checkbox" checked={redact === "true"} onChange={(ev) => { const v = String(ev.currentTarget.checked); change(() => setRedact(v)); }} /> Put pseudonyms into what goes to models on the premises too</span></label>}
      {rules.length > 0 && <ul class="plain">{rules.map((r) => <li key={r.name}>Rule {visible(r.name)}: {r.highest} at most <button type="button" class="link" aria-label={"Take out the rule " + r.name} onClick={() => change(() => { setRules((o) => o.filter((x) => x !== r)); setTouched(true); })}>Take it out</button></li>)}</ul>}
      <details><summary>Add a rule that narrows</summary>
        <label>Name of the rule<input value={rule.name} maxLength={200} autocomplete="off" onInput={(ev) => { const v = ev.currentTarget.value; setRule((o) => ({ ...o, name: v })); }} /></label>
        {lists.map(([k, label]) => <label key={k}>{label}; separated by commas, empty for all<input value={rule[k] || ""} autocomplete="off" onInput={(ev) => { const v = ev.currentTarget.value; setRule((o) => ({ ...o, [k]: v })); }} /></label>)}
        <label>It may go at most to<select value={rule.highest} onChange={(ev) => { const v = ev.currentTarget.value; setRule((o) => ({ ...o, highest: v })); }}><option value="built-in">the built-in engine</option><option value="on-premises">models on the premises</option></select></label>
        <p><button type="button" class="quiet" disabled={!rule.name.trim()} onClick={add}>Add the rule</button></p>
      </details>
      {error && <Trouble error={error} />}
      {would && <div role="status">{would.loosens?.length ? would.loosens.map((l, i) => <p key={i} class="warn">This lets data go further: {visible(l)}</p>) : <p>Nothing goes further than before.</p>}<Why value={why} set={setWhy} /></div>}
      <p>
        {would ? <button type="submit" disabled={!why.trim()}>{would.loosens?.length ? "Set it all the same" : "Set it"}</button> : <button type="submit" disabled={!Object.keys(wish).length}>See what that does</button>}
        {would && <button type="button" class="quiet" onClick={() => setWould(null)}>Back</button>}
        {error?.status === 412 && <button type="button" class="quiet" onClick={done}>Look at it again</button>}
      </p>
    </form>
  );
}
