import { useState } from "preact/hooks";
import { call, get, Problem, type Page } from "../api";
import { may } from "../me";
import { visible } from "../show";
import { Show, Trouble, useLoad } from "../parts/load";
import { Rows } from "../parts/rows";
import { Origin, Why } from "./settings-kept";
import { ModelPolicy } from "./settings-models-policy";

type Config = { name: string; url: string; model: string; location: string } & Record<string, unknown>;
interface By { version: number; by: string; at: string; why?: string }
interface Check { state: string; text: string }
interface View { config: Config; origin: string; place?: string; fixed: boolean; version: number; by?: By; rests?: string; approval?: string; problem?: string; loosens?: string[]; checks?: Check[] }

const fields: [string, string, "text" | "list"][] = [
  ["url", "Address, such as http://127.0.0.1:11434/v1", "text"], ["model", "The name that the endpoint knows the model by, such as qwen2.5:7b", "text"],
  ["key_file", "File on the server with the key, below a directory of settings.secrets; empty: none", "text"], ["key_header", "Header that carries the key; empty: the usual one", "text"], ["ca_file", "File with certificates of a server of your own; empty: those of the system", "text"],
  ["networks", "More networks that count as the premises, one a line; the configuration names which may be", "list"],
  ["terms.operator", "Operator, of one outside the site", "text"], ["terms.jurisdiction", "Its jurisdiction, such as EU or DE", "text"], ["terms.retention", "How long it keeps requests, such as 0d", "text"], ["terms.trains_on_input", "Does it train on what it is sent, yes or no; empty: not known", "text"], ["terms.contract", "Name of the agreement", "text"],
  ["price.in", "Price of a million tokens that go to it, such as 2.50", "text"], ["price.out", "Price of a million tokens that come from it", "text"], ["price.currency", "Currency, such as EUR", "text"],
];
const of = (name: string) => "/settings/models/" + encodeURIComponent(name);
const read = (c: Record<string, unknown>, key: string): unknown => key.split(".").reduce<unknown>((o, k) => (o as Record<string, unknown> | undefined)?.[k], c);

/** ModelSettings are the endpoints of models and what may go to them, and lets administrators change them. */
export function ModelSettings() {
  const got = useLoad((s) => get<Page<View>>("/settings/models?limit=1000", s), [], 10000);
  const [edits, setEdits] = useState<View | "new" | null>(null);
  const [doing, setDoing] = useState<[View, Deed] | null>(null);
  const [tested, setTested] = useState<View | null>(null);
  const [error, setError] = useState<Problem | null>(null);
  const done = () => { setEdits(null); setDoing(null); got.reload(); };
  const write = may("models.write");
  const test = (v: View) => { setTested(null); call<View>("POST", of(v.config.name) + "/state", { do: "test" }).then((t) => { setTested(t); setError(null); }, setError); };
  return (
    <>
      <p class="soft">Models that can be asked, the first choice first. Each must be approved; another address, place or model ends an approval. Keys are in files on the server. What went to them: <a href="/ai">AI</a>.</p>
      {error && <Trouble error={error} />}
      {tested && <div role="status"><p>{visible(tested.config.name)} was asked how much 17 times 3 is:</p><Checks of={tested.checks || []} /></div>}
      {doing && <Do view={doing[0]} what={doing[1]} done={done} leave={() => setDoing(null)} key={doing[1] + doing[0].config.name} />}
      {edits ? <Edit view={edits === "new" ? null : edits} done={done} leave={() => setEdits(null)} /> : write && <p class="bar"><button type="button" class="quiet" onClick={() => setEdits("new")}>Add an endpoint</button></p>}
      <Show of={got}>{(d) => d.rows.length ? <Rows heads={["Endpoint", "Model", "Where it runs", "Address", "State", "Set", "", "", "", ""]} rows={d.rows.map((v) => [
        visible(v.config.name), visible(v.config.model), v.config.location, <span class="break">{visible(v.config.url)}</span>,
        v.rests ? <span class="warn">rests: {visible(v.rests)}</span> : v.problem ? <span class="warn">not asked: {visible(v.problem)}</span> : <span>approved <span class="soft">{visible(v.approval || "")}</span></span>,
        <Origin of={v} />,
        write && !v.rests && <button type="button" class="link" aria-label={"Test " + v.config.name} onClick={() => test(v)}>Test</button>,
        write && !v.rests && <button type="button" class="link" onClick={() => setDoing([v, v.approval ? "retire" : "approve"])}>{v.approval ? "Retire" : "Approve"}</button>,
        write && !v.fixed && !v.rests && <button type="button" class="link" onClick={() => setEdits(v)}>Change</button>,
        write && !v.fixed && <button type="button" class="link" onClick={() => setDoing([v, "remove"])}>Remove</button>,
      ])} /> : <p class="none">No endpoint is set. <span class="soft">Everything works without a model. Add one here, name it under <code>models.endpoints</code> in the configuration, or look for one on this machine under <a href="/ai">AI</a>.</span></p>}</Show>
      <ModelPolicy />
    </>
  );
}

type Deed = "approve" | "retire" | "remove";

function Checks({ of: list }: { of: Check[] }) {
  return <ul class="plain">{list.map((c, i) => <li key={i} class={c.state === "ok" ? "" : "warn"}>{c.state === "ok" ? "\u2713" : c.state === "problem" ? "\u2717" : "!"} {visible(c.text)}</li>)}</ul>;
}

