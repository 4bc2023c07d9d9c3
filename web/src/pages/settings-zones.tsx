import { useState } from "preact/hooks";
import { call, get, Problem, type Page } from "../api";
import { may } from "../me";
import { number, plural, visible } from "../show";
import { Show, Trouble, useLoad } from "../parts/load";
import { Rows } from "../parts/rows";
import { Origin, Why } from "./settings-kept";

interface Config { name: string; level?: string; subnets: string[]; criticality?: string; confidentiality?: string }
interface Renamed { from: string; to: string; devices: number; set: number; follow: string[]; read: string[]; stay: string[] }
export interface Effect { moves: number; devices: { uid: string; name: string; from: string; to: string }[]; accounts: { name: string; kind: string; more: number; fewer: number }[]; conduits: string[]; notes?: string[]; renamed?: Renamed[] }
interface View { config: Config; origin: string; place?: string; fixed: boolean; version: number; by?: { version: number; by: string; at: string; why?: string }; rests?: string; devices: number; effect?: Effect }

const levels = ["", "0", "1", "2", "3", "3.5", "4", "5"], grades = ["", "low", "medium", "high", "critical"], labels = ["", "public", "internal", "confidential", "restricted"];
const of = (name: string) => "/settings/zones/" + encodeURIComponent(name);

/** ZoneSettings are the parts of the network, and lets administrators change them. */
export function ZoneSettings() {
  const got = useLoad((s) => get<Page<View>>("/settings/zones?limit=1000", s), []);
  const [edits, setEdits] = useState<View | "new" | null>(null);
  const [named, setNamed] = useState<View | null>(null);
  const [gone, setGone] = useState<View | null>(null);
  const done = () => { setEdits(null); setGone(null); setNamed(null); got.reload(); };
  const write = may("settings.write");
  return (
    <>
      <p class="soft">A zone is a part of the network by its subnets; the most specific subnet decides. Conduits, accounts and models can be limited to zones.</p>
      {gone && <Remove view={gone} done={done} leave={() => setGone(null)} key={gone.config.name} />}
      {named && <Rename view={named} done={done} leave={() => setNamed(null)} key={"name " + named.config.name} />}
      {edits ? <Edit view={edits === "new" ? null : edits} done={done} leave={() => setEdits(null)} /> : write && <p class="bar"><button type="button" class="quiet" onClick={() => setEdits("new")}>Add a zone</button></p>}
      <Show of={got}>{(d) => d.rows.length ? <Rows heads={["Zone", "Level", "Subnets", "Criticality", "Confidentiality", "Devices", "Set", "", "", ""]} rows={d.rows.map((v) => [
        <a href={"/devices?" + new URLSearchParams({ zone: v.config.name })}>{visible(v.config.name)}</a>, v.config.level || "", <span class="break">{v.config.subnets.join(", ")}</span>, v.config.criticality || "", v.config.confidentiality || "", number(v.devices),
        <><Origin of={v} />{v.rests && <span class="warn"> rests: {visible(v.rests)}</span>}</>,
        write && !v.fixed && !v.rests && <button type="button" class="link" onClick={() => setEdits(v)}>Change</button>,
        write && !v.fixed && !v.rests && <button type="button" class="link" aria-label={"Rename " + v.config.name} onClick={() => setNamed(v)}>Rename</button>,
        write && !v.fixed && <button type="button" class="link" onClick={() => setGone(v)}>Remove</button>,
      ])} /> : <p class="none">No zone is set. <span class="soft">Without zones there are no conduits, and nobody can be limited to a part of the site. Add one, or name them under <code>zones:</code> in the configuration.</span></p>}</Show>
    </>
  );
}

/** Touches says what a change of zones does. */
export function Touches({ effect: e }: { effect: Effect }) {
  return (
    <div role="status">
      {(e.renamed || []).map((n) => <Named n={n} key={n.from} />)}
      {(e.moves > 0 || !e.renamed?.length) && <p>{e.moves ? plural(e.moves, "device") + (e.moves === 1 ? " changes zone." : " change zone.") : "No device changes zone."}</p>}
      {e.devices.length > 0 && <Rows heads={["Device", "From", "To"]} rows={e.devices.map((m) => [<a href={"/devices/" + encodeURIComponent(m.uid)} target="_blank">{visible(m.name)}</a>, visible(m.from) || "no zone", visible(m.to) || "no zone"])} />}
      {e.moves > e.devices.length && <p class="soft">and {number(e.moves - e.devices.length)} more</p>}
      <ul class="plain">
        {e.accounts.map((a) => <li key={a.kind + a.name} class={a.more ? "warn" : ""}>The {a.kind} {visible(a.name)}, limited to zones, sees {plural(a.more, "device")} more and {number(a.fewer)} fewer.</li>)}
        {e.conduits.length > 0 && <li>Conduits between zones that gain or lose devices: {e.conduits.map(visible).join(", ")}</li>}
        {(e.notes || []).map((n, i) => <li key={i} class="warn">{visible(n)}</li>)}
      </ul>
    </div>
  );
}

/** Named says what follows a zone to another name and what does not. */
function Named({ n }: { n: Renamed }) {
  const part = (head: string, list: string[]) => list.length > 0 && <><dt>{head}</dt><dd><ul class="plain">{list.map((x) => <li key={x}>{visible(x)}</li>)}</ul></dd></>;
  return <><p>{visible(n.from)} is called {visible(n.to)}; {plural(n.devices, "device")} {n.devices === 1 ? "is" : "are"} in it.</p>
    <dl class="fields">{part("Follows", n.follow)}{part("Not written, and read as the new name", n.read)}{part("Keeps the old name", n.stay)}</dl></>;
}

