import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { get, post, Problem, type Me } from "./api";
import { limited, may, me, myZones } from "./me";
import { go, onLink, place } from "./route";
import { theme, visible, zone } from "./show";
import { Trouble } from "./parts/load";
import { useKeys } from "./parts/keys";
import { Palette } from "./parts/palette";
import { Now } from "./pages/now";
import { Ask } from "./pages/ask";
import { Events } from "./pages/events";
import { Incidents, IncidentPage } from "./pages/incidents";
import { Devices } from "./pages/devices";
import { DevicePage } from "./pages/device";
import { Network } from "./pages/network";
import { Vulnerabilities } from "./pages/vulns";
import { VulnerabilityPage } from "./pages/advisory";
import { BillPage } from "./pages/bill";
import { Intelligence } from "./pages/intel";
import { AI } from "./pages/ai";
import { Settings } from "./pages/settings";

export interface Part { path: string; title: string; key: string; needs: string; whole: boolean }

/** parts are the pages of the console. whole: not for accounts limited to zones. */
export const parts: Part[] = [
  { path: "/now", title: "Now", key: "n", needs: "events.read", whole: false },
  { path: "/ask", title: "Ask", key: "a", needs: "ask", whole: false },
  { path: "/incidents", title: "Incidents", key: "i", needs: "incidents.read", whole: false },
  { path: "/events", title: "Events", key: "e", needs: "events.read", whole: false },
  { path: "/devices", title: "Devices", key: "d", needs: "devices.read", whole: false },
  { path: "/network", title: "Network", key: "w", needs: "events.read", whole: false },
  { path: "/vulnerabilities", title: "Vulnerabilities", key: "v", needs: "vulnerabilities.read", whole: false },
  { path: "/intelligence", title: "Intelligence", key: "t", needs: "intel.read", whole: false },
  { path: "/ai", title: "AI", key: "m", needs: "egress.read", whole: true },
  { path: "/settings", title: "Settings", key: "s", needs: "self.read", whole: false },
];

export const shownParts = () => parts.filter((p) => may(p.needs) && !(p.whole && limited()));

/** Closed says why a page cannot be shown to who is limited to zones. */
function Closed({ title }: { title: string }) {
  return <div class="page"><h1>{title}</h1><p>This page is about the whole site, and your account sees {myZones()} alone. Whoever administers Vedette can widen it.</p><p><a href="/devices">Go to your devices</a></p></div>;
}

function View() {
  const path = place.value.path;
  const [, room, id, more] = path.split("/");
  const closed = limited() && parts.find((p) => p.whole && p.path === "/" + room);
  if (closed) return <Closed title={closed.title} />;
  switch (room) {
    case "now": return <Now />;
    case "ask": return <Ask />;
    case "events": return <Events />;
    case "incidents": return id ? <IncidentPage key={id} uid={decodeURIComponent(id)} /> : <Incidents />;
    case "devices": return id && more === "bill" ? <BillPage key={id} uid={decodeURIComponent(id)} /> : id ? <DevicePage key={id} uid={decodeURIComponent(id)} /> : <Devices />;
    case "network": return <Network />;
    case "vulnerabilities": return id ? <VulnerabilityPage key={id} id={decodeURIComponent(id)} /> : <Vulnerabilities />;
    case "intelligence": return <Intelligence />;
    case "ai": return <AI />;
    case "settings": return <Settings />;
  }
  return <div class="page"><h1>There is no such page</h1><p><a href="/">Go to the start</a></p></div>;
}

