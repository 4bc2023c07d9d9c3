import { useState } from "preact/hooks";
import { call, get, Problem, type Page } from "../api";
import { may } from "../me";
import { clock, visible } from "../show";
import { Show, Trouble, useLoad } from "../parts/load";
import { Rows } from "../parts/rows";
import { Origin, Why } from "./settings-kept";

type Config = { name: string; kind: string; url: string } & Record<string, string | number | boolean | string[]>;
interface By { version: number; by: string; at: string; why?: string }
interface Check { state: string; text: string }
interface View { config: Config; origin: string; place?: string; fixed: boolean; version: number; by?: By; paused?: By; rests?: string; health?: { state: string; error?: string; warning?: string }; checks?: Check[] }

const kinds: Record<string, string> = { advisories: "advisories: one document (KEV, EPSS, OSV, CVE, CSAF, VEX)", csaf: "csaf: a provider or ROLIE feed", indicators: "indicators: one document (STIX, MISP, CSV, a list)", taxii: "taxii: a TAXII 2.1 collection" };
const fields: [string, string, "text" | "list" | "flag" | "number"][] = [
  ["url", "Address, such as https://feed.example/list.txt", "text"], ["every", "Time between two pulls, such as 6h; empty: 6h", "text"], ["key_file", "File with the value of the Authorization header; empty: none", "text"],
  ["hosts", "More hosts from which its documents may come, one a line", "list"], ["inside", "Networks of ours in which it may be asked, one a line; the configuration names which may be", "list"],
  ["reliability", "How reliable it is, A (completely) to E (not), F (cannot be judged); empty: not graded", "text"], ["confidence", "Confidence of indicators that have none, 1 to 100; empty: 50", "number"], ["expires", "End of indicators that have none, such as 30d; empty: none", "text"],
  ["plain_http", "Allow http without TLS", "flag"],
];
const of = (name: string) => "/settings/feeds/" + encodeURIComponent(name);

/** FeedSettings are the feeds that the server pulls, and lets administrators change them. */
export function FeedSettings() {
  const got = useLoad((s) => get<Page<View>>("/settings/feeds?limit=1000", s), [], 10000);
  const [edits, setEdits] = useState<View | "new" | null>(null);
  const [doing, setDoing] = useState<[View, "pause" | "resume" | "remove"] | null>(null);
  const done = () => { setEdits(null); setDoing(null); got.reload(); };
  const write = may("feeds.write");
  return (
    <>
      <p class="soft">Indicators and advisories that the server gets by itself. Feeds that are set here are asked on the internet alone, unless the configuration names a network for them (<code>settings.inside</code>). How they are: <a href="/intelligence">Intelligence</a>.</p>
      {doing && <Do view={doing[0]} what={doing[1]} done={done} leave={() => setDoing(null)} key={doing[1] + doing[0].config.name} />}
      {edits ? <Edit view={edits === "new" ? null : edits} done={done} leave={() => setEdits(null)} /> : write && <p class="bar"><button type="button" class="quiet" onClick={() => setEdits("new")}>Add a feed</button></p>}
      <Show of={got}>{(d) => d.rows.length ? <Rows heads={["Feed", "Address", "Every", "State", "Set", "", "", ""]} rows={d.rows.map((v) => [
        <>{visible(v.config.name)} <span class="soft">{v.config.kind}</span></>, <span class="break">{visible(v.config.url)}</span>, String(v.config.every || "6h"),
        v.rests ? <span class="warn">rests: {visible(v.rests)}</span> : v.paused ? <span class="warn">paused by {visible(v.paused.by)}, {clock(v.paused.at)}{v.paused.why ? ": " + visible(v.paused.why) : ""}</span> : <span class={v.health?.state === "failing" ? "warn" : ""}>{v.health?.state || ""} <span class="soft">{visible(v.health?.error || v.health?.warning || "")}</span></span>,
        <Origin of={v} />,
        write && !v.rests && <button type="button" class="link" onClick={() => setDoing([v, v.paused ? "resume" : "pause"])}>{v.paused ? "Resume" : "Pause"}</button>,
        write && !v.fixed && !v.rests && <button type="button" class="link" onClick={() => setEdits(v)}>Change</button>,
        write && !v.fixed && <button type="button" class="link" onClick={() => setDoing([v, "remove"])}>Remove</button>,
      ])} /> : <p class="none">No feed is pulled. <span class="soft">Add one, name them under <code>pulls:</code> in the configuration, or send files under <a href="/intelligence">Intelligence</a>; docs/intel.md has addresses.</span></p>}</Show>
    </>
  );
}

