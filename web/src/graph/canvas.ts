// A picture of many nodes on a canvas: groups as boxes in rows of levels, what
// belongs to a group in a grid within. The layout is made once and stands still,
// so that who looks again finds things where they were. It imports nothing of the
// page at run time: it is fetched by itself, when a graph is looked at.

export interface Node { id: string; label: string; group: string; level: string; mark?: string }
export interface Edge { from: string; to: string; weight: number; strong?: boolean }
export interface Colours { ink: string; soft: string; line: string; paper: string; faint: string; accent: string; warn: string; pick: string }
export interface Told { kind: "node" | "group"; id: string; label: string; group: string; open: boolean; links: { id: string; label: string; out: number; into: number; strong: boolean }[]; members: number }
export interface Wants { tell: (what: Told | null) => void; open: (id: string) => void; levelName: (level: string) => string; members: (n: number) => string }

interface Box { id: string; label: string; level: string; x: number; y: number; w: number; h: number; nodes: Spot[]; open: boolean }
interface Spot { id: string; label: string; group: string; x: number; y: number; w: number; h: number; box: Box; mark?: string; isBox: boolean }
interface Line { a: Spot; b: Spot; weight: number; strong: boolean }

const heavy = 700; // lines and nodes that are drawn anew each time the picture moves
const cell = { w: 118, h: 34, gap: 12 }, head = 26, pad = 12, apart = 60, rowWide = 2600;

/** Picture draws nodes and edges on a canvas and moves with pointer and keys. */
export class Picture {
  private boxes: Box[] = [];
  private spots = new Map<string, Spot>(); // by id, of those that are drawn
  private lines: Line[] = [];
  private levels: { text: string; y: number }[] = [];
  private closed = new Set<string>();
  private paths: { path: Path2D; width: number; strong: boolean }[] = [];
  private near = new Map<Spot, Line[]>();
  private zoom = 1; private x = 0; private y = 0;
  private size = { w: 300, h: 200 };
  private dirty = false; private gone = false;
  private still: { canvas: HTMLCanvasElement; zoom: number; x: number; y: number } | null = null; // the picture as it was drawn last, with a margin
  private moving = 0; // timer, while the picture is moved
  private chosen = ""; private found = new Set<string>();
  /** frames counts pictures that were drawn, for measurements. */
  frames = 0;

  constructor(private canvas: HTMLCanvasElement, private nodes: Node[], private edges: Edge[], private colours: Colours, private wants: Wants, collapsed: boolean) {
    if (collapsed) for (const n of nodes) this.closed.add(n.group);
    this.listen();
    this.layout();
    this.fit();
  }

  stop() { this.gone = true; clearTimeout(this.moving); }
  paint(c: Colours) { this.colours = c; this.draw(); }
  resize(w: number, h: number) {
    const first = this.size.w === 300;
    this.size = { w, h };
    const ratio = Math.min(devicePixelRatio || 1, 2);
    this.canvas.width = Math.round(w * ratio); this.canvas.height = Math.round(h * ratio);
    if (first) this.fit(); else this.draw();
  }