export function App() {
  const [error, setError] = useState<Problem | null>(null);
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);
  const load = () => get<Me>("/me").then((m) => { me.value = m; setError(null); }, (e: Problem) => setError(e));
  useEffect(() => { void load(); }, []);
  const path = place.value.path;
  const mine = me.value ? shownParts() : [];
  useEffect(() => {
    if (!me.value || path !== "/") return;
    const q = place.value.params.get("q");
    go(q && may("ask") ? "/ask?" + new URLSearchParams({ q }) : mine[0]?.path || "/settings", true);
  }, [path, me.value]);
  useEffect(() => {
    const part = parts.find((p) => path.startsWith(p.path));
    document.querySelector(".nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" }); // on a narrow window it may be out of sight
    document.title = (part ? part.title + " \u00b7 " : "") + "Vedette";
  }, [path, me.value]);
  const focus = (id: string) => document.getElementById(id)?.focus();
  useKeys({
    "/": () => focus(path === "/events" ? "events-query" : path === "/devices" ? "devices-query" : path === "/vulnerabilities" ? "vulns-query" : "ask"),
    "?": () => setHelp(true),
    "mod+k": () => setPalette(true),
    Escape: () => { setHelp(false); setPalette(false); (document.activeElement as HTMLElement | null)?.blur(); },
    ...Object.fromEntries(mine.map((p) => ["g " + p.key, () => go(p.path)])),
  }, [path, me.value]);
  if (error && !me.value) return <div class="page"><h1>Vedette</h1><Trouble error={error} retry={load} /></div>;
  if (!me.value) return <p class="page soft" aria-busy="true">Loading</p>;
  return (
    <div class="shell" onClick={onLink}>
      <a class="skip" href="#view" onClick={(ev) => { ev.preventDefault(); focus("view"); }}>Skip to the page</a>
      <header class="top">
        <a class="brand" href="/">Vedette</a>
        {me.value.demo && <span class="tag">Demo: the plant is simulated</span>}
        {limited() && <span class="tag" title="Your account sees what lies in these zones alone">{myZones()}</span>}
        {may("ask") && <AskBar />}
        <div class="tools">
          <button type="button" class="quiet" onClick={() => setPalette(true)} aria-label="Search and commands">Search <kbd>Ctrl K</kbd></button>
          <button type="button" class="quiet" onClick={() => { zone.value = zone.value === "UTC" ? "local" : "UTC"; }} title="Time zone of all times; others by Ctrl K">{zone.value === "local" ? "Local time" : visible(zone.value)}</button>
          <button type="button" class="quiet" onClick={() => { theme.value = theme.value === "auto" ? "dark" : theme.value === "dark" ? "light" : "auto"; }} title="Colours">{theme.value === "auto" ? "Auto" : theme.value === "dark" ? "Dark" : "Light"}</button>
        </div>
      </header>
      <nav class="nav" aria-label="Pages">
        <ul>{mine.map((p) => <li key={p.path}><a href={p.path} aria-current={path.startsWith(p.path) ? "page" : undefined} aria-keyshortcuts={"g " + p.key}>{p.title}</a></li>)}</ul>
        <p class="who"><span>{me.value.name}</span> <SignOut /></p>
      </nav>
      <main id="view" class="view" tabIndex={-1}><View /></main>
      {palette && <Palette close={() => setPalette(false)} />}
      {help && <Help close={() => setHelp(false)} />}
    </div>
  );
}

function SignOut() {
  if (me.value?.demo) return null;
  return <button type="button" class="link" onClick={() => post("/account/logout", {}).finally(() => location.assign("/signin"))}>Sign out</button>;
}

/** AskBar takes a question from any page. */
function AskBar() {
  const [text, setText] = useState("");
  return (
    <form class="askbar" role="search" onSubmit={(ev) => { ev.preventDefault(); if (text.trim()) { go("/ask?" + new URLSearchParams({ q: text.trim() })); setText(""); } }}>
      <input id="ask" value={text} onInput={(ev) => setText(ev.currentTarget.value)} maxLength={2000} autocomplete="off" spellcheck={false} enterkeyhint="send"
        aria-label="Ask about your fleet" placeholder="Ask about your fleet, in plain words" />
      <button type="submit">Ask</button>
    </form>
  );
}

/** Dialog is a box over the page: Esc or a click beside it closes it. */
export function Dialog({ title, close, children }: { title: string; close: () => void; children: ComponentChildren }) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => { box.current!.showModal(); }, []);
  return (
    <dialog ref={box} aria-label={title} onClose={close} onClick={(ev) => { if (ev.target === box.current) close(); }}>
      <div class="inside">{children}</div>
    </dialog>
  );
}

function Help({ close }: { close: () => void }) {
  const keys: [string, string][] = [
    ["/", "type a question, or a query on Events, Devices and Vulnerabilities"], ["Ctrl K", "search pages, devices, incidents; commands: time zone, colours"], ["g then a letter", shownParts().map((p) => p.key + " " + p.title).join(", ")],
    ["j, k", "next and previous row"], ["Enter, o", "open the row"], ["e", "on an incident: take it, it is assigned to you"], ["c", "on an incident: go to closing it"], ["arrows, + \u2212 0", "on the picture of the network: next device, zoom, all"], ["w", "on vulnerabilities: how each decision came about"], ["Alt + click", "on a value: leave it out instead of asking for it"], ["Esc", "close what is open"], ["?", "this list"],
  ];
  return (
    <Dialog title="Keys" close={close}>
      <h2>Keys</h2>
      <dl class="keys">{keys.map(([k, what]) => <><dt><kbd>{k}</kbd></dt><dd>{what}</dd></>)}</dl>
      <p><button type="button" onClick={close}>Close</button></p>
    </Dialog>
  );
}
