import { useState } from "preact/hooks";
import { call, get, Problem } from "../api";
import { may } from "../me";
import { visible } from "../show";
import { Show, Trouble, useLoad } from "../parts/load";
import { Rows } from "../parts/rows";
import { Origin, Why } from "./settings-kept";

interface By { version: number; by: string; at: string; why?: string }
interface Setting { value: string; default: string; origin: string; place?: string; fixed: boolean; kept?: string; by?: By }
interface Limit { key: string; about: string; live: boolean; setting: Setting }
interface Limits { version: number; limits: Limit[]; notes: string[] }

/** LimitSettings are what bounds queries, devices and what waits to be stored. */
export function LimitSettings() {
  const got = useLoad((s) => get<Limits>("/settings/limits", s), []);
  return <Show of={got}>{(d) => (
    <>
      <Rows heads={["Limit", "Value", "Default", "What it bounds", "Set"]} rows={d.limits.map((l) => [l.key, visible(l.setting.value), visible(l.setting.default), l.about, l.live || l.setting.place ? <Origin of={l.setting} /> : <span class="soft">{l.setting.origin === "default" ? "the default" : ""}</span>])} />
      <Notes of={d.notes} />
      {may("settings.write") ? <Change of={d} key={d.version} done={got.reload} /> : <p class="soft">Administrators can change them.</p>}
    </>
  )}</Show>;
}

function Notes({ of: list }: { of: string[] }) {
  return <>{list.map((n, i) => <p key={i} class="warn">{visible(n)}</p>)}</>;
}

function Change({ of, done }: { of: Limits; done: () => void }) {
  const free = of.limits.filter((l) => l.live && !l.setting.fixed);
  const [values, setValues] = useState<Record<string, string>>(() => Object.fromEntries(free.map((l) => [l.key, l.setting.value])));
  const [why, setWhy] = useState("");
  const [would, setWould] = useState<Limits | null>(null);
  const [error, setError] = useState<Problem | null>(null);
  const wish = Object.fromEntries(free.filter((l) => values[l.key].trim() !== l.setting.value).map((l) => [l.key, values[l.key].trim()]));
  const put = (more: object) => call<Limits>("PUT", "/settings/limits", { set: wish, ...more }, undefined, of.version);
  if (!free.length) return <p class="soft">All are in the configuration and are changed there.</p>;
  return (
    <form class="decide" onSubmit={(ev) => { ev.preventDefault(); if (!would) put({ check: true }).then((l) => { setWould(l); setError(null); }, setError); else put({ why, confirm: true }).then(done, setError); }}>
      <h2>Change them</h2>
      {free.map((l) => <label key={l.key}>{l.key}: {l.about}; empty for {l.setting.default}<input value={values[l.key]} autocomplete="off" onInput={(ev) => { const v = ev.currentTarget.value; setValues((o) => ({ ...o, [l.key]: v })); setWould(null); }} /></label>)}
      {error && <Trouble error={error} />}
      {would && <div role="status"><Notes of={would.notes} />{!would.notes.length && <p>Nothing is refused by that now.</p>}<Why value={why} set={setWhy} /></div>}
      <p>
        {would ? <button type="submit" disabled={!why.trim()}>{would.notes.length ? "Set it all the same" : "Set it"}</button> : <button type="submit" disabled={!Object.keys(wish).length}>See what that does</button>}
        {would && <button type="button" class="quiet" onClick={() => setWould(null)}>Back</button>}
        {error?.status === 412 && <button type="button" class="quiet" onClick={done}>Look at it again</button>}
      </p>
    </form>
  );
}
