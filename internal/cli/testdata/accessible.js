(() => {
  // Rules of WCAG 2.2 that can be told from the page: 1.4.3 contrast, 4.1.2 name,
  // 2.4.6 headings, 1.4.10 reflow, and ids that are used once.
  const bad = [];
  const seen = (el) => { const s = getComputedStyle(el), r = el.getBoundingClientRect(); return s.visibility !== "hidden" && s.display !== "none" && r.width > 0 && r.height > 0; };
  const say = (el, what) => bad.push(what + ": " + el.outerHTML.slice(0, 140));
  const name = (el) => (el.getAttribute("aria-label") || (el.getAttribute("aria-labelledby") || "").split(" ").map((id) => document.getElementById(id)?.textContent).join("") || el.textContent || el.title || [...(el.labels || [])].map((l) => l.textContent).join("") || "").trim();
  for (const el of document.querySelectorAll("a[href], button, input, select, textarea, summary, [role=region], dialog")) if (seen(el) && !(el.matches("input, select") ? (el.getAttribute("aria-label") || [...(el.labels || [])].map((l) => l.textContent).join("")).trim() : name(el))) say(el, "has no name");
  for (const el of document.querySelectorAll("svg[role=img], [role=img]")) if (!el.getAttribute("aria-label")) say(el, "a picture without words");
  if (document.querySelectorAll("h1").length !== 1) bad.push("there are " + document.querySelectorAll("h1").length + " main headings");
  const ids = new Map();
  for (const el of document.querySelectorAll("[id]")) { if (ids.has(el.id)) say(el, "an id twice"); ids.set(el.id, el); }
  for (const th of document.querySelectorAll("th")) if (!th.scope) say(th, "a heading of a table without scope");
  if (document.documentElement.scrollWidth > innerWidth + 1) bad.push("the page is " + (document.documentElement.scrollWidth - innerWidth) + " pixels too wide");
  const parse = (c) => { const m = /rgba?\(([^)]+)\)/.exec(c); if (!m) return null; const p = m[1].split(/[ ,/]+/).map(Number); return { r: p[0], g: p[1], b: p[2], a: p[3] === undefined ? 1 : p[3] }; };
  const over = (top, under) => ({ r: top.r * top.a + under.r * (1 - top.a), g: top.g * top.a + under.g * (1 - top.a), b: top.b * top.a + under.b * (1 - top.a), a: 1 });
  const light = (c) => { const f = (v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }; return 0.2126 * f(c.r) + 0.7152 * f(c.g) + 0.0722 * f(c.b); };
  const ground = (el) => { const stack = []; for (let e = el; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c && c.a) { stack.push(c); if (c.a === 1) break; } } return stack.reduceRight((under, top) => over(top, under), { r: 255, g: 255, b: 255, a: 1 }); };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const told = new Set();
  for (let n = walk.nextNode(); n; n = walk.nextNode()) {
    const el = n.parentElement;
    if (!n.textContent.trim() || !el || el.closest("svg, noscript, option, .sr, .skip, button:disabled") || !seen(el)) continue;
    const s = getComputedStyle(el), fore = parse(s.color);
    if (!fore) continue;
    const g = ground(el), f = over(fore, g), a = light(f), b = light(g);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const large = parseFloat(s.fontSize) >= 24 || parseFloat(s.fontSize) >= 18.66 && Number(s.fontWeight) >= 700;
    const key = s.color + s.backgroundColor + el.className;
    if (ratio < (large ? 3 : 4.5) && !told.has(key)) { told.add(key); say(el, "contrast " + ratio.toFixed(2)); }
  }
  return bad.join("\n");
})()