  // layout places boxes and what is in them, and puts edges together that lead to
  // the same box while it is closed.
  private layout() {
    const busy = new Map<string, number>();
    for (const e of this.edges) for (const n of [e.from, e.to]) busy.set(n, (busy.get(n) || 0) + e.weight);
    const boxes = new Map<string, Box>();
    const members = new Map<string, Node[]>();
    for (const n of this.nodes) { const l = members.get(n.group); l ? l.push(n) : members.set(n.group, [n]); }
    for (const [group, list] of members) {
      const open = !this.closed.has(group);
      list.sort((a, b) => (busy.get(b.id) || 0) - (busy.get(a.id) || 0) || (a.label < b.label ? -1 : 1));
      const cols = Math.max(1, Math.min(list.length, Math.ceil(Math.sqrt(list.length * 0.6)))), rows = Math.ceil(list.length / cols);
      const level = list.reduce((l, n) => n.level && (!l || n.level < l) ? n.level : l, "");
      const b: Box = { id: group, label: group || "none", level, x: 0, y: 0, w: 190, h: 54, nodes: [], open };
      if (open) { b.w = Math.max(190, cols * (cell.w + cell.gap) - cell.gap + 2 * pad); b.h = head + rows * (cell.h + cell.gap) - cell.gap + 2 * pad; }
      b.nodes = list.map((n, i) => ({ id: n.id, label: n.label, group, x: pad + (i % cols) * (cell.w + cell.gap), y: head + pad + Math.floor(i / cols) * (cell.h + cell.gap), w: cell.w, h: cell.h, box: b, mark: n.mark, isBox: false }));
      boxes.set(group, b);
    }
    this.boxes = [...boxes.values()];
    this.place();
    this.spots.clear();
    const drawn = new Map<string, Spot>();
    for (const b of this.boxes) {
      const self: Spot = { id: "group:" + b.id, label: b.label, group: b.id, x: b.x, y: b.y, w: b.w, h: b.open ? head : b.h, box: b, isBox: true };
      this.spots.set(self.id, self);
      for (const s of b.nodes) {
        s.x += b.x; s.y += b.y;
        if (b.open) this.spots.set(s.id, s);
        drawn.set(s.id, b.open ? s : self);
      }
    }
    const together = new Map<string, Line>();
    for (const e of this.edges) {
      const a = drawn.get(e.from), b = drawn.get(e.to);
      if (!a || !b || a === b) continue;
      const key = a.id + "\u0000" + b.id, l = together.get(key);
      if (l) { l.weight += e.weight; l.strong ||= Boolean(e.strong); } else together.set(key, { a, b, weight: e.weight, strong: Boolean(e.strong) });
    }
    this.lines = [...together.values()];
    this.near.clear();
    for (const l of this.lines) for (const s of [l.a, l.b]) { const n = this.near.get(s); n ? n.push(l) : this.near.set(s, [l]); }
    this.trace();
    this.draw();
  }

  // place puts boxes into rows of their level, the highest on top, what has none
  // above; a row that is too wide goes on below.
  private place() {
    const order = [...new Set(this.boxes.map((b) => b.level))].sort((a, b) => a === "" ? -1 : b === "" ? 1 : b.localeCompare(a, "en", { numeric: true }));
    this.levels = [];
    let y = 0;
    for (const level of order) {
      this.levels.push({ text: this.wants.levelName(level), y });
      const here = this.boxes.filter((b) => b.level === level).sort((a, b) => a.h - b.h || (a.label < b.label ? -1 : 1));
      let x = 110, high = 0;
      for (const b of here) {
        if (x > 110 && x + b.w > rowWide) { x = 110; y += high + apart; high = 0; }
        b.x = x; b.y = y;
        x += b.w + apart; high = Math.max(high, b.h);
      }
      y += high + apart;
    }
  }

  // trace makes the lines once, by how they are drawn: few strokes a picture.
  private trace() {
    const most = Math.max(1, ...this.lines.map((l) => l.weight));
    const kinds = [0, 1, 2, 3].flatMap((k) => [false, true].map((strong) => ({ path: new Path2D(), width: 0.7 + k * 0.9, strong, used: false })));
    for (const l of this.lines) {
      const k = Math.min(3, Math.floor(4 * Math.log1p(l.weight) / Math.log1p(most) * 0.999));
      const kind = kinds[k * 2 + (l.strong ? 1 : 0)];
      kind.used = true;
      along(kind.path, l);
    }
    this.paths = kinds.filter((k) => k.used);
  }

  /** fit shows all. */
  fit() {
    const right = Math.max(200, ...this.boxes.map((b) => b.x + b.w)), low = Math.max(100, ...this.boxes.map((b) => b.y + b.h));
    this.zoom = Math.min(1.4, (this.size.w - 20) / right, (this.size.h - 20) / low);
    this.x = (this.size.w - right * this.zoom) / 2; this.y = (this.size.h - low * this.zoom) / 2;
    this.draw();
  }

