import { signal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Problem, stream, type Answer, type Chart, type Evidence, type Sentence } from "../api";
import { may, me } from "../me";
import { place, set } from "../route";
import { cell, number, sentence, visible } from "../show";
import { Bars, fill, TimeChart, type Series } from "../parts/chart";
import { EvidenceTable, saveAnswer } from "./ask-evidence";
import { Reading } from "./ask-reading";

interface Turn { id: number; question: string; answer?: Answer; said?: Sentence[]; error?: Problem; stop?: AbortController }

// The conversation stays while the person looks at other pages.
const turns = signal<Turn[]>([]);
let conversation = "", next = 0;

async function ask(question: string, fresh: boolean) {
  question = question.trim();
  if (!question) return;
  if (fresh) conversation = "";
  const turn: Turn = { id: ++next, question, stop: new AbortController() };
  turns.value = [turn, ...turns.value];
  const done = (t: Partial<Turn>) => { turns.value = turns.value.map((x) => x.id === turn.id ? { ...x, stop: undefined, ...t } : x); };
  try {
    let answer: Answer | undefined;
    await stream("/ask", { question, follow: conversation }, turn.stop!.signal, (event, data) => {
      if (event === "done") answer = data as Answer;
      else turns.value = turns.value.map((x) => x.id === turn.id ? { ...x, said: [...(x.said || []), data as Sentence] } : x);
    });
    if (!answer) throw new Problem(0, "the answer broke off", "ask again");
    conversation = answer.conversation;
    done({ answer });
  } catch (err) {
    if (turn.stop!.signal.aborted) { turns.value = turns.value.filter((x) => x.id !== turn.id); return; }
    if (err instanceof Problem && err.status === 404) conversation = "";
    done({ error: err instanceof Problem ? err : new Problem(0, String(err)) });
  }
}

/** Ask answers questions in plain words, each sentence with its evidence. */
export function Ask() {
  const [text, setText] = useState("");
  const box = useRef<HTMLInputElement>(null);
  const q = place.value.params.get("q");
  useEffect(() => {
    if (!q) return;
    set({ q: "" }, true);
    void ask(q, true);
  }, [q]);
  const list = turns.value;
  const waiting = list.find((t) => t.stop);
  const submit = (t: string, fresh = false) => { setText(""); void ask(t, fresh); };
  return (
    <div class="page">
      <h1>Ask</h1>
      <form class="bar" onSubmit={(ev) => { ev.preventDefault(); submit(text); }}>
        <input ref={box} value={text} onInput={(ev) => setText(ev.currentTarget.value)} maxLength={2000} autocomplete="off" spellcheck={false} enterkeyhint="send" aria-label={list.length ? "Follow up, or ask something else" : "Your question"} placeholder={list.length ? "Follow up, such as: and yesterday?" : "Which devices \u2026"} />
        <button type="submit">Ask</button>
        {waiting && <button type="button" class="quiet" onClick={() => waiting.stop!.abort()}>Stop</button>}
        {list.length > 0 && <button type="button" class="quiet" onClick={() => { turns.value = []; conversation = ""; box.current!.focus(); }}>New conversation</button>}
      </form>
      {!list.length && (
        <section class="examples" aria-label="Examples">
          <p class="soft">Each sentence of an answer names the evidence it stands on. Examples:</p>
          <ul>{(me.value?.examples?.length ? me.value.examples : examples).map((e) => <li key={e}><button type="button" class="chip" onClick={() => submit(e, true)}>{e}</button></li>)}</ul>
        </section>
      )}
      <div aria-live="polite">{list.map((t) => <TurnView key={t.id} t={t} again={submit} />)}</div>
    </div>
  );
}

const examples = [
  "Show me unusual communication patterns from industrial sensors over the past 24 hours", "Which sources have the most failed logins in the past 24 hours?",
  "Which devices wrote to PLCs in the past 7 days?", "Which devices are new in the last 7 days?", "Show failed logins per hour over the past 24 hours",
];

const words: Record<string, string> = { answered: "Answered", partly: "Partly answered", not_understood: "Not understood", refused: "Refused" };

function TurnView({ t, again }: { t: Turn; again: (q: string, fresh?: boolean) => void }) {
  const a = t.answer;
  return (
    <article class="turn" aria-busy={Boolean(t.stop)}>
      <h2>{t.question}</h2>
      {t.stop && <p class="soft busy">{t.said ? "The sentences so far, each checked; a model may still add some" : "Reading, asking the store, checking each sentence"}</p>}
      {t.stop && t.said && <Says list={t.said} known={new Set()} id="" />}
      {t.error && <div class="trouble"><p>{sentence(t.error.message)}</p>{t.error.hint && <p class="soft">{sentence(t.error.hint)}</p>}</div>}
      {a && <AnswerView a={a} id={"t" + t.id} again={again} />}
    </article>
  );
}