function Edit({ view, done, leave }: { view: View | null; done: () => void; leave: () => void }) {
  const [name, setName] = useState(view?.config.name || "");
  const [wire, setWire] = useState(String(view?.config.wire || "openai"));
  const [location, setLocation] = useState(view?.config.location || "on-premises");
  const [values, setValues] = useState<Record<string, string>>(() => Object.fromEntries(fields.map(([k]) => { const v = view ? read(view.config, k) : ""; return [k, Array.isArray(v) ? v.join("\n") : String(v ?? "")]; })));
  const [ask, setAsk] = useState(true);
  const [why, setWhy] = useState("");
  const [would, setWould] = useState<View | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Problem | null>(null);
  const config = () => {
    const out: Record<string, unknown> = { ...(view?.config || {}), name, wire, location };
    for (const [key, , type] of fields) {
      const text = (values[key] || "").trim(), [group, inner] = key.split(".");
      const value = type === "list" ? text.split(/\s+/).filter(Boolean) : text;
      if (inner) out[group] = { ...(out[group] as object | undefined), [inner]: text }; else if (value.length) out[key] = value; else delete out[key];
    }
    return out;
  };
  const send = (more: object) => { setBusy(true); return call<View>(view ? "PUT" : "POST", view ? of(name) : "/settings/models", { config: config(), ...more }, undefined, view?.version).finally(() => setBusy(false)); };
  const change = (f: () => void) => { f(); setWould(null); };
  const against = would && (would.loosens?.length || would.checks?.some((c) => c.state === "problem"));
  return (
    <form class="decide" onSubmit={(ev) => { ev.preventDefault(); if (!would) send({ check: true, ask }).then((v) => { setWould(v); setError(null); }, setError); else send({ why, confirm: true }).then(done, setError); }}>
      <h2>{view ? "Change " + visible(name) : "Add an endpoint"}</h2>
      {!view && <label>Name, of letters, digits, - _ and .<input value={name} required maxLength={40} autocomplete="off" onInput={(ev) => { const v = ev.currentTarget.value; change(() => setName(v)); }} /></label>}
      <label>Where it runs<select value={location} onChange={(ev) => { const v = ev.currentTarget.value; change(() => setLocation(v)); }}><option value="on-premises">on the premises: its address is held against that at each call</option><option value="cloud">outside the site</option></select></label>
      <label>Language<select value={wire} onChange={(ev) => { const v = ev.currentTarget.value; change(() => setWire(v)); }}><option value="openai">openai, also Ollama, llama.cpp, vLLM, Azure</option><option>anthropic</option><option>gemini</option></select></label>
      {fields.filter(([k]) => location === "cloud" ? k !== "networks" : !/^(terms|price)/.test(k)).map(([key, label, type]) => <label key={key}>{label}{type === "list" ? <textarea rows={2} value={values[key]} onInput={(ev) => { const v = ev.currentTarget.value; change(() => setValues((o) => ({ ...o, [key]: v }))); }} /> : <input value={values[key]} autocomplete="off" onInput={(ev) => { const v = ev.currentTarget.value; change(() => setValues((o) => ({ ...o, [key]: v }))); }} />}</label>)}
      <label class="tick"><span><input type="checkbox" checked={ask} onChange={(ev) => { const v = ev.currentTarget.checked; change(() => setAsk(v)); }} /> Ask it how much 17 times 3 is before it is set; nothing of the site is sent</span></label>
      {error && <Trouble error={error} />}
      {would && <div role="status"><Checks of={would.checks || []} />{would.loosens?.map((l, i) => <p key={i} class="warn">This lets data go further: {visible(l)}</p>)}{!against && <p>Nothing stands against it. It is asked once it is approved.</p>}<Why value={why} set={setWhy} /></div>}
      <p>
        {would ? <button type="submit" disabled={!why.trim() || busy}>{against ? "Set it all the same" : "Set it"}</button> : <button type="submit" disabled={!name.trim() || !values.url || !values.model || busy}>{busy ? "Trying" : "Try it"}</button>}
        {error?.status === 412 && <button type="button" class="quiet" onClick={done}>Look at it again</button>}
        <button type="button" class="quiet" onClick={leave}>Leave it</button>
      </p>
    </form>
  );
}

function Do({ view, what, done, leave }: { view: View; what: Deed; done: () => void; leave: () => void }) {
  const [why, setWhy] = useState("");
  const [error, setError] = useState<Problem | null>(null);
  const word = what[0].toUpperCase() + what.slice(1), path = of(view.config.name);
  const go = () => what === "remove" ? call("DELETE", path + "?" + new URLSearchParams({ why }), undefined, undefined, view.version) : call("POST", path + "/state", { do: what, why }, undefined, view.version);
  return (
    <form class="decide" onSubmit={(ev) => { ev.preventDefault(); go().then(done, setError); }}>
      <h2>{word} {visible(view.config.name)}</h2>
      <p class="soft">{what === "approve" ? `People's questions, and data as far as policy lets it, may go to ${visible(view.config.model)} at ${visible(view.config.url)} from now on. The key of its server is pinned.` : what === "retire" ? "It is asked no more, at once; it can be approved again." : "It is asked no more, at once, and its approval is retired."}</p>
      {error && <Trouble error={error} />}
      <Why value={why} set={setWhy} />
      <p><button type="submit" disabled={!why.trim()}>{word}</button><button type="button" class="quiet" onClick={leave}>Leave it</button></p>
    </form>
  );
}
