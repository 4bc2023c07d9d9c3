// Rows of evidence as a table, and the ways out with them.
import { useMemo } from "preact/hooks";
import type { Answer, Evidence } from "../api";
import { cell, isLabel, number, saveCSV, visible } from "../show";

/** EvidenceTable is the rows of one piece of evidence with its query. */
export function EvidenceTable({ e, title }: { e: Evidence; title: string }) {
  const columns = useMemo(() => e.columns.filter((c) => e.rows.some((r) => r[c] !== null && r[c] !== "")), [e]);
  const numeric = useMemo(() => new Set(columns.filter((c) => !isLabel(c) && e.rows.every((r) => r[c] === null || typeof r[c] === "number"))), [e]);
  return (
    <>
      <div class="proof-head"><h3>{title}</h3>
        <span class="soft">{e.rows.length < e.total ? number(e.rows.length) + " of " + number(e.total) + " rows" : number(e.total) + (e.total === 1 ? " row" : " rows")}</span>
        {e.rows.length > 0 && <button type="button" class="link" onClick={() => saveCSV("vedette-" + e.id, e.columns, e.rows)}>Save CSV</button>}
        <a href={"/events?" + new URLSearchParams({ q: e.query })}>Open in Events</a>
      </div>
      <code class="query">{visible(e.query)}</code>
      {!e.rows.length ? <p class="soft">No rows: nothing stored matches this query.</p> : (
        <div class="scroll" tabIndex={0} role="region" aria-label={"Rows of " + title}>
          <table>
            <thead><tr>{columns.map((c) => <th key={c} scope="col" class={numeric.has(c) ? "num" : ""}>{c}</th>)}</tr></thead>
            <tbody>{e.rows.map((r, i) => <tr key={i}>{columns.map((c) => { const t = cell(r[c], c); return <td key={c} class={numeric.has(c) ? "num" : t.length > 60 ? "long" : ""}>{t || "\u2013"}</td>; })}</tr>)}</tbody>
          </table>
        </div>
      )}
    </>
  );
}

/** saveAnswer hands a whole answer with its evidence to the browser as a file. */
export function saveAnswer(a: Answer) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(a, null, 2)], { type: "application/json" }));
  link.download = "vedette-answer.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
