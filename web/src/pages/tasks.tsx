// Tasks are what people took on against vulnerabilities. A person says when it is
// done; that it is, is seen of the devices. Texts of people are shown as text.
import { useState } from "preact/hooks";
import { get, post, Problem, type Page } from "../api";
import { may, me } from "../me";
import { place, set } from "../route";
import { clock, isTime, number, plural, sentence, visible } from "../show";
import { Grid, type Column } from "../parts/grid";
import { Show, Trouble, useLoad } from "../parts/load";
import { decided } from "../parts/status";

interface Task {
  uid: string; action: string; title: string; state: string; decision: string; owner?: string; due?: string; due_why?: string; from?: string; until?: string; done?: string; done_by?: string;
  overdue: boolean; archived?: boolean; verified_subjects: number; affected_subjects: number; doubted_subjects: number; before?: unknown; accepted?: { why: string; until: string; by: string };
  subjects: { id: string; state: string; version?: string; at?: string; source?: string; why?: string }[] | null; names: Record<string, string> | null;
  notes: { at: string; by: string; text: string }[] | null; history: { at: string; by: string; what: string; why?: string }[] | null;
}

const words = (s: string) => s.replace(/_/g, " ");
const day = (t?: string) => isTime(t) ? t!.slice(0, 10) : "";
const marks: Record<string, string> = { verified: "\u2713", reopened: "\u25b2", said_done: "?", accepted: "\u2013" };
const State = ({ of }: { of: string }) => <span class={of === "reopened" ? "warn" : ""}><span aria-hidden="true">{marks[of] || "\u25cb"}</span> {words(of)}</span>;
const states = ["open", "planned", "in_progress", "said_done"];
const says: Record<string, string> = { open: "Set open", planned: "Planned", in_progress: "Begun", said_done: "Say it is done" };

/** ActionTask is what somebody took on for an action of the plan, or a way to take it on. */
export function ActionTask({ action, task, changed }: { action: string; task?: string; changed?: () => void }) {
  const [opened, setOpened] = useState("");
  const [trouble, setTrouble] = useState<Problem | null>(null);
  const uid = task || opened;
  if (uid) return <TaskView uid={uid} changed={changed} />;
  if (!may("vulnerabilities.write")) return <p class="soft">Nobody has taken it on.</p>;
  const open = () => post<Task>("/remediations", { action, owner: "me" }).then((t) => { setTrouble(null); setOpened(t.uid); changed?.(); }, setTrouble);
  return <section class="decide">{trouble && <Trouble error={trouble} />}<p><button type="button" onClick={open}>Take it on</button> <span class="soft">A task with an owner and a due date, closed when the devices are seen mended.</span></p></section>;
}

