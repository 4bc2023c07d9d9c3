// Where the person is: the path and query string of the address, so that each
// view can be kept, shared and gone back to.
import { signal } from "@preact/signals";

export interface Place { path: string; params: URLSearchParams }

const read = (): Place => ({ path: location.pathname, params: new URLSearchParams(location.search) });

export const place = signal<Place>(read());

addEventListener("popstate", () => { place.value = read(); });

/** go shows another path; the old one is behind the back button. */
export function go(to: string, replace = false) {
  if (replace) history.replaceState(null, "", to);
  else if (to !== location.pathname + location.search) history.pushState(null, "", to);
  place.value = read();
  if (!replace) scrollTo(0, 0);
}

/** set changes parameters of the address; an empty value removes one. */
export function set(changes: Record<string, string>, replace = false) {
  const params = new URLSearchParams(location.search);
  for (const [k, v] of Object.entries(changes)) v ? params.set(k, v) : params.delete(k);
  const text = params.toString();
  go(location.pathname + (text ? "?" + text : ""), replace);
}

/** onLink lets links of ours change the view without loading a page. */
export function onLink(ev: MouseEvent) {
  const a = (ev.target as Element).closest("a");
  if (!a || ev.defaultPrevented || ev.button !== 0 || ev.metaKey || ev.ctrlKey || ev.shiftKey || ev.altKey) return;
  if (a.origin !== location.origin || a.target || a.rel === "external" || a.hasAttribute("download") || a.pathname.startsWith("/api/") || a.pathname === location.pathname && a.hash) return;
  ev.preventDefault();
  go(a.pathname + a.search);
}
