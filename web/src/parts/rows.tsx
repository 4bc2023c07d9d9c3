import type { ComponentChildren } from "preact";

/** Rows is a small table. */
export function Rows({ heads, rows }: { heads: string[]; rows: ComponentChildren[][] }) {
  return <div class="scroll"><table><thead><tr>{heads.map((h) => <th key={h} scope="col">{h}</th>)}</tr></thead><tbody>{rows.map((r, i) => <tr key={i}>{r.map((c, k) => <td key={k}>{c}</td>)}</tr>)}</tbody></table></div>;
}