/** TaskView is one task: who, by when, what was seen, and what persons may say of it. */
export function TaskView({ uid, changed }: { uid: string; changed?: () => void }) {
  const at = "/remediations/" + encodeURIComponent(uid);
  const got = useLoad((s) => get<Task>(at, s), [uid], 30000);
  const [trouble, setTrouble] = useState<Problem | null>(null);
  const decide = (what: Record<string, unknown>) => post(at + "/decisions", what).then(() => { setTrouble(null); got.reload(); changed?.(); return true; }, (e) => { setTrouble(e); return false; });
  const order = (o: Record<string, unknown>) => decide({ action: "set", order: o });
  return (
    <Show of={got}>{(t) => (
      <section aria-labelledby="task">
        <h3 id="task">Task</h3>
        <dl class="fields facts">
          <dt>State</dt><dd><State of={t.state} />{t.overdue && <strong class="warn">, overdue</strong>}{t.state === "said_done" && <span class="soft"> by {visible(t.done_by || "")}: it closes when the devices are seen mended</span>}</dd>
          <dt>Owner</dt><dd>{t.owner ? visible(t.owner) : <span class="soft">nobody</span>}</dd>
          <dt>Due</dt><dd>{isTime(t.due) ? <>{day(t.due)} <span class="soft">{visible(t.due_why || "")}</span></> : <span class="soft">no date</span>}</dd>
          {isTime(t.from) && <><dt>Window</dt><dd>{clock(t.from!)} to {clock(t.until!)}</dd></>}
          {t.accepted && t.state === "accepted" && <><dt>Accepted</dt><dd>until {day(t.accepted.until)} by {visible(t.accepted.by)}: {visible(t.accepted.why)}</dd></>}
          <dt>Seen</dt><dd>{number(t.verified_subjects)} of {plural((t.subjects || []).length, "device")} mended{t.affected_subjects > 0 && `, ${number(t.affected_subjects)} still affected`}{t.doubted_subjects > 0 && <span class="warn">, {number(t.doubted_subjects)} long after it was said to be done</span>}</dd>
        </dl>
        {trouble && <Trouble error={trouble} />}
        {t.archived && <p class="soft">In the archive: verified long ago. If a device is affected again, the plan says so.</p>}
        {may("vulnerabilities.write") && !t.archived && <Decide t={t} order={order} undo={() => decide({ action: "undo" })} />}
        <p><a href={"/api/v1" + at + "/ticket"} download>Ticket text</a></p>
        <ul class="bullets">{(t.subjects || []).slice(0, 100).map((s) => <li key={s.id}>{visible(t.names?.[s.id] || s.id)}: {words(s.state)}{s.version && ", " + visible(s.version)}{isTime(s.at) && ", " + clock(s.at!)} <span class="soft">{visible(s.why || "")}</span></li>)}</ul>
        <Notes t={t} write={(text) => decide({ action: "note", text })} />
        <details><summary>History</summary><ul class="bullets">{(t.history || []).map((c, i) => <li key={i}>{clock(c.at)} {visible(c.by)}: {visible(c.what)} <span class="soft">{visible(c.why || "")}</span></li>)}</ul></details>
      </section>
    )}</Show>
  );
}

/** Decide is what a person may say of a task. */
function Decide({ t, order, undo }: { t: Task; order: (o: Record<string, unknown>) => Promise<boolean>; undo: () => void }) {
  const [owner, setOwner] = useState(t.owner || ""), [due, setDue] = useState(day(t.due)), [why, setWhy] = useState(""), [until, setUntil] = useState("");
  const zulu = (d: string) => d ? d + "T00:00:00Z" : "0001-01-01T00:00:00Z";
  return (
    <div class="decide">
      {t.state !== "verified" && <p>{states.filter((s) => s !== t.state).map((s) => <button key={s} type="button" class={s === "said_done" ? "" : "quiet"} onClick={() => void order({ state: s })}>{says[s]}</button>)}
        {t.owner !== me.value?.name && <button type="button" class="quiet" onClick={() => void order({ owner: "me" })}>Take it</button>}
        {Boolean(t.before) && <button type="button" class="quiet" onClick={undo}>Undo the last change</button>}</p>}
      <details><summary>Owner, date, or accept the risk</summary>
        <form onSubmit={(ev) => { ev.preventDefault(); void order({ ...(owner !== (t.owner || "") && { owner }), ...(due !== day(t.due) && { due: zulu(due) }) }); }}>
          <label>Owner<input value={owner} maxLength={200} autocomplete="off" onInput={(ev) => setOwner(ev.currentTarget.value)} /></label>
          <label>Due<input type="date" value={due} onInput={(ev) => setDue(ev.currentTarget.value)} /></label>
          <p><button type="submit" disabled={owner === (t.owner || "") && due === day(t.due)}>Set</button></p>
        </form>
        <form onSubmit={(ev) => { ev.preventDefault(); void order({ state: "accepted", why, accept_until: zulu(until) }).then((ok) => ok && setWhy("")); }}>
          <label>Why the risk is carried<input value={why} maxLength={1000} onInput={(ev) => setWhy(ev.currentTarget.value)} /></label>
          <label>Until<input type="date" value={until} onInput={(ev) => setUntil(ev.currentTarget.value)} /></label>
          <p><button type="submit" class="quiet" disabled={!why.trim() || !until}>Accept it until then</button></p>
        </form>
      </details>
    </div>
  );
}