  zoomBy(f: number, cx = this.size.w / 2, cy = this.size.h / 2) {
    const z = Math.min(4, Math.max(0.02, this.zoom * f));
    this.x = cx - (cx - this.x) * z / this.zoom; this.y = cy - (cy - this.y) * z / this.zoom;
    this.zoom = z;
    this.move();
  }

  panBy(dx: number, dy: number) { this.x += dx; this.y += dy; this.move(); }

  // move shows the last picture shifted while it goes on, if drawing anew takes
  // long, and draws it when it stands.
  private move() {
    if (this.lines.length + this.spots.size < heavy) { this.draw(); return; }
    clearTimeout(this.moving);
    this.moving = window.setTimeout(() => { this.moving = 0; this.draw(); }, 120);
    this.frame();
  }

  /** all opens or closes all groups. */
  all(open: boolean) {
    this.closed = new Set(open ? [] : this.nodes.map((n) => n.group));
    this.layout();
    this.fit();
    this.choose("");
  }

  /** toggle opens or closes one group and leaves it where it is on the screen. */
  toggle(group: string) {
    const was = this.spots.get("group:" + group);
    this.closed.has(group) ? this.closed.delete(group) : this.closed.add(group);
    this.layout();
    const now = this.spots.get("group:" + group);
    if (was && now) this.panBy((was.x - now.x) * this.zoom, (was.y - now.y) * this.zoom);
    this.choose("group:" + group);
  }

  /** search marks the nodes whose name has the text, opens their groups and goes to the n-th. */
  search(text: string, n = 0): number {
    const low = text.trim().toLowerCase();
    const hits = low ? this.nodes.filter((x) => x.label.toLowerCase().includes(low) || x.id.toLowerCase() === low) : [];
    this.found = new Set(hits.map((x) => x.id));
    const to = hits.length ? hits[n % hits.length] : undefined;
    if (to && this.closed.delete(to.group)) this.layout();
    if (to) this.goTo(to.id); else this.draw();
    return hits.length;
  }

  /** goTo chooses a node and moves it to the middle. */
  goTo(id: string) {
    const s = this.spots.get(id);
    if (!s) return;
    if (this.zoom < 0.6) this.zoom = 0.9;
    this.x = this.size.w / 2 - (s.x + s.w / 2) * this.zoom; this.y = this.size.h / 2 - (s.y + s.h / 2) * this.zoom;
    this.choose(id);
  }

  choose(id: string) {
    this.chosen = id;
    const s = this.spots.get(id);
    this.wants.tell(s ? this.told(s) : null);
    this.draw();
  }

  private told(s: Spot): Told {
    const by = new Map<Spot, { id: string; label: string; out: number; into: number; strong: boolean }>();
    for (const l of this.near.get(s) || []) {
      const other = l.a === s ? l.b : l.a, o = by.get(other) || { id: other.id, label: other.label, out: 0, into: 0, strong: false };
      if (l.a === s) o.out += l.weight; else o.into += l.weight;
      o.strong ||= l.strong;
      by.set(other, o);
    }
    const links = [...by.values()].sort((a, b) => b.out + b.into - a.out - a.into);
    return { kind: s.isBox ? "group" : "node", id: s.isBox ? s.group : s.id, label: s.label, group: s.group, open: s.box.open, links, members: s.box.nodes.length };
  }

  private at(px: number, py: number): Spot | undefined {
    const x = (px - this.x) / this.zoom, y = (py - this.y) / this.zoom;
    const inside = (s: { x: number; y: number; w: number; h: number }) => x >= s.x && x <= s.x + s.w && y >= s.y && y <= s.y + s.h;
    for (const b of this.boxes) if (inside(b)) return b.open && b.nodes.find(inside) || (b.open && y > b.y + head ? undefined : this.spots.get("group:" + b.id));
    return undefined;
  }