function AnswerView({ a, id, again }: { a: Answer; id: string; again: (q: string, fresh?: boolean) => void }) {
  const known = new Set(a.evidence.map((e) => e.id));
  const cost = a.used?.cost ? ", " + a.used.cost.toFixed(4) + " " + (a.used.currency || "") : "";
  return (
    <>
      <p class="soft"><strong class={"state " + a.status}>{words[a.status] || a.status}</strong>{a.read_as && a.status !== "not_understood" && <> Read as: {visible(a.read_as)}</>}</p>
      {a.status !== "not_understood" && a.evidence.slice(0, 1).map((e) => may("events.read") && <Reading key={e.id} text={e.query} />)}
      <Says list={a.answer} known={known} id={id} />
      {a.chart && <ChartView c={a.chart} evidence={a.evidence} />}
      {a.evidence.map((e) => <EvidenceView key={e.id} e={e} id={id + e.id} />)}
      {(a.suggestions || []).length > 0 && (
        <section class="next"><h3>{a.status === "not_understood" ? "What can be asked" : "Ask next"}</h3>
          <ul>{a.suggestions!.map((s) => <li key={s}><button type="button" class="chip" onClick={() => again(s, a.status === "not_understood")}>{visible(s)}</button></li>)}</ul></section>
      )}
      {(a.model_notes || []).map((n, i) => <p key={i} class="soft">{sentence(visible(n))}</p>)}
      <p class="foot">
        {a.planner?.name && <>The question was read by {a.planner.name} ({a.planner.location}). </>}
        {a.model.location === "built-in" ? "Answered by the built-in engine, without a language model" : <>Answered by the built-in engine; sentences marked model by {a.model.name} ({a.model.location})</>}, in {a.seconds.toFixed(2)} s.
        {a.used && <> The model was asked {a.used.calls === 1 ? "once" : number(a.used.calls) + " times"}: {number(a.used.tokens_in)} tokens in, {number(a.used.tokens_out)} out{cost}.</>} <button type="button" class="link" onClick={() => saveAnswer(a)}>Save the answer with its evidence</button>
      </p>
    </>
  );
}

/** Says is the sentences of an answer, with what each stands on. */
function Says({ list, known, id }: { list: Sentence[]; known: Set<string>; id: string }) {
  const show = (e: string) => { const el = document.getElementById(id + e); el?.scrollIntoView({ block: "nearest" }); el?.focus(); };
  return (
    <ul class="says">{list.map((s, i) => (
      <li key={i} class={s.status === "verified" ? "" : "unsupported"}>
        <span class="mark" aria-hidden="true" title={s.status === "verified" ? "Checked against the evidence" : "Not supported by the evidence"}>{s.status === "verified" ? "\u2713" : "?"}</span>
        <span>
          <span class="sr">{s.status === "verified" ? "Checked: " : "Not supported by evidence: "}</span>{visible(s.text)}
          {s.by === "model" && <span class="by">model</span>}
          {(s.evidence || []).filter((e) => known.has(e)).map((e) => <a key={e} class="cite" href={"#" + id + e} onClick={(ev) => { ev.preventDefault(); show(e); }}>{e}</a>)}
        </span>
      </li>
    ))}</ul>
  );
}

function EvidenceView({ e, id }: { e: Evidence; id: string }) {
  return <section class="proof" id={id} tabIndex={-1} aria-label={"Evidence " + e.id}><EvidenceTable e={e} title={"Evidence " + e.id} /></section>;
}

function ChartView({ c, evidence }: { c: Chart; evidence: Evidence[] }) {
  const e = evidence.find((x) => x.id === c.evidence);
  const before = evidence.find((x) => x.id === c.before);
  const line = useMemo(() => {
    if (!e || c.kind !== "line") return null;
    const points = (ev: Evidence) => ev.rows.map((r) => ({ t: Date.parse(String(r[c.x[0]])) / 1000, n: Number(r[c.y] || 0) })).filter((p) => !isNaN(p.t));
    const now = fill(points(e), c.width || 3600);
    if (now.times.length < 2) return null;
    const series: Series[] = [{ label: c.y, values: now.values }];
    if (before && c.shift) {
      const was: (number | null)[] = now.times.map(() => 0);
      for (const p of points(before)) { const i = Math.floor((p.t + c.shift - now.times[0]) / now.step); if (i >= 0 && i < was.length) was[i] = (was[i] || 0) + p.n; }
      series.push({ label: c.y + " before", values: was, line: true });
    }
    return { times: now.times, series, step: now.step };
  }, [c, e]);
  if (!e) return null;
  if (line) return <TimeChart times={line.times} series={line.series} width={line.step} label={c.y + " over time, from evidence " + c.evidence} />;
  if (c.kind === "line") return null;
  const rows = e.rows.map((r) => ({ name: c.x.map((x) => cell(r[x], x)).filter(Boolean).join(" \u00b7 ") || "\u2013", value: Number(r[c.y] || 0), before: c.before && !before ? Number(r[c.before] || 0) : undefined }));
  return <figure class="chart"><Bars rows={rows} /><figcaption>{c.y}, from evidence {c.evidence}{c.before && !before ? "; the marks are the period before" : ""}</figcaption></figure>;
}