function Rename({ view, done, leave }: { view: View; done: () => void; leave: () => void }) {
  const [to, setTo] = useState("");
  const [why, setWhy] = useState("");
  const [would, setWould] = useState<Effect | null>(null);
  const [error, setError] = useState<Problem | null>(null);
  const send = (more: object) => call<View>("POST", of(view.config.name) + "/name", { to: to.trim(), ...more }, undefined, view.version);
  const widens = would?.accounts.some((a) => a.more > 0);
  return (
    <form class="decide" onSubmit={(ev) => { ev.preventDefault(); if (!would) send({ check: true }).then((v) => { setWould(v.effect!); setError(null); }, setError); else send({ why, confirm: true }).then(done, setError); }}>
      <h2>Rename {visible(view.config.name)}</h2>
      <label>New name<input value={to} required maxLength={100} autocomplete="off" onInput={(ev) => { setTo(ev.currentTarget.value); setWould(null); }} /></label>
      {error && <Trouble error={error} />}
      {would && <><Touches effect={would} /><Why value={why} set={setWhy} /></>}
      <p>
        {would ? <button type="submit" disabled={!why.trim()}>{widens ? "Rename it, and let them see more" : "Rename it"}</button> : <button type="submit" disabled={!to.trim()}>See what that does</button>}
        {error?.status === 412 && <button type="button" class="quiet" onClick={done}>Look at it again</button>}
        <button type="button" class="quiet" onClick={leave}>Leave it</button>
      </p>
    </form>
  );
}

function Edit({ view, done, leave }: { view: View | null; done: () => void; leave: () => void }) {
  const [config, setConfig] = useState<Config>(view?.config || { name: "", subnets: [] });
  const [subnets, setSubnets] = useState((view?.config.subnets || []).join("\n"));
  const [why, setWhy] = useState("");
  const [would, setWould] = useState<Effect | null>(null);
  const [error, setError] = useState<Problem | null>(null);
  const set = (part: Partial<Config>) => { setConfig((c) => ({ ...c, ...part })); setWould(null); };
  const send = (more: object) => call<View>(view ? "PUT" : "POST", view ? of(config.name) : "/settings/zones", { config: { ...config, subnets: subnets.split(/[\s,]+/).filter(Boolean) }, ...more }, undefined, view?.version);
  const pick = (label: string, key: "level" | "criticality" | "confidentiality", list: string[]) => <label>{label}<select value={config[key] || ""} onChange={(ev) => set({ [key]: ev.currentTarget.value })}>{list.map((v) => <option key={v} value={v}>{v || "not said"}</option>)}</select></label>;
  const widens = would?.accounts.some((a) => a.more > 0);
  return (
    <form class="decide" onSubmit={(ev) => { ev.preventDefault(); if (!would) send({ check: true }).then((v) => { setWould(v.effect!); setError(null); }, setError); else send({ why, confirm: true }).then(done, setError); }}>
      <h2>{view ? "Change " + visible(config.name) : "Add a zone"}</h2>
      {!view && <label>Name<input value={config.name} required maxLength={100} autocomplete="off" onInput={(ev) => set({ name: ev.currentTarget.value })} /></label>}
      <label>Subnets, one a line, such as 10.1.0.0/16<textarea rows={3} spellcheck={false} value={subnets} onInput={(ev) => { setSubnets(ev.currentTarget.value); setWould(null); }} /></label>
      {pick("Purdue level", "level", levels)}{pick("Criticality of devices that have none of their own", "criticality", grades)}{pick("Confidentiality of its events", "confidentiality", labels)}
      {error && <Trouble error={error} />}
      {would && <><Touches effect={would} /><Why value={why} set={setWhy} /></>}
      <p>
        {would ? <button type="submit" disabled={!why.trim()}>{widens ? "Set it, and let them see more" : "Set it"}</button> : <button type="submit" disabled={!config.name.trim() || !subnets.trim()}>See what that does</button>}
        {error?.status === 412 && <button type="button" class="quiet" onClick={done}>Look at it again</button>}
        <button type="button" class="quiet" onClick={leave}>Leave it</button>
      </p>
    </form>
  );
}

function Remove({ view, done, leave }: { view: View; done: () => void; leave: () => void }) {
  const ask = (more: Record<string, string>) => call<View>("DELETE", of(view.config.name) + "?" + new URLSearchParams(more), undefined, undefined, view.version);
  const would = useLoad(() => ask({ check: "true" }), []);
  const [why, setWhy] = useState("");
  const [error, setError] = useState<Problem | null>(null);
  return (
    <form class="decide" onSubmit={(ev) => { ev.preventDefault(); ask({ why, confirm: "true" }).then(done, setError); }}>
      <h2>Remove {visible(view.config.name)}</h2>
      <Show of={would}>{(d) => <Touches effect={d.effect!} />}</Show>
      {error && <Trouble error={error} />}
      <Why value={why} set={setWhy} />
      <p><button type="submit" disabled={!why.trim() || !would.data}>Remove</button><button type="button" class="quiet" onClick={leave}>Leave it</button></p>
    </form>
  );
}
