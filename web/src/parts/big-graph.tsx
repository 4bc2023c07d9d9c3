// The frame of a large graph: tools, search, what is chosen in words. The drawing
// itself is fetched when it is needed.
import { useEffect, useRef, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import type { Colours, Edge, Node, Picture, Told } from "../graph/canvas";
import { number, plural, theme, visible } from "../show";

interface Props {
  label: string;
  nodes: Node[];
  edges: Edge[];
  collapsed?: boolean;
  what: string;                       // a word for nodes: device
  whats?: string;                     // of several
  writes?: boolean;                   // some lines wrote to controllers
  open: (id: string) => void;
  href?: (id: string) => string;      // where a node leads; "": nowhere
  note?: ComponentChildren;
}

const shownLinks = 12;

/** BigGraph shows thousands of nodes by groups, with search, zoom and keys. */
export function BigGraph({ label, nodes, edges, collapsed = false, what, whats = what + "s", writes, open, href, note }: Props) {
  const box = useRef<HTMLCanvasElement>(null), frame = useRef<HTMLDivElement>(null), picture = useRef<Picture | null>(null);
  const [told, setTold] = useState<Told | null>(null);
  const [text, setText] = useState("");
  const [hits, setHits] = useState(-1);
  const [failed, setFailed] = useState(false);
  const turn = useRef(0), opener = useRef(open);
  opener.current = open;
  useEffect(() => {
    let stopped = false, watch: ResizeObserver | undefined;
    const dark = matchMedia("(prefers-color-scheme: dark)"), repaint = () => picture.current?.paint(colours());
    dark.addEventListener("change", repaint);
    const off = theme.subscribe(() => setTimeout(repaint));
    setTold(null); setHits(-1);
    import("../graph/canvas").then((m) => {
      if (stopped || !box.current) return;
      const shown = nodes.map((n) => ({ ...n, label: visible(n.label), group: visible(n.group) }));
      const levels = nodes.some((n) => n.level);
      const p = new m.Picture(box.current, shown, edges, colours(), { tell: setTold, open: (id) => opener.current(id), levelName: (l) => l ? "Level " + l : levels ? "No level" : "", members: (n) => plural(n, what, whats) }, collapsed);
      picture.current = p;
      const fit = () => p.resize(frame.current!.clientWidth, frame.current!.clientHeight);
      fit();
      watch = new ResizeObserver(fit);
      watch.observe(frame.current!);
    }, () => setFailed(true));
    return () => { stopped = true; watch?.disconnect(); picture.current?.stop(); picture.current = null; dark.removeEventListener("change", repaint); off(); };
  }, [nodes, edges, collapsed]);
  const act = (f: (p: Picture) => void) => () => { if (picture.current) f(picture.current); };
  const find = (next: boolean) => { if (!picture.current) return; turn.current = next ? turn.current + 1 : 0; setHits(text.trim() ? picture.current.search(text, turn.current) : (picture.current.search(""), -1)); };
  return (
    <figure class="biggraph">
      <form class="tools" role="search" onSubmit={(ev) => { ev.preventDefault(); find(hits > 0); }}>
        <label>Find <input value={text} maxLength={100} autocomplete="off" spellcheck={false} onInput={(ev) => { setText(ev.currentTarget.value); setHits(-1); }} /></label>
        <button type="submit" class="quiet">{hits > 1 ? "Next" : "Find"}</button>
        <span role="status" class="soft">{hits < 0 ? "" : hits ? plural(hits, what, whats) + (hits === 1 ? " has" : " have") + " that name" : "No " + what + " has that name"}</span>
        <button type="button" class="quiet" onClick={act((p) => p.zoomBy(1.25))} aria-label="Zoom in">+</button>
        <button type="button" class="quiet" onClick={act((p) => p.zoomBy(0.8))} aria-label="Zoom out">{"\u2212"}</button>
        <button type="button" class="quiet" onClick={act((p) => p.fit())}>Show all</button>
        <button type="button" class="quiet" onClick={act((p) => p.all(true))}>Open groups</button>
        <button type="button" class="quiet" onClick={act((p) => p.all(false))}>Close groups</button>
      </form>
      {failed && <p class="trouble">The drawing could not be fetched; the table below has the same.</p>}
      <div class="canvas" ref={frame}>
        <canvas ref={box} tabIndex={0} role="application" aria-label={label + ". Arrow keys go from one to the next, with Shift they move the picture; plus, minus and 0 zoom; Enter opens. The table below has the same."} />
      </div>
      <figcaption>{note} {writes && "Dashed orange lines wrote to controllers."} Scroll to zoom, drag to move, click a group to open or close it, double-click a {what} to go to it.</figcaption>
      <div aria-live="polite">{told && <Chosen t={told} what={what} whats={whats} href={href} goTo={(id) => picture.current?.goTo(id)} toggle={(g) => picture.current?.toggle(g)} />}</div>
    </figure>
  );
}

function Chosen({ t, what, whats, href, goTo, toggle }: { t: Told; what: string; whats: string; href?: (id: string) => string; goTo: (id: string) => void; toggle: (group: string) => void }) {
  const to = t.kind === "node" && href ? href(t.id) : "";
  return (
    <section class="card still" aria-label={"Chosen: " + t.label}>
      <strong>{to ? <a href={to}>{t.label}</a> : t.label}</strong> <span class="soft">{t.kind === "node" ? "in " + t.group : plural(t.members, what, whats)}; {t.links.length ? "linked with " + number(t.links.length) : "linked with nothing that is drawn"}</span>
      {t.kind === "group" && <p><button type="button" class="link" onClick={() => toggle(t.id)}>{t.open ? "Close it" : "Open it"}</button></p>}
      {t.links.length > 0 && <ul class="bullets">{t.links.slice(0, shownLinks).map((l) => <li key={l.id}><button type="button" class="link" onClick={() => goTo(l.id)}>{l.label}</button> {[l.out && "to it " + number(l.out), l.into && "from it " + number(l.into), l.strong && "writes"].filter(Boolean).join(", ")}</li>)}{t.links.length > shownLinks && <li class="soft">and {number(t.links.length - shownLinks)} more</li>}</ul>}
    </section>
  );
}

function colours(): Colours {
  const s = getComputedStyle(document.documentElement), c = (n: string) => s.getPropertyValue("--" + n).trim();
  return { ink: c("ink"), soft: c("soft"), line: c("line"), paper: c("paper"), faint: c("faint"), accent: c("accent"), warn: c("warn"), pick: c("pick") };
}