  private listen() {
    const c = this.canvas, pointers = new Map<number, { x: number; y: number }>();
    let moved = 0;
    const where = (ev: PointerEvent | WheelEvent) => { const r = c.getBoundingClientRect(); return { x: ev.clientX - r.left, y: ev.clientY - r.top }; };
    c.addEventListener("wheel", (ev) => { ev.preventDefault(); const p = where(ev); this.zoomBy(Math.exp(-ev.deltaY * (ev.deltaMode ? 0.05 : 0.0015)), p.x, p.y); }, { passive: false });
    c.addEventListener("pointerdown", (ev) => { c.setPointerCapture(ev.pointerId); pointers.set(ev.pointerId, where(ev)); moved = pointers.size > 1 ? 99 : 0; });
    c.addEventListener("pointermove", (ev) => {
      const was = pointers.get(ev.pointerId), now = where(ev);
      if (!was) { const s = this.at(now.x, now.y); c.style.cursor = s ? "pointer" : "grab"; c.title = s ? s.label : ""; return; }
      const others = [...pointers].filter(([id]) => id !== ev.pointerId).map(([, p]) => p);
      if (others.length) {
        const o = others[0], before = Math.hypot(was.x - o.x, was.y - o.y), after = Math.hypot(now.x - o.x, now.y - o.y);
        if (before > 0) this.zoomBy(after / before, (now.x + o.x) / 2, (now.y + o.y) / 2);
      } else this.panBy(now.x - was.x, now.y - was.y);
      moved += Math.abs(now.x - was.x) + Math.abs(now.y - was.y);
      pointers.set(ev.pointerId, now);
    });
    const up = (ev: PointerEvent) => {
      if (!pointers.delete(ev.pointerId) || moved > 5 || ev.type === "pointercancel") return;
      const p = where(ev), s = this.at(p.x, p.y);
      if (s?.isBox) this.toggle(s.group); else this.choose(s ? s.id : "");
    };
    c.addEventListener("pointerup", up);
    c.addEventListener("pointercancel", up);
    c.addEventListener("dblclick", (ev) => { const r = c.getBoundingClientRect(), s = this.at(ev.clientX - r.left, ev.clientY - r.top); if (s && !s.isBox) this.wants.open(s.id); });
    c.addEventListener("keydown", (ev) => { if (this.key(ev)) { ev.preventDefault(); ev.stopPropagation(); } });
  }

  // key moves by the keyboard: arrows go to the next node that way, with Shift they
  // move the picture.
  private key(ev: KeyboardEvent): boolean {
    if (ev.ctrlKey || ev.metaKey || ev.altKey) return false;
    const ways: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const way = ways[ev.key], s = this.spots.get(this.chosen);
    if (way && ev.shiftKey) { this.panBy(-80 * way[0], -80 * way[1]); return true; }
    if (way) { this.step(way, s); return true; }
    switch (ev.key) {
      case "+": case "=": this.zoomBy(1.25); return true;
      case "-": this.zoomBy(0.8); return true;
      case "0": this.fit(); return true;
      case "Enter": case " ":
        if (s?.isBox) this.toggle(s.group); else if (s) this.wants.open(s.id); else return false;
        return true;
      case "Escape": if (!this.chosen) return false; this.choose(""); return true;
    }
    return false;
  }

  private step([dx, dy]: [number, number], from: Spot | undefined) {
    if (!from) { const first = this.boxes[0]; if (first) this.goTo("group:" + first.id); return; }
    const x = from.x + from.w / 2, y = from.y + from.h / 2;
    let best: Spot | undefined, least = Infinity;
    for (const s of this.spots.values()) {
      const vx = s.x + s.w / 2 - x, vy = s.y + s.h / 2 - y, on = vx * dx + vy * dy, off = Math.abs(vx * dy) + Math.abs(vy * dx);
      if (s === from || on <= 1 || off > on * 2 + cell.h) continue;
      if (on + 2 * off < least) { least = on + 2 * off; best = s; }
    }
    if (!best) return;
    const px = best.x * this.zoom + this.x, py = best.y * this.zoom + this.y;
    if (px < 0 || py < 0 || px + best.w * this.zoom > this.size.w || py + best.h * this.zoom > this.size.h) this.goTo(best.id); else this.choose(best.id);
  }

