// The notebook of an incident: what people wrote in order, with what they asked
// the store and what it answered then. Texts of people and devices are shown as
// text.
import { useState } from "preact/hooks";
import { Problem, type IncidentView } from "../api";
import { mayDecide } from "../me";
import { clock, number, plural, visible } from "../show";
import { Trouble } from "../parts/load";
import { decideOn, Undo } from "./casework";

type Note = NonNullable<IncidentView["notes"]>[number];

/** Notebook is the notes of an incident, the oldest first, and a form for one more. */
export function Notebook({ d, checks, reload }: { d: IncidentView; checks: { title: string; query: string }[]; reload: () => void }) {
  const [text, setText] = useState("");
  const [asks, setAsks] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Problem | null>(null);
  const notes = d.notes || [];
  if (!notes.length && !mayDecide(d)) return null;
  const send = () => {
    setBusy(true);
    decideOn(d.uid, { action: "note", text, ...(asks.trim() && { query: asks.trim() }) }).then(() => { setError(null); setText(""); setAsks(""); reload(); }, setError).finally(() => setBusy(false));
  };
  return (
    <section aria-labelledby="notes" class="notebook">
      <h2 id="notes">Notebook</h2>
      {notes.length > 0 && <ol class="plain notes">{notes.map((n) => (
        <li key={n.id}><p>{visible(n.text)}</p>
          {n.result && <Result n={n} />}
          <span class="soft">{visible(n.by)}, <time dateTime={n.at}>{clock(n.at)}</time></span>{mayDecide(d) && <> <Undo id={n.id} reload={reload} /></>}</li>
      ))}</ol>}
      {mayDecide(d) && <form class="decide" onSubmit={(ev) => { ev.preventDefault(); if (text.trim()) send(); }}>
        <label>New note<textarea value={text} rows={3} maxLength={4096} onInput={(ev) => setText(ev.currentTarget.value)} placeholder="what others should know" /></label>
        <label>Query to run and keep with it<input class="mono" value={asks} maxLength={2048} spellcheck={false} autocomplete="off" onInput={(ev) => setAsks(ev.currentTarget.value)} placeholder="none" /></label>
        {checks.length > 0 && !asks && <p class="chips">{checks.map((c) => <button type="button" class="chip" key={c.title} onClick={() => { setAsks(c.query); if (!text.trim()) setText(c.title); }}>{c.title}</button>)}</p>}
        {error && <Trouble error={error} />}
        <p><button type="submit" disabled={busy || !text.trim()}>Write it</button> {asks.trim() && <span class="soft">The answer of now is kept as evidence.</span>}</p>
      </form>}
    </section>
  );
}

// Result is what the store answered when the note was written. The query can be
// run again: the answer may be another by now.
function Result({ n }: { n: Note }) {
  const r = n.result!;
  return (
    <div class="proof">
      <div class="proof-head"><span class="soft">{r.rows.length < r.total ? number(r.rows.length) + " of " + plural(r.total, "row") : plural(r.total, "row")}, as of {clock(r.at)}</span><a href={"/events?" + new URLSearchParams({ q: n.query!, last: "all" })}>Run it again</a></div>
      <code class="query">{visible(n.query)}</code>
      {r.rows.length > 0 && <div class="scroll" tabIndex={0} role="region" aria-label={"What was answered to " + visible(n.query)}><table><thead><tr>{r.columns.map((c) => <th key={c} scope="col">{visible(c)}</th>)}</tr></thead>
        <tbody>{r.rows.map((row, i) => <tr key={i}>{r.columns.map((c, k) => <td key={c}>{visible(row[k] || "\u2013")}</td>)}</tr>)}</tbody></table></div>}
    </div>
  );
}
