// Keys of the keyboard: one listener, the newest view that wants a key gets it.
import { useEffect } from "preact/hooks";

type Keys = Record<string, (ev: KeyboardEvent) => void>;
const stack: Keys[] = [];

const typing = (el: EventTarget | null) => el instanceof HTMLElement && (/^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName) || el.isContentEditable);

let first = ""; // of a pair such as g i
addEventListener("keydown", (ev) => {
  if (ev.defaultPrevented || ev.isComposing) return;
  const name = (ev.ctrlKey || ev.metaKey ? "mod+" : "") + (ev.altKey ? "alt+" : "") + ev.key;
  if (typing(ev.target) && !name.startsWith("mod+") && ev.key !== "Escape") return;
  const pair = first ? first + " " + name : "";
  first = "";
  // A pair goes before a single key of any view: g e is no e.
  for (const key of pair ? [pair, name] : [name]) {
    for (let i = stack.length - 1; i >= 0; i--) {
      const act = stack[i][key];
      if (act) { ev.preventDefault(); act(ev); return; }
    }
  }
  if (name === "g") first = "g";
});

/** useKeys gives keys their meaning while a view is shown. */
export function useKeys(keys: Keys, deps: unknown[] = []) {
  useEffect(() => {
    stack.push(keys);
    return () => { stack.splice(stack.indexOf(keys), 1); };
  }, deps);
}
