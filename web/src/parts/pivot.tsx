import type { Cell } from "../api";
import { cell } from "../show";

/**
 * Pivot is a value that narrows the view: a click asks for it, Alt and a click
 * leaves it out.
 */
export function Pivot({ field, value, act }: { field: string; value: Cell | undefined; act: (field: string, value: string, not: boolean) => void }) {
  const text = cell(value, field);
  if (!text || Array.isArray(value)) return <span title={text}>{text || "\u2013"}</span>;
  return <button type="button" class="pivot" title={text + "\nclick: only this; Alt and click: without this"} onClick={(ev) => { ev.stopPropagation(); act(field, String(value), ev.altKey); }}>{text}</button>;
}
