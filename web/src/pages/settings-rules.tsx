import { useState } from "preact/hooks";
import { call, get, post, Problem, type Page } from "../api";
import { may } from "../me";
import { clock, plural, visible } from "../show";
import { Severity, Show, Trouble, useLoad } from "../parts/load";
import { Rows } from "../parts/rows";
import { Trial } from "./settings-trial";
import { Why } from "./settings-kept";

interface By { by: string; at: string; why?: string }
interface Test { section: string; ok: boolean; events: number; reason?: string }
interface Rule { id: string; title: string; kind: string; level: string; logsource?: string; file: string; origin: string; enabled: boolean; disabled?: By; by?: By; version: number; refused?: string; text?: string; test?: string; notes?: string[]; results?: Test[] }

const origins: Record<string, string> = { program: "ships with the program", configuration: "the site's files", settings: "uploaded" };
const shownAtOnce = 200;

/** RuleSettings lists the rules and lets administrators switch and upload them. */
export function RuleSettings() {
  const got = useLoad((s) => get<Page<Rule>>("/rules?limit=1000", s), []);
  const [find, setFind] = useState("");
  const [only, setOnly] = useState("");
  const [doing, setDoing] = useState<[Rule, string] | null>(null);
  const [edits, setEdits] = useState<Rule | "new" | null>(null);
  const [error, setError] = useState<Problem | null>(null);
  const done = () => { setDoing(null); setEdits(null); got.reload(); };
  const write = may("rules.write");
  const fits = (r: Rule) => (r.title + " " + r.id + " " + (r.logsource || "")).toLowerCase().includes(find.toLowerCase()) && (!only || (only === "off" ? !r.enabled : r.origin === only));
  return (
    <>
      {doing && <Do of={doing[0]} what={doing[1]} done={done} leave={() => setDoing(null)} />}
      {error && <Trouble error={error} />}
      {edits !== null ? <Edit of={edits === "new" ? null : edits} done={done} leave={() => setEdits(null)} /> : write && <p class="bar"><button type="button" class="quiet" onClick={() => setEdits("new")}>Upload a rule</button></p>}
      <form class="decide" onSubmit={(ev) => ev.preventDefault()}>
        <label>Find by title, id or log source<input value={find} autocomplete="off" onInput={(ev) => setFind(ev.currentTarget.value)} /></label>
        <label>Show<select value={only} onChange={(ev) => setOnly(ev.currentTarget.value)}><option value="">all</option><option value="off">those that are off</option>{Object.entries(origins).map(([k, t]) => <option key={k} value={k}>{t}</option>)}</select></label>
      </form>
      <Show of={got}>{(d) => { const list = d.rows.filter(fits); return list.length ? <>
        <p class="soft">{plural(list.length, "rule")}{list.length > shownAtOnce ? `, the first ${shownAtOnce} are shown` : ""}{d.next ? `; the first 1000 of ${d.total} are looked through` : ""}</p>
        <Rows heads={["Title", "Level", "From", "State", "", "", ""]} rows={list.slice(0, shownAtOnce).map((r) => [
          <>{visible(r.title)} <span class="soft">{visible(r.logsource || r.kind)}</span></>, <Severity level={r.level || "medium"} />, <>{origins[r.origin]}{r.by ? <span class="soft"> by {visible(r.by.by)}, {clock(r.by.at)}</span> : ""}</>,
          r.disabled ? <span class="warn">off by {visible(r.disabled.by)}{r.disabled.why ? ": " + visible(r.disabled.why) : ""}</span> : r.refused ? <span class="warn">refused: {visible(r.refused)}</span> : "on",
          write && <button type="button" class="link" onClick={() => setDoing([r, r.enabled ? "disable" : "enable"])}>{r.enabled ? "Disable" : "Enable"}</button>,
          write && r.origin === "settings" && <button type="button" class="link" onClick={() => get<Rule>("/rules/" + encodeURIComponent(r.id)).then((x) => { setError(null); setEdits(x); }, setError)}>Change</button>,
          write && r.origin === "settings" && <button type="button" class="link" onClick={() => setDoing([r, "remove"])}>Remove</button>,
        ])} />
      </> : <p class="none">No rule fits.</p>; }}</Show>
    </>
  );
}

