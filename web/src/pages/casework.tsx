// What people do with an incident besides judging it: who has it, what they
// wrote, and the way out as a file. Texts of people are shown as text.
import { useState } from "preact/hooks";
import { get, post, Problem, type IncidentView, type Page } from "../api";
import { mayDecide, me } from "../me";
import { visible } from "../show";
import { Trouble, useLoad } from "../parts/load";

/** decideOn sends one decision on an incident. */
export const decideOn = (uid: string, what: Record<string, string>) => post("/incidents/" + encodeURIComponent(uid) + "/decisions", what);

/** take gives an incident to who sits here. */
export const take = (uid: string) => decideOn(uid, { action: "assign", to: "me" });

export const isMine = (i: { assignee: string }) => i.assignee !== "" && i.assignee === me.value?.name;

/** Owner is who has the incident, and to whom it can be given. */
export function Owner({ d, reload, error, setError }: { d: IncidentView; reload: () => void; error: Problem | null; setError: (e: Problem | null) => void }) {
  const [to, setTo] = useState("");
  const [giving, setGiving] = useState(false);
  const people = useLoad(async (s) => giving ? (await get<Page<{ name: string }>>("/incidents/people?limit=1000", s)).rows.map((x) => x.name) : [], [giving]);
  const send = (who: string) => decideOn(d.uid, { action: "assign", to: who }).then(() => { setError(null); setTo(""); setGiving(false); reload(); }, setError);
  return (
    <section class="decide" aria-labelledby="owner">
      <h2 id="owner">Assigned to</h2>
      <p>{d.assignee ? <strong>{visible(d.assignee)}</strong> : <span class="soft">Nobody</span>}</p>
      {error && <Trouble error={error} />}
      {mayDecide(d) && <>
        <p>
          {!isMine(d) && <button type="button" aria-keyshortcuts="e" onClick={() => void send("me")}>Take it</button>}
          <button type="button" class="quiet" aria-expanded={giving} onClick={() => setGiving(!giving)}>Give to …</button>
          {d.assignee && <button type="button" class="quiet" onClick={() => void send("nobody")}>Nobody</button>}
        </p>
        {giving && <form onSubmit={(ev) => { ev.preventDefault(); if (to.trim()) void send(to.trim()); }}>
          <label>Name<input list="people" value={to} maxLength={128} autocomplete="off" spellcheck={false} onInput={(ev) => setTo(ev.currentTarget.value)} /></label>
          <datalist id="people">{(people.data || []).map((x) => <option key={x} value={x} />)}</datalist>
          <p><button type="submit" disabled={!to.trim()}>Give</button></p>
        </form>}
      </>}
    </section>
  );
}

/** Files are ways to take the incident elsewhere; the journal tells who did. */
export function Files({ uid }: { uid: string }) {
  const to = (format: string) => "/api/v1/incidents/" + encodeURIComponent(uid) + "/export?format=" + format;
  return <><h2>Export</h2><ul class="plain"><li><a href={to("md")} download>Report as Markdown</a></li><li><a href={to("json")} download>All of it as JSON</a></li></ul></>;
}

/** Undo takes feedback or a note back, which is kept in the journal too. */
export function Undo({ id, reload }: { id: string; reload: () => void }) {
  const [error, setError] = useState<Problem | null>(null);
  return <>{error && <Trouble error={error} />}<button type="button" class="link" onClick={() => decideOn(id, { action: "undo", why: "taken back on the page of the incident" }).then(reload, setError)}>Undo</button></>;
}
