import { useState } from "preact/hooks";
import { call, get, Problem, type Page } from "../api";
import { may } from "../me";
import { bytes, clock, isTime, number, plural, visible } from "../show";
import { Show, Trouble, useLoad } from "../parts/load";
import { Rows } from "../parts/rows";
import { Touches, type Effect as ZoneEffect } from "./settings-zones";

interface By { version: number; by: string; at: string; why?: string }
interface Setting { value: string; default: string; origin: string; place?: string; fixed: boolean; kept?: string; by?: By }
interface Effect { kept_from?: string; days: number; events: number; anyway: number; bytes: number; oldest?: string }
interface Kept { version: number; events: Setting; disk: Setting; effect: Effect }

/** Origin says where a value comes from, and why it cannot be changed here. */
export function Origin({ of }: { of: { origin: string; place?: string; fixed: boolean; kept?: string; by?: By } }) {
  if (of.fixed) return <span class="soft">from the configuration{of.place ? <>, <code class="break">{visible(of.place)}</code></> : ""}: change it there{of.kept ? `; ${of.kept} was set here and does not count` : ""}</span>;
  if (of.by) return <span class="soft">set by {visible(of.by.by)}, {clock(of.by.at)}{of.by.why ? ": " + visible(of.by.why) : ""}</span>;
  return <span class="soft">the default</span>;
}

/** Why asks for the reason of a change. */
export function Why({ value, set }: { value: string; set: (v: string) => void }) {
  return <label>Why; it is kept with the change<input value={value} required maxLength={500} onInput={(ev) => set(ev.currentTarget.value)} /></label>;
}

// gone says what a change drops beyond what goes anyway.
const gone = (e: Effect) => e.events - e.anyway;
const day = (t?: string) => isTime(t) ? clock(t).slice(0, 10) : "";

function Drops({ effect }: { effect: Effect }) {
  if (!effect.events) return <p role="status">Nothing that is stored would be dropped.</p>;
  return <p role="status" class={gone(effect) > 0 ? "warn" : ""}>The next maintenance drops {plural(effect.events, "event")} of before {day(effect.kept_from)}{effect.anyway ? `; ${number(effect.anyway)} of them go anyway` : ""}. They cannot be brought back.</p>;
}

/** Retention is how long events are kept. */
export function Retention() {
  const got = useLoad((s) => get<Kept>("/settings/retention", s), []);
  return <Show of={got}>{(d) => (
    <>
      <dl class="fields">
        <dt>Events are kept for</dt><dd>{visible(d.events.value)} <Origin of={d.events} /></dd>
        <dt>Size at which the oldest days go</dt><dd>{visible(d.disk.value)} <Origin of={d.disk} /></dd>
        <dt>The data directory has</dt><dd>{bytes(d.effect.bytes)}</dd>
        <dt>Oldest event</dt><dd>{isTime(d.effect.oldest) ? clock(d.effect.oldest) : "none"}</dd>
      </dl>
      {d.effect.events > 0 && <Drops effect={d.effect} />}
      {may("settings.write") ? d.events.fixed && d.disk.fixed ? <p class="soft">Both are in the configuration and are changed there.</p> : <Change of={d} key={d.version} done={got.reload} /> : <p class="soft">Administrators can change this.</p>}
    </>
  )}</Show>;
}