  private draw() { this.still = null; this.frame(); }

  private frame() {
    if (this.dirty) return;
    this.dirty = true;
    requestAnimationFrame(() => { this.dirty = false; if (!this.gone) this.render(); });
  }

  private render() {
    if (!this.frames++) performance.mark("graph-drawn"); // when it was first seen
    const g = this.canvas.getContext("2d")!, ratio = this.canvas.width / this.size.w || 1, margin = 0.25;
    if (this.lines.length + this.spots.size < heavy) { this.renderOn(g, this.size.w, this.size.h, this.x, this.y, ratio); return; }
    const mx = Math.round(this.size.w * margin), my = Math.round(this.size.h * margin);
    if (!this.still || !this.moving) {
      const canvas = this.still?.canvas || document.createElement("canvas"), w = this.size.w + 2 * mx, h = this.size.h + 2 * my;
      canvas.width = Math.round(w * ratio); canvas.height = Math.round(h * ratio);
      this.renderOn(canvas.getContext("2d")!, w, h, this.x + mx, this.y + my, ratio);
      this.still = { canvas, zoom: this.zoom, x: this.x, y: this.y };
    }
    const s = this.still, f = this.zoom / s.zoom;
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.fillStyle = this.colours.paper; g.fillRect(0, 0, this.canvas.width, this.canvas.height);
    g.setTransform(ratio * f, 0, 0, ratio * f, (this.x - s.x * f) * ratio, (this.y - s.y * f) * ratio);
    g.drawImage(s.canvas, -mx, -my, s.canvas.width / ratio, s.canvas.height / ratio);
  }

  private renderOn(g: CanvasRenderingContext2D, w: number, h: number, px: number, py: number, ratio: number) {
    const c = this.colours, z = this.zoom;
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.fillStyle = c.paper; g.fillRect(0, 0, w * ratio, h * ratio);
    g.setTransform(z * ratio, 0, 0, z * ratio, px * ratio, py * ratio);
    const view = { l: -px / z, t: -py / z, r: (w - px) / z, b: (h - py) / z };
    const seen = (s: { x: number; y: number; w: number; h: number }) => s.x < view.r && s.x + s.w > view.l && s.y < view.b && s.y + s.h > view.t;
    const boxes = this.boxes.filter(seen), thin = 1 / z;
    g.lineWidth = thin; g.strokeStyle = c.line; g.fillStyle = c.faint;
    for (const b of boxes) { g.beginPath(); g.rect(b.x, b.y, b.w, b.h); g.fill(); g.stroke(); }
    this.renderLines(g, thin);
    this.renderNodes(g, boxes, seen, thin);
    const s = this.spots.get(this.chosen);
    if (s) this.renderChosen(g, s, thin);
    g.textAlign = "left"; g.textBaseline = "top"; g.fillStyle = c.soft; g.font = Math.min(40, 13 * thin) + "px system-ui, sans-serif";
    if (z > 0.12) for (const l of this.levels) g.fillText(l.text, 0, l.y + 8, 104);
  }

  private renderLines(g: CanvasRenderingContext2D, thin: number) {
    const c = this.colours;
    g.globalAlpha = this.chosen ? 0.12 : this.lines.length > 600 ? 0.28 : 0.5;
    for (const p of this.paths) {
      g.strokeStyle = p.strong ? c.warn : c.soft;
      g.lineWidth = p.width * Math.max(thin, 0.6);
      g.setLineDash(p.strong && this.lines.length < 1500 ? [8, 4] : []);
      g.stroke(p.path);
    }
    g.setLineDash([]); g.globalAlpha = 1;
  }