function Do({ of, what, done, leave }: { of: Rule; what: string; done: () => void; leave: () => void }) {
  const path = "/rules/" + encodeURIComponent(of.id);
  const would = useLoad(() => what === "remove" ? Promise.resolve(of) : call<Rule>("POST", path + "/state", { do: what, check: true }, undefined, of.version), [of.id, what]);
  const [why, setWhy] = useState("");
  const [error, setError] = useState<Problem | null>(null);
  const word = what[0].toUpperCase() + what.slice(1);
  const go = () => what === "remove" ? call("DELETE", path + "?" + new URLSearchParams({ why }), undefined, undefined, of.version) : call("POST", path + "/state", { do: what, why }, undefined, of.version);
  return (
    <form class="decide" onSubmit={(ev) => { ev.preventDefault(); go().then(done, setError); }}>
      <h2>{word} {visible(of.title)}</h2>
      <Show of={would}>{(d) => <ul class="plain">{(d.notes || []).map((n, i) => <li key={i} class="warn">{visible(n)}</li>)}</ul>}</Show>
      {error && <Trouble error={error} />}
      <Trial rule={{ id: of.id }} />
      <Why value={why} set={setWhy} />
      <p><button type="submit" disabled={!why.trim()}>{word}</button><button type="button" class="quiet" onClick={leave}>Leave it</button></p>
    </form>
  );
}

function Edit({ of, done, leave }: { of: Rule | null; done: () => void; leave: () => void }) {
  const [text, setText] = useState(of?.text || "");
  const [test, setTest] = useState(of?.test || "");
  const [why, setWhy] = useState("");
  const [would, setWould] = useState<Rule | null>(null);
  const [error, setError] = useState<Problem | null>(null);
  const put = (more: object) => of ? call<Rule>("POST", "/rules", { text, test, ...more }, undefined, of.version) : post<Rule>("/rules", { text, test, ...more });
  const failed = would?.results?.some((r) => !r.ok);
  return (
    <form class="decide" onSubmit={(ev) => { ev.preventDefault(); if (!would) put({ check: true }).then((r) => { setWould(r); setError(null); }, setError); else put({ why, confirm: true }).then(done, setError); }}>
      <h2>{of ? "Change " + visible(of.title) : "Upload a rule"}</h2>
      <label>Sigma rule<textarea rows={12} spellcheck={false} value={text} onInput={(ev) => { setText(ev.currentTarget.value); setWould(null); }} /></label>
      <label>Its test: lines below <code>-- fire/NAME.log --</code> must raise it, those below <code>-- silent/NAME.log --</code> must not<textarea rows={6} spellcheck={false} value={test} onInput={(ev) => { setTest(ev.currentTarget.value); setWould(null); }} /></label>
      {error && <Trouble error={error} />}
      {would && <div role="status">
        <p>{visible(would.title)} can be loaded{would.results?.length ? "." : ", and has no test."}</p>
        <ul class="plain">{(would.notes || []).map((n, i) => <li key={i} class="warn">{visible(n)}</li>)}{(would.results || []).map((r, i) => <li key={"t" + i} class={r.ok ? "" : "warn"}>{r.ok ? "\u2713" : "\u2717"} {visible(r.section || "test")}{r.ok ? "" : ": " + visible(r.reason || "")}</li>)}</ul>
      </div>}
      {would && <Trial rule={{ text }} key={text} />}
      {would && <Why value={why} set={setWhy} />}
      <p>
        {would ? <button type="submit" disabled={!why.trim()}>{failed ? "Set it all the same" : "Set it"}</button> : <button type="submit" disabled={!text.trim()}>Try it</button>}
        <button type="button" class="quiet" onClick={leave}>Leave it</button>
      </p>
    </form>
  );
}
