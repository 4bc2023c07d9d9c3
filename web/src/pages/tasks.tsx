import { useState } from "preact/hooks";
import { get, post, Problem } from "../api";
import { number, visible } from "../show";
import { Show, Trouble, useLoad } from "../parts/load";

interface Task {
  uid: string; title: string; state: string; owner?: string; due?: string; due_why?: string; from?: string; until?: string; overdue: boolean; verified_subjects: number; affected_subjects: number;
  subjects: { id: string; state: string; version?: string; at?: string; source?: string; why?: string }[] | null; names: Record<string, string> | null;
  notes: { at: string; by: string; text: string }[] | null; history: { at: string; by: string; what: string; why?: string }[] | null;
}

const words = (s: string) => s.replace(/_/g, " ");
const when = (t?: string) => t ? t.slice(0, 16).replace("T", " ") : "\u2013";

/** ActionTask is what somebody took on for an action of the plan, or a way to take it on. */
export function ActionTask({ action, task, changed }: { action: string; task?: string; changed?: () => void }) {
  const [trouble, setTrouble] = useState<Problem>();
  if (task) return <TaskView uid={task} changed={changed} />;
  const open = () => post("/remediations", { action }).then(() => { setTrouble(undefined); changed?.(); }, setTrouble);
  return <section class="task"><button type="button" onClick={open}>Open a task</button>{trouble && <Trouble error={trouble} />}</section>;
}

/** TaskView is one task: who, by when, what was seen, and what persons may say of it. */
export function TaskView({ uid, changed }: { uid: string; changed?: () => void }) {
  const at = "/remediations/" + encodeURIComponent(uid);
  const got = useLoad((s) => get<Task>(at, s), [uid]);
  const [trouble, setTrouble] = useState<Problem>();
  const [note, setNote] = useState("");
  const decide = (what: Record<string, unknown>) => post(at + "/decisions", what).then(() => { setTrouble(undefined); setNote(""); got.reload(); changed?.(); }, setTrouble);
  return (
    <Show of={got}>{(t) => (
      <section class="task">
        <h3>{visible(t.title)}</h3>
        <dl class="facts">
          <dt>State</dt><dd>{words(t.state)}{t.overdue && ", overdue"}</dd>
          <dt>Owner</dt><dd>{visible(t.owner || "nobody")}</dd>
          <dt>Due</dt><dd>{when(t.due).slice(0, 10)} <span class="soft">{visible(t.due_why || "")}</span></dd>
          {t.from && <><dt>Maintenance window</dt><dd>{when(t.from)} to {when(t.until)} UTC</dd></>}
          <dt>Seen</dt><dd>{number(t.verified_subjects)} of {number((t.subjects || []).length)} as they should be, {number(t.affected_subjects)} still affected</dd>
        </dl>
        <div class="tools">
          {["planned", "in_progress", "said_done"].filter((s) => s !== t.state && t.state !== "verified").map((s) => <button key={s} type="button" onClick={() => decide({ action: "set", order: { state: s } })}>{s === "said_done" ? "Say it is done" : "Set " + words(s)}</button>)}
          <button type="button" onClick={() => decide({ action: "set", order: { owner: "me" } })}>Take it</button>
          <button type="button" onClick={() => decide({ action: "undo" })}>Undo</button>
          <a href={"/api/v1" + at + "/ticket"} download={"vedette-task-" + t.uid + ".md"}>Ticket text</a>
        </div>
        {trouble && <Trouble error={trouble} />}
        <ul>{(t.subjects || []).slice(0, 50).map((s) => <li key={s.id}>{visible(t.names?.[s.id] || s.id)}: {words(s.state)}{s.version && ", " + visible(s.version)}{s.at && ", " + when(s.at)} <span class="soft">{visible(s.why || "")}</span></li>)}</ul>
        <form onSubmit={(ev) => { ev.preventDefault(); void decide({ action: "note", text: note }); }}>
          <label>Note <input value={note} onInput={(ev) => setNote(ev.currentTarget.value)} /></label> <button type="submit" disabled={!note.trim()}>Write</button>
        </form>
        <ul>{(t.notes || []).map((n) => <li key={n.at}>{when(n.at)} {visible(n.by)}: {visible(n.text)}</li>)}</ul>
        <details><summary>History</summary><ul>{(t.history || []).map((c, i) => <li key={i}>{when(c.at)} {visible(c.by)}: {visible(c.what)} <span class="soft">{visible(c.why || "")}</span></li>)}</ul></details>
      </section>
    )}</Show>
  );
}