function Change({ of, done }: { of: Kept; done: () => void }) {
  const [events, setEvents] = useState(of.events.value);
  const [disk, setDisk] = useState(of.disk.value);
  const [why, setWhy] = useState("");
  const [would, setWould] = useState<Kept | null>(null);
  const [error, setError] = useState<Problem | null>(null);
  const wish = { ...(of.events.fixed || events === of.events.value ? {} : { events }), ...(of.disk.fixed || disk === of.disk.value ? {} : { disk }) };
  const nothing = Object.keys(wish).length === 0;
  const put = (more: object) => call<Kept>("PUT", "/settings/retention", { ...wish, ...more }, undefined, of.version);
  const check = () => put({ check: true }).then((k) => { setWould(k); setError(null); }, (e) => { setError(e); setWould(null); });
  const edit = (set: (v: string) => void) => (ev: { currentTarget: HTMLInputElement }) => { set(ev.currentTarget.value); setWould(null); };
  return (
    <form class="decide" onSubmit={(ev) => { ev.preventDefault(); if (!would) { void check(); return; } put({ why, confirm: true }).then(done, setError); }}>
      <h2>Change it</h2>
      {!of.events.fixed && <label>Keep events for, such as 90d; empty for {of.events.default}<input value={events} autocomplete="off" onInput={edit(setEvents)} /></label>}
      {!of.disk.fixed && <label>Drop the oldest days above, such as 100GB; empty for {of.disk.default}<input value={disk} autocomplete="off" onInput={edit(setDisk)} /></label>}
      {error && <Trouble error={error} />}
      {would && <><Drops effect={would.effect} /><Why value={why} set={setWhy} /></>}
      <p>
        {would ? <button type="submit" disabled={!why.trim()}>{gone(would.effect) > 0 ? `Set it and drop ${plural(gone(would.effect), "event")}` : "Set it"}</button> : <button type="submit" disabled={nothing}>See what that does</button>}
        {would && <button type="button" class="quiet" onClick={() => setWould(null)}>Back</button>}
        {error?.status === 412 && <button type="button" class="quiet" onClick={done}>Look at it again</button>}
      </p>
    </form>
  );
}

interface Version { version: number; at: string; by: string; why?: string; action: string; object: string; before?: string; after?: string }
interface Undone { version: number; changes: string[]; effect?: Effect; zones?: ZoneEffect; loosens?: string[] }

/** History is who changed which setting, and the way back. */
export function History() {
  const got = useLoad((s) => get<Page<Version>>("/settings/history?limit=500", s), []);
  const [back, setBack] = useState<number | null>(null);
  return <Show of={got}>{(d) => d.rows.length ? (
    <>
      {back !== null && <Undo to={back} seen={d.rows[0].version} done={() => { setBack(null); got.reload(); }} leave={() => setBack(null)} />}
      <Rows heads={["Version", "Time", "Who", "What", "Of", "Why", "Before", "After", ""]} rows={d.rows.map((v) => [
        number(v.version), clock(v.at), visible(v.by), v.action.replace("settings.", "").replaceAll("_", " "), visible(v.object), visible(v.why || ""), <code class="break">{visible(v.before || "")}</code>, <code class="break">{visible(v.after || "")}</code>,
        may("settings.write") && <button type="button" class="link" onClick={() => setBack(v.version - 1)}>Back to before it</button>,
      ])} />
    </>
  ) : <p class="none">Nothing was changed here yet. <span class="soft">What the configuration says is no change.</span></p>}</Show>;
}

function Undo({ to, seen, done, leave }: { to: number; seen: number; done: () => void; leave: () => void }) {
  const got = useLoad(() => call<Undone>("POST", "/settings/undo", { version: to, check: true }, undefined, seen), [to]);
  const [why, setWhy] = useState("");
  const [error, setError] = useState<Problem | null>(null);
  return (
    <form class="decide" onSubmit={(ev) => { ev.preventDefault(); call("POST", "/settings/undo", { version: to, why, confirm: true }, undefined, seen).then(done, setError); }}>
      <h2>{to ? `Back to version ${to}` : "Back to the configuration alone"}</h2>
      <Show of={got}>{(d) => <><ul class="plain">{d.changes.map((c, i) => <li key={i}>{visible(c)}</li>)}</ul>{d.effect && gone(d.effect) > 0 && <Drops effect={d.effect} />}{d.zones && <Touches effect={d.zones} />}{d.loosens?.map((l, i) => <p key={i} class="warn">This lets data go further: {visible(l)}</p>)}</>}</Show>
      {error && <Trouble error={error} />}
      <Why value={why} set={setWhy} />
      <p><button type="submit" disabled={!why.trim() || !got.data}>Go back</button><button type="button" class="quiet" onClick={leave}>Leave it</button></p>
    </form>
  );
}
