// How a question was read: the query that was asked of the store, as chips. Each
// can be changed or taken out, and the question asked again as query text.
import { useMemo, useState } from "preact/hooks";
import { query, type Evidence, type Table } from "../api";
import { clock, visible } from "../show";
import { Show, useLoad } from "../parts/load";
import { fill, TimeChart } from "../parts/chart";
import { EvidenceTable } from "./ask-evidence";

export type PartKind = "class" | "condition" | "time" | "stage" | "first";
export interface Part { kind: PartKind; text: string }

/** partsOf cuts text of the query language into what a person can change by itself. */
export function partsOf(text: string): Part[] {
  const out: Part[] = [];
  cut(text, "|").forEach((piece, i) => {
    if (i > 0) { out.push({ kind: "stage", text: piece }); return; }
    const words = cut(piece, " ");
    for (let k = 0; k < words.length; k++) {
      let w = words[k];
      const next = words[k + 1], low = w.toLowerCase();
      if ((low === "last" || low === "from" || low === "to") && next) { out.push({ kind: "time", text: w + " " + words[++k] }); continue; }
      if (low === "sequence") { out.push({ kind: "first", text: words.slice(k).join(" ") }); break; }
      if (k === 0 && low === "devices") { out.push({ kind: "first", text: w }); continue; }
      // "field exists", "field in …", "not …" and "a or b" are one each.
      if (low === "not" && next) { w += " " + words[++k]; }
      while (/^(exists|in|or|and)$/i.test(words[k + 1] || "") || /(^| )(in|or|and|not)$/i.test(w) && words[k + 1]) w += " " + words[++k];
      out.push({ kind: /^[a-z_]+$/.test(w) ? "class" : "condition", text: w });
    }
  });
  return out;
}

/** textOf puts the parts together again. */
export function textOf(parts: Part[]) {
  const of = (...kinds: PartKind[]) => parts.filter((p) => kinds.includes(p.kind)).map((p) => p.text.trim()).filter(Boolean);
  return [[...of("first"), ...of("class"), ...of("condition"), ...of("time")].join(" "), ...of("stage")].join(" | ");
}

// cut splits at a mark that is in no quotes and parentheses.
function cut(text: string, mark: string): string[] {
  const out: string[] = [];
  let from = 0, deep = 0, quoted = false;
  for (let i = 0; i <= text.length; i++) {
    const c = text[i];
    if (quoted) { if (c === "\\") i++; else if (c === '"') quoted = false; if (i < text.length) continue; }
    if (c === '"') quoted = true;
    else if (c === "(") deep++;
    else if (c === ")") deep--;
    else if (i >= text.length || c === mark && deep <= 0) { const piece = text.slice(from, i).trim(); if (piece) out.push(piece); from = i + 1; }
  }
  return out;
}

const kinds: Record<PartKind, string> = { first: "asks", class: "class", condition: "condition", time: "time", stage: "then" };

/** Reading shows a query as chips and asks it again as they were changed. */
export function Reading({ text }: { text: string }) {
  const first = useMemo(() => partsOf(text), [text]);
  const [parts, setParts] = useState(first);
  const [at, setAt] = useState(-1);
  const [draft, setDraft] = useState("");
  const [asked, setAsked] = useState("");
  const now = textOf(parts), changed = now !== textOf(first);
  const edit = (i: number) => { setAt(i); setDraft(i < parts.length ? parts[i].text : ""); };
  const keep = () => {
    if (at < 0) return;
    const t = draft.trim();
    if (at === parts.length) { if (t) setParts([...parts, ...partsOf(t)]); }
    else setParts(t ? parts.map((p, i) => i === at ? { ...p, text: t } : p) : parts.filter((_, i) => i !== at));
    setAt(-1);
  };
  const box = <form class="chip-edit" onSubmit={(ev) => { ev.preventDefault(); keep(); }}>
    <input ref={(el) => { if (el && document.activeElement !== el) el.focus(); }} value={draft} aria-label={at < parts.length && at >= 0 ? kinds[parts[at].kind] : "One more condition, time or stage"} spellcheck={false} autocomplete="off" size={Math.max(8, draft.length + 2)}
      onInput={(ev) => setDraft(ev.currentTarget.value)} onBlur={keep} onKeyDown={(ev) => { if (ev.key === "Escape") { ev.stopPropagation(); setAt(-1); } }} />
  </form>;
  return (
    <div class="reading">
      <ul class="chips" aria-label="How it was read">
        {parts.map((p, i) => (
          <li key={i}>{at === i ? box : <span class="part"><button type="button" class="chip" title="Change it" onClick={() => edit(i)}><span class="soft">{kinds[p.kind]}</span> {visible(p.text)}</button><button type="button" class="chip off" aria-label={"Without " + visible(p.text)} onClick={() => setParts(parts.filter((_, k) => k !== i))}>{"\u00d7"}</button></span>}</li>
        ))}
        <li>{at === parts.length ? box : <button type="button" class="chip" onClick={() => edit(parts.length)}>+ condition</button>}</li>
        {(changed || asked) && <li><button type="button" disabled={!now || now === asked} onClick={() => setAsked(now)}>Ask again</button></li>}
        {changed && <li><button type="button" class="quiet" onClick={() => { setParts(first); setAsked(""); }}>As it was read</button></li>}
      </ul>
      {asked && <Result key={asked} text={asked} />}
    </div>
  );
}

function Result({ text }: { text: string }) {
  const got = useLoad((s) => query(text, s), [text]);
  return (
    <section class="proof" aria-label="What the changed question gives" aria-live="polite">
      <Show of={got}>{(t) => {
        const e: Evidence = { id: "query", query: text, ...t };
        return <><Trend t={t} /><EvidenceTable e={e} title="As changed" /></>;
      }}</Show>
    </section>
  );
}

// Trend draws rows by time.
function Trend({ t }: { t: Table }) {
  const drawn = useMemo(() => {
    const y = t.columns.find((c) => c !== "time" && t.rows.some((r) => typeof r[c] === "number"));
    if (t.columns[0] !== "time" || !y || t.rows.length < 3 || t.columns.includes("metadata.uid")) return null;
    const at = t.rows.map((r) => Date.parse(String(r.time)) / 1000).filter((x) => !isNaN(x)).sort((a, b) => a - b);
    let step = Infinity;
    for (let i = 1; i < at.length; i++) if (at[i] > at[i - 1]) step = Math.min(step, at[i] - at[i - 1]);
    if (!isFinite(step)) return null;
    const made = fill(t.rows.map((r) => ({ t: Date.parse(String(r.time)) / 1000, n: Number(r[y] || 0) })), step);
    return { times: made.times, step: made.step, series: [{ label: y, values: made.values }], label: y + " over time, " + clock(at[0] * 1000, false) + " to " + clock(at[at.length - 1] * 1000, false) };
  }, [t]);
  return drawn && drawn.times.length > 1 ? <TimeChart times={drawn.times} series={drawn.series} width={drawn.step} label={drawn.label} /> : null;
}