function Edit({ view, done, leave }: { view: View | null; done: () => void; leave: () => void }) {
  const [name, setName] = useState(view?.config.name || "");
  const [kind, setKind] = useState(view?.config.kind || "advisories");
  const [values, setValues] = useState<Record<string, string | boolean>>(() => Object.fromEntries(Object.entries(view?.config || {}).map(([k, v]) => [k, Array.isArray(v) ? v.join("\n") : typeof v === "boolean" ? v : String(v)])));
  const [fetch, setFetch] = useState(true);
  const [why, setWhy] = useState("");
  const [checks, setChecks] = useState<Check[] | null>(null);
  const [error, setError] = useState<Problem | null>(null);
  const config = () => {
    const out: Record<string, unknown> = { ...(view?.config || {}), name, kind };
    for (const [key, , type] of fields) {
      const text = String(values[key] || "").trim();
      const value = type === "list" ? text.split(/\s+/).filter(Boolean) : type === "flag" ? Boolean(values[key]) : type === "number" ? Number(text) : text;
      if (Array.isArray(value) ? value.length : value) out[key] = value; else delete out[key];
    }
    return out;
  };
  const send = (more: object) => call<View>(view ? "PUT" : "POST", view ? of(name) : "/settings/feeds", { config: config(), ...more }, undefined, view?.version);
  const set = (key: string, v: string | boolean) => { setValues((o) => ({ ...o, [key]: v })); setChecks(null); };
  const bad = checks?.some((c) => c.state === "problem");
  return (
    <form class="decide" onSubmit={(ev) => { ev.preventDefault(); if (!checks) send({ check: true, fetch }).then((v) => { setChecks(v.checks || []); setError(null); }, setError); else send({ why, confirm: true }).then(done, setError); }}>
      <h2>{view ? "Change " + visible(name) : "Add a feed"}</h2>
      {!view && <label>Name, of small letters, digits, - _ and .<input value={name} required maxLength={64} autocomplete="off" onInput={(ev) => { setName(ev.currentTarget.value); setChecks(null); }} /></label>}
      <label>Kind<select value={kind} onChange={(ev) => { setKind(ev.currentTarget.value); setChecks(null); }}>{Object.entries(kinds).map(([k, t]) => <option key={k} value={k}>{t}</option>)}</select></label>
      {fields.map(([key, label, type]) => type === "flag"
        ? <label key={key} class="tick"><span><input type="checkbox" checked={Boolean(values[key])} onChange={(ev) => set(key, ev.currentTarget.checked)} /> {label}</span></label>
        : <label key={key}>{label}{type === "list" ? <textarea rows={2} value={String(values[key] || "")} onInput={(ev) => set(key, ev.currentTarget.value)} /> : <input value={String(values[key] || "")} autocomplete="off" onInput={(ev) => set(key, ev.currentTarget.value)} />}</label>)}
      <label class="tick"><span><input type="checkbox" checked={fetch} onChange={(ev) => { setFetch(ev.currentTarget.checked); setChecks(null); }} /> Ask it for the head of its answer before it is set</span></label>
      {error && <Trouble error={error} />}
      {checks && <><ul class="plain" role="status">{checks.map((c, i) => <li key={i} class={c.state === "ok" ? "" : "warn"}>{c.state === "ok" ? "\u2713" : c.state === "problem" ? "\u2717" : "!"} {visible(c.text)}</li>)}{!checks.length && <li>Nothing stands against it.</li>}</ul><Why value={why} set={setWhy} /></>}
      <p>
        {checks ? <button type="submit" disabled={!why.trim()}>{bad ? "Set it all the same" : "Set it"}</button> : <button type="submit" disabled={!name.trim() || !values.url}>Try it</button>}
        {error?.status === 412 && <button type="button" class="quiet" onClick={done}>Look at it again</button>}
        <button type="button" class="quiet" onClick={leave}>Leave it</button>
      </p>
    </form>
  );
}

function Do({ view, what, done, leave }: { view: View; what: "pause" | "resume" | "remove"; done: () => void; leave: () => void }) {
  const [why, setWhy] = useState("");
  const [error, setError] = useState<Problem | null>(null);
  const word = what[0].toUpperCase() + what.slice(1), path = of(view.config.name);
  const go = () => what === "remove" ? call("DELETE", path + "?" + new URLSearchParams({ why }), undefined, undefined, view.version) : call("POST", path + "/state", { do: what, why }, undefined, view.version);
  return (
    <form class="decide" onSubmit={(ev) => { ev.preventDefault(); go().then(done, setError); }}>
      <h2>{word} {visible(view.config.name)}</h2>
      {what !== "resume" && <p class="soft">What it gave is kept and counts{what === "pause" ? "; it is not asked until it is resumed, also after a restart of the server" : ""}.</p>}
      {error && <Trouble error={error} />}
      <Why value={why} set={setWhy} />
      <p><button type="submit" disabled={!why.trim()}>{word}</button><button type="button" class="quiet" onClick={leave}>Leave it</button></p>
    </form>
  );
}