  private renderNodes(g: CanvasRenderingContext2D, boxes: Box[], seen: (s: Spot) => boolean, thin: number) {
    const c = this.colours, z = this.zoom, plain = new Path2D(), marked = new Path2D(), hit = new Path2D(), list: Spot[] = [];
    for (const b of boxes) {
      if (!b.open) continue;
      for (const s of b.nodes) {
        if (!seen(s)) continue;
        list.push(s);
        (this.found.has(s.id) ? hit : s.mark ? marked : plain).rect(s.x, s.y, s.w, s.h);
      }
    }
    g.lineWidth = Math.max(thin, 1); g.fillStyle = c.paper; g.strokeStyle = c.soft;
    g.fill(plain); g.stroke(plain); g.fill(marked);
    g.lineWidth = Math.max(2 * thin, 2); g.strokeStyle = c.warn; g.stroke(marked);
    g.fillStyle = c.pick; g.fill(hit); g.strokeStyle = c.accent; g.lineWidth = Math.max(3 * thin, 3); g.stroke(hit);
    g.textBaseline = "middle"; g.fillStyle = c.ink;
    if (z * 12 >= 6.5 && list.length <= 900) {
      g.font = "12px system-ui, sans-serif"; g.textAlign = "left";
      for (const s of list) g.fillText((s.mark ? "\u25b2 " : "") + cut(s.label, s.mark ? 13 : 16), s.x + 6, s.y + s.h / 2);
    }
    g.textAlign = "left";
    for (const b of boxes) {
      if (!b.open) { g.fillStyle = c.faint; g.strokeStyle = c.soft; g.lineWidth = thin; g.beginPath(); g.rect(b.x, b.y, b.w, b.h); g.fill(); g.stroke(); } // above the lines
      const size = Math.min(b.open ? 15 : 16, 40);
      if (z * size < 5) continue;
      g.font = "600 " + size + "px system-ui, sans-serif"; g.fillStyle = c.ink;
      const max = Math.floor((b.w - 20) / 8.6);
      g.fillText((b.open ? "\u2212 " : "+ ") + cut(b.label, max - 2), b.x + 8, b.y + (b.open ? head / 2 + 3 : 18));
      if (!b.open) { g.font = "13px system-ui, sans-serif"; g.fillStyle = c.soft; g.fillText(this.wants.members(b.nodes.length), b.x + 24, b.y + 38); }
    }
  }

  // renderChosen puts what is chosen, its lines and the other ends above all.
  private renderChosen(g: CanvasRenderingContext2D, s: Spot, thin: number) {
    const c = this.colours, lines = this.near.get(s) || [], path = new Path2D(), ends = new Path2D();
    for (const l of lines) { along(path, l); const o = l.a === s ? l.b : l.a; ends.rect(o.x, o.y, o.w, o.h); arrow(path, l, Math.max(9, 7 * thin)); }
    g.strokeStyle = c.accent; g.lineWidth = Math.max(1.6 * thin, 1.2); g.stroke(path); g.stroke(ends);
    g.lineWidth = Math.max(4 * thin, 3); g.strokeRect(s.x - 2, s.y - 2, s.w + 4, s.h + 4);
  }
}

const cut = (text: string, n: number) => text.length > n ? text.slice(0, Math.max(1, n - 1)) + "\u2026" : text;

// along is the way of a line, between the middles of its ends.
function along(path: Path2D, l: Line) {
  const [ax, ay, bx, by] = [l.a.x + l.a.w / 2, l.a.y + l.a.h / 2, l.b.x + l.b.w / 2, l.b.y + l.b.h / 2];
  path.moveTo(ax, ay);
  path.lineTo(bx, by);
}

function arrow(path: Path2D, l: Line, size: number) {
  const [ax, ay, bx, by] = [l.a.x + l.a.w / 2, l.a.y + l.a.h / 2, l.b.x + l.b.w / 2, l.b.y + l.b.h / 2];
  const d = Math.hypot(bx - ax, by - ay) || 1, ux = (bx - ax) / d, uy = (by - ay) / d;
  const t = Math.min(ux ? l.b.w / 2 / Math.abs(ux) : Infinity, uy ? l.b.h / 2 / Math.abs(uy) : Infinity), x = bx - ux * t, y = by - uy * t;
  path.moveTo(x - ux * size - uy * size / 2, y - uy * size + ux * size / 2);
  path.lineTo(x, y);
  path.lineTo(x - ux * size + uy * size / 2, y - uy * size - ux * size / 2);
}