function Notes({ t, write }: { t: Task; write: (text: string) => Promise<boolean> }) {
  const [text, setText] = useState("");
  return (
    <>
      {(t.notes || []).length > 0 && <ol class="plain notes">{t.notes!.map((n) => <li key={n.at}><p>{visible(n.text)}</p><span class="soft">{visible(n.by)}, <time dateTime={n.at}>{clock(n.at)}</time></span></li>)}</ol>}
      {may("vulnerabilities.write") && !t.archived && <form class="decide" onSubmit={(ev) => { ev.preventDefault(); void write(text).then((ok) => ok && setText("")); }}>
        <label>New note<textarea value={text} rows={2} maxLength={4096} onInput={(ev) => setText(ev.currentTarget.value)} /></label>
        <p><button type="submit" class="quiet" disabled={!text.trim()}>Write it</button></p>
      </form>}
    </>
  );
}

const filters: [string, string][] = [["active", "To be done"], ["overdue", "Overdue"], ["doubted", "Said done, still affected"], ["accepted", "Accepted"], ["verified", "Verified"], ["archived", "Archive"], ["", "All"]];

/** Tasks lists what was taken on. */
export function Tasks({ q }: { q: string }) {
  const p = place.value.params, state = p.get("state") ?? "active", mine = p.get("mine") === "1";
  const filter = new URLSearchParams({ ...(state && { state }), ...(mine && { owner: "me" }), ...(q && { q }) }).toString();
  const got = useLoad((s) => get<Page<Task>>("/remediations?limit=1000&" + filter, s), [filter], 30000);
  const at = p.get("open") || "";
  const columns: Column<Task>[] = [
    { key: "state", title: "State", draw: (t) => <State of={t.state} /> }, { key: "decision", title: "Decision", draw: (t) => decided(t.decision) },
    { key: "due", title: "Due", draw: (t) => <span class={t.overdue ? "warn" : ""}>{day(t.due) || "\u2013"}{t.overdue && " overdue"}</span> }, { key: "owner", title: "Owner", draw: (t) => visible(t.owner || "\u2013") },
    { key: "title", title: "What to do", wide: true, draw: (t) => sentence(visible(t.title)) }, { key: "seen", title: "Seen mended", num: true, draw: (t) => `${number(t.verified_subjects)} of ${number((t.subjects || []).length)}` },
  ];
  return (
    <>
      <p class="chips">{filters.map(([k, name]) => <button type="button" key={k} class="chip" aria-pressed={state === k} onClick={() => set({ state: k, open: "" })}>{name}</button>)}<button type="button" class="chip" aria-pressed={mine} onClick={() => set({ mine: mine ? "" : "1", open: "" })}>Mine</button></p>
      <Show of={got}>{(d) => {
        const rows = d.rows;
        if (!rows.length) return <p class="none">{q || state || mine ? "No task is like that." : "Nobody has taken anything on."} <span class="soft">Tasks are opened from what there is to do: <a href="/vulnerabilities">the plan</a>.</span></p>;
        const open = rows.find((t) => t.uid === at);
        return <div class="split"><div class="list">
          <p class="soft line">{plural(rows.length, "task")}, what is due first on top <a href="/api/v1/remediations?format=csv" download>Save CSV</a></p>
          <Grid label="Tasks" tall columns={columns} rows={rows} id={(t) => t.uid} chosen={at} open={(t) => set({ open: t.uid }, Boolean(at))} />
        </div>{open && <aside class="panel" aria-label="Task"><div class="head"><h2>{sentence(visible(open.title))}</h2><button type="button" class="quiet" onClick={() => set({ open: "" }, true)}>Close</button></div><TaskView key={open.uid} uid={open.uid} changed={got.reload} /></aside>}</div>;
      }}</Show>
    </>
  );
}
