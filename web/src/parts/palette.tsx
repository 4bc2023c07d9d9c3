import { useEffect, useState } from "preact/hooks";
import { Dialog, shownParts } from "../app";
import { get, type Device, type Incident, type Page } from "../api";
import { may } from "../me";
import { go } from "../route";
import { theme, visible, zone, zones } from "../show";

interface Entry { kind: string; text: string; more?: string; to: string; act?: () => void }

// What can be done from anywhere: it has no address.
function commands(low: string): Entry[] {
  const set = (text: string, more: string, act: () => void): Entry => ({ kind: "Do", text, more, to: "do:" + text, act });
  const list = [
    set("Times in UTC", "time zone", () => { zone.value = "UTC"; }), set("Times as on this machine", "time zone, local", () => { zone.value = "local"; }),
    set("Dark colours", "theme", () => { theme.value = "dark"; }), set("Light colours", "theme", () => { theme.value = "light"; }), set("Colours of the system", "theme, auto", () => { theme.value = "auto"; }),
    set("List the keys", "help, keyboard", () => { dispatchEvent(new KeyboardEvent("keydown", { key: "?" })); }),
  ].filter((e) => low && (e.text + " " + e.more).toLowerCase().includes(low));
  if (low.length < 3) return list;
  const place = low.replace(/^times? (in|zone) ?/, "");
  return [...list, ...zones().filter((z) => place.length > 2 && z.toLowerCase().replaceAll("_", " ").includes(place)).slice(0, 6).map((z) => set("Times in " + z, "time zone", () => { zone.value = z; }))];
}

/** Palette finds pages, devices, incidents and commands by a few letters. */
export function Palette({ close }: { close: () => void }) {
  const [text, setText] = useState("");
  const [found, setFound] = useState<Entry[]>([]);
  const [at, setAt] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    const timer = setTimeout(() => { void find(text.trim(), stop.signal).then((l) => { if (!stop.signal.aborted) { setFound(l); setAt(0); } }); }, text ? 150 : 0);
    return () => { stop.abort(); clearTimeout(timer); };
  }, [text]);
  const open = (e: Entry | undefined) => { if (e) { close(); if (e.act) e.act(); else go(e.to); } };
  return (
    <Dialog title="Search" close={close}>
      <input class="find" role="combobox" aria-expanded="true" aria-controls="found" aria-activedescendant={found[at] ? "found-" + at : undefined} aria-label="Search pages, devices, incidents and commands" placeholder="Page, device, address, incident, time zone" autocomplete="off"
        value={text} onInput={(ev) => setText(ev.currentTarget.value)} ref={(el) => { if (el && !text) el.focus(); }}
        onKeyDown={(ev) => {
          const step = ev.key === "ArrowDown" ? 1 : ev.key === "ArrowUp" ? -1 : 0;
          if (step) { ev.preventDefault(); setAt((at + step + found.length) % Math.max(1, found.length)); }
          if (ev.key === "Enter") { ev.preventDefault(); open(found[at]); }
        }} />
      <ul id="found" role="listbox" class="found">{found.map((e, i) => (
        <li key={e.to} id={"found-" + i} role="option" aria-selected={i === at} onClick={() => open(e)}><span class="soft">{e.kind}</span> <span>{e.text}</span> <span class="soft">{e.more}</span></li>
      ))}</ul>
      {text && !found.length && <p class="soft">Nothing has that name.</p>}
    </Dialog>
  );
}

async function find(text: string, signal: AbortSignal): Promise<Entry[]> {
  const low = text.toLowerCase();
  const out: Entry[] = shownParts().filter((p) => p.title.toLowerCase().includes(low)).map((p) => ({ kind: "Page", text: p.title, to: p.path }));
  out.push(...commands(low));
  if (text.length < 2) return out;
  const ask: Promise<Entry[]>[] = [];
  if (may("devices.read")) ask.push(get<Page<Device>>("/devices?limit=8&q=" + encodeURIComponent(text), signal).then((p) => p.rows.map((d) => ({ kind: "Device", text: visible(d.name), more: [d.type, d.ips?.[0], d.zone].filter(Boolean).map((t) => visible(t!)).join(" \u00b7 "), to: "/devices/" + d.uid }))));
  if (may("incidents.read")) ask.push(get<Page<Incident>>("/incidents?status=all&limit=1000", signal).then((p) => p.rows.filter((i) => i.title.toLowerCase().includes(low) || i.uid.startsWith(low)).slice(0, 6).map((i) => ({ kind: "Incident", text: visible(i.title), more: i.status, to: "/incidents/" + i.uid }))));
  if (may("vulnerabilities.read") && /^(CVE|GHSA)-[\w-]{4,}$/i.test(text)) out.push({ kind: "Vulnerability", text: text.toUpperCase(), to: "/vulnerabilities/" + encodeURIComponent(text.toUpperCase()) });
  for (const r of await Promise.allSettled(ask)) if (r.status === "fulfilled") out.push(...r.value);
  if (may("ask")) out.push({ kind: "Ask", text, to: "/ask?" + new URLSearchParams({ q: text }) });
  if (may("events.read")) out.push({ kind: "Query", text, to: "/events?" + new URLSearchParams({ q: text }) });
  return out;
}
