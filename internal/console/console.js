// What a device wrote arrives as JSON and is only ever set as text.
"use strict";

const byId = (id) => document.getElementById(id);

function el(tag, className, text) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
}

const number = new Intl.NumberFormat("en");
let conversation = "";
let asking = null;
let turns = 0;

// ---- the living part ------------------------------------------------------

function ago(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 2) return "just now";
  if (s < 100) return s + " s ago";
  if (s < 6000) return Math.round(s / 60) + " min ago";
  return Math.round(s / 3600) + " h ago";
}

function isSet(time) { return Boolean(time) && !time.startsWith("0001"); }

function showState(s) {
  byId("events").textContent = number.format(s.events);
  byId("devices").textContent = number.format(s.devices);
  byId("zones").textContent = number.format(s.zones);
  byId("newest").textContent = isSet(s.newest) ? ago(Date.parse(s.now) - Date.parse(s.newest)) : "none yet";
  byId("newest").title = isSet(s.newest) ? clock(s.newest) + " UTC" : "";
  byId("loading").hidden = s.loading >= 1;
  byId("loading-bar").value = s.loading;
  showLatest(s.latest || []);
  showIncidents(s.incidents || []);
}

// ---- incidents --------------------------------------------------------------

let incidentsShown = "";

function showIncidents(list) {
  byId("incidents-empty").hidden = list.length > 0;
  const now = JSON.stringify(list);
  if (now === incidentsShown) return; // keeps the focus where it is
  incidentsShown = now;
  byId("incidents").replaceChildren(...list.map((i) => {
    const li = el("li");
    const b = el("button", "incident");
    b.type = "button";
    b.append(el("span", "sev " + i.severity, i.severity), el("span", "name", i.title));
    const devices = i.devices || [];
    const facts = [number.format(i.findings) + (i.findings === 1 ? " finding" : " findings"), devices.length > 2 ? devices.length + " devices" : devices.join(", "), "last " + clock(i.last)];
    b.append(el("span", "route", facts.filter(Boolean).join(" · ")));
    b.addEventListener("click", () => openIncident(i.uid));
    li.append(b);
    return li;
  }));
}

async function openIncident(uid) {
  try {
    const resp = await fetch("/incidents/" + encodeURIComponent(uid), { signal: AbortSignal.timeout(10000) });
    if (!resp.ok) throw await resp.json().catch(() => ({ text: "Vedette answered " + resp.status, hint: "try again in a moment" }));
    const turn = renderIncident(await resp.json());
    show(turn);
    turn.focus();
    turn.scrollIntoView({ block: "nearest" });
  } catch (err) {
    show(renderTrouble("the incident", err instanceof TypeError ? { text: "Vedette does not answer", hint: "see in the terminal whether it still runs" } : err));
  }
}

function renderIncident(d) {
  const turn = el("article", "turn");
  turn.tabIndex = -1;
  turn.append(el("h2", "", d.title));
  const head = el("p", "read");
  head.append(el("span", "sev " + d.severity, d.severity), ", " + d.status + ", " + clock(d.first) + " to " + clock(d.last));
  if (d.techniques && d.techniques.length) head.append(". ATT&CK: " + d.techniques.join(", "));
  turn.append(head);
  if (d.stages && d.stages.length) turn.append(el("p", "read", "Stages: " + d.stages.join(" → ")));
  if (d.score) turn.append(el("p", "read", "Score: " + d.score));
  const steps = el("ol", "timeline");
  for (const m of d.timeline || []) {
    const li = el("li");
    const when = el("time", "when", clock(m.time));
    when.dateTime = m.time;
    li.append(when, el("span", "sev " + m.severity, m.severity), el("span", "name", m.title + (m.count > 1 ? " (" + number.format(m.count) + " times)" : "")));
    const route = [m.from, m.to].filter(Boolean).join(" → ");
    if (route) li.append(el("span", "route", route));
    for (const r of m.reasons || []) li.append(el("span", "route", r));
    steps.append(li);
  }
  turn.append(el("h3", "", "What happened"), steps);
  if (d.joined && d.joined.length) turn.append(el("h3", "", "Why these belong together"), bullets(d.joined));
  if (d.similar && d.similar.length) {
    turn.append(el("h3", "", "Similar earlier incidents"), bullets(d.similar.map((s) => s.title + ": " + s.why)));
  }
  turn.append(el("p", "foot", "In the terminal: vedette incidents show " + d.uid + ". Times are in UTC."));
  return turn;
}

// ---- which models may answer, and what went to them --------------------------

let aiShown = "";

async function loadAI() {
  try {
    const resp = await fetch("/ai", { signal: AbortSignal.timeout(10000) });
    if (resp.ok) showAI(await resp.json());
  } catch { /* the state tells when Vedette is gone */ }
}

function showAI(s) {
  const now = JSON.stringify(s);
  if (now === aiShown) return; // keeps the focus where it is
  aiShown = now;
  byId("ai-engine").textContent = s.asked
    ? "The built-in engine answers; a model may read what it does not understand, and add sentences that are checked. Mode: " + s.mode + "."
    : "The built-in engine answers alone; no model is at work. Mode: " + s.mode + ".";
  byId("ai-models").replaceChildren(...(s.models || []).map((m) => {
    const li = el("li");
    const p = el("div", "incident");
    p.append(el("span", "sev " + (m.state === "approved" ? "good" : ""), m.state), el("span", "name", m.name || m.id));
    p.append(el("span", "route", [m.id, m.location, m.by && "by " + m.by, m.problem].filter(Boolean).join(" \u00b7 ")));
    li.append(p);
    return li;
  }));
  const sent = s.sent || [];
  byId("ai-ledger").hidden = sent.length === 0;
  byId("ai-sent").replaceChildren(...sent.map((c) => {
    const li = el("li");
    const when = el("time", "when", clock(c.time).slice(11));
    when.dateTime = c.time;
    li.append(when, el("span", "name", c.outcome + ": " + [c.task, c.endpoint, c.location].filter(Boolean).join(", ")));
    li.append(el("span", "route", ["label " + c.label, c.bytes && c.bytes + " bytes", c.person && "for " + c.person, c.why].filter(Boolean).join(" \u00b7 ")));
    return li;
  }));
}

async function post(path, body) {
  const resp = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal: AbortSignal.timeout(20000) });
  const data = await resp.json().catch(() => ({ text: "Vedette answered " + resp.status, hint: "try again in a moment" }));
  if (!resp.ok) throw data;
  return data;
}

function trouble(err) {
  if (err instanceof TypeError || err instanceof DOMException) return "Vedette does not answer; see in the terminal whether it still runs.";
  return sentence(err.text || "that failed") + (err.hint ? " " + sentence(err.hint) : "");
}

async function findModels() {
  const box = byId("ai-found");
  box.replaceChildren(el("p", "total", "Looking\u2026"));
  try {
    const list = await post("/ai/find", {});
    if (!list.length) {
      box.replaceChildren(el("p", "empty", "No model server answers on this machine. Everything works without one; other hosts: vedette models discover --host NAME"));
      return;
    }
    box.replaceChildren(...list.map(foundModel));
  } catch (err) {
    box.replaceChildren(el("p", "empty", trouble(err)));
  }
}

function foundModel(m) {
  const card = el("div", "found");
  card.append(el("span", "name", m.name), el("span", "route", [m.software, m.url, "family " + m.family, m.context && number.format(m.context) + " tokens"].filter(Boolean).join(" \u00b7 ")));
  for (const lack of m.lacks || []) card.append(el("span", "route", sentence(lack)));
  if (m.cloud) { card.append(el("span", "route", "It runs in a cloud (" + m.cloud + "): configure it with its terms.")); return card; }
  if (!m.usable) return card;
  const form = el("form", "approve");
  const field = (label, name) => {
    const l = el("label", "", label);
    const i = el("input");
    i.name = name; i.required = true; i.maxLength = 200; i.autocomplete = "off";
    l.append(i);
    form.append(l);
  };
  field("Your name", "by");
  field("Why it may be used", "why");
  const go = el("button", "", "Approve");
  go.type = "submit";
  const said = el("p", "total");
  form.append(go, said);
  form.addEventListener("submit", async (e) => {
    e.preventDefault();
    go.disabled = true;
    try {
      showAI(await post("/ai/use", { url: m.url, model: m.name, by: form.elements.by.value, why: form.elements.why.value }));
      byId("ai-found").replaceChildren(el("p", "total", "Approved and at work. To take it back: vedette models retire ID --by NAME --why \u2026"));
    } catch (err) {
      said.textContent = trouble(err);
      go.disabled = false;
    }
  });
  card.append(form);
  return card;
}

function bullets(list) {
  const ul = el("ul", "bullets");
  for (const text of list) ul.append(el("li", "", text));
  return ul;
}

function showLatest(list) {
  byId("latest-empty").hidden = list.length > 0;
  byId("latest").replaceChildren(...list.map((h) => {
    const li = el("li");
    const when = el("time", "when", clock(h.time).slice(11));
    when.dateTime = h.time;
    li.append(when);
    if (h.severity) li.append(el("span", "sev " + (h.severity === "high" ? "high" : "medium"), h.severity + ": "));
    li.append(el("span", "", h.what));
    const route = [h.from, h.to].filter(Boolean).join(" → ");
    if (route) li.append(el("span", "route", route));
    return li;
  }));
}

function showLive(state, text) {
  byId("live").className = "live " + state;
  byId("live-text").textContent = text;
}

async function refresh() {
  if (!document.hidden) {
    try {
      const resp = await fetch("/state", { signal: AbortSignal.timeout(10000) });
      if (resp.status === 401) showLive("off", "Session ended: open the link in the terminal");
      else if (!resp.ok) showLive("off", "Vedette has a problem (" + resp.status + ")");
      else {
        showState(await resp.json());
        showLive("on", "Live");
      }
    } catch {
      showLive("off", "Vedette does not answer");
    }
  }
  setTimeout(refresh, 2000);
}

// ---- asking ----------------------------------------------------------------

async function ask(text, follow) {
  text = text.trim();
  if (!text) {
    byId("question").focus();
    byId("said").textContent = "Type a question first.";
    return;
  }
  if (asking) asking.abort();
  const mine = asking = new AbortController();
  busy(true);
  byId("said").textContent = "Asking.";
  if (matchMedia("(max-width: 40rem)").matches) byId("offers").open = false;
  try {
    const resp = await fetch("/ask", {
      method: "POST", signal: mine.signal,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ question: text, follow: follow || "" }),
    });
    if (resp.status === 401) throw { text: "your session has ended", hint: "open the link that the terminal shows" };
    if (!resp.ok) throw await resp.json().catch(() => ({ text: "Vedette answered " + resp.status, hint: "try again in a moment" }));
    const answer = await resp.json();
    conversation = answer.conversation;
    show(renderAnswer(answer));
    const count = (answer.answer || []).length;
    byId("said").textContent = stateWord(answer.status) + ". " + (count ? answer.answer[0].text : "");
  } catch (err) {
    if (mine.signal.aborted) return;
    if (err instanceof TypeError) err = { text: "Vedette does not answer", hint: "see in the terminal whether it still runs, then ask again" };
    if (err.kind === "not found") conversation = "";
    show(renderTrouble(text, err));
    byId("said").textContent = "No answer: " + err.text + ".";
  } finally {
    if (asking === mine) {
      asking = null;
      busy(false);
    }
  }
}

function busy(on) {
  byId("submit").setAttribute("aria-busy", String(on));
  byId("submit").textContent = on ? "Asking" : "Ask";
  byId("thread").hidden = on || !conversation;
}

function show(turn) {
  byId("empty").hidden = true;
  byId("answers").prepend(turn);
}

function askFresh(text) {
  conversation = "";
  byId("question").value = text;
  window.scrollTo({ top: 0 });
  return ask(text, "");
}

// ---- an answer ---------------------------------------------------------------

function stateWord(status) {
  return { answered: "Answered", partly: "Partly answered", not_understood: "Not understood", refused: "Refused" }[status] || status;
}

function renderTrouble(question, problem) {
  const turn = el("article", "turn trouble");
  turn.append(el("h2", "", "No answer to: " + question), el("p", "", sentence(problem.text)));
  if (problem.hint) turn.append(el("p", "", "What to do: " + problem.hint + "."));
  return turn;
}

function sentence(text) { return text ? text[0].toUpperCase() + text.slice(1) + "." : ""; }

function renderAnswer(a) {
  const id = "t" + ++turns;
  const turn = el("article", "turn");
  turn.append(el("h2", "", a.question));
  const read = el("p", "read");
  read.append(el("span", "state " + a.status, stateWord(a.status)));
  if (a.read_as && a.status !== "not_understood") read.append(". Read as: " + a.read_as);
  turn.append(read, a.status === "not_understood" ? el("p", "says", (a.answer || []).map((s) => s.text).join(" ")) : renderSentences(a.answer || [], id));
  const chart = a.chart && renderChart(a.chart, a.evidence || []);
  if (chart) turn.append(chart);
  for (const e of a.evidence || []) turn.append(renderEvidence(e, id));
  if (a.suggestions && a.suggestions.length) turn.append(renderSuggestions(a.suggestions, a.status === "not_understood"));
  for (const note of a.model_notes || []) turn.append(el("p", "foot", sentence(note)));
  if (a.used) {
    const cost = a.used.cost ? ", " + a.used.cost.toFixed(4) + " " + (a.used.currency || "") : "";
    turn.append(el("p", "foot", "The model was asked " + a.used.calls + (a.used.calls === 1 ? " time: " : " times: ") + number.format(a.used.tokens_in) + " tokens in, " + number.format(a.used.tokens_out) + " out" + cost + "."));
  }
  turn.append(el("p", "foot", engine(a) + " " + a.seconds.toFixed(2) + " s. Times are in UTC."));
  return turn;
}

function engine(a) {
  const read = a.planner ? "The question was read by " + a.planner.name + " (" + a.planner.location + "). " : "";
  if (!a.model || a.model.location === "built-in") {
    return read + (read ? "Answered by the built-in engine in" : "Answered by the built-in engine, without a language model, in");
  }
  return read + "Answered by the built-in engine; sentences marked \u201cmodel\u201d by " + a.model.name + " (" + a.model.location + "), in";
}

function renderSentences(list, id) {
  const ul = el("ul", "says");
  for (const s of list) {
    const good = s.status === "verified";
    const li = el("li", good ? "" : "unsupported");
    const mark = el("span", "mark", good ? "✓" : "?");
    mark.setAttribute("aria-hidden", "true");
    mark.title = good ? "Verified against the evidence" : "Not supported by the evidence";
    const body = el("span");
    body.append(el("span", "sr", good ? "Verified: " : "Not supported by evidence: "), s.text);
    if (s.by === "model") body.append(el("span", "by", "model"));
    for (const e of s.evidence || []) {
      const a = el("a", "cite", e);
      a.href = "#" + id + "-" + e;
      a.setAttribute("aria-label", "evidence " + e);
      body.append(a);
    }
    li.append(mark, body);
    ul.append(li);
  }
  return ul;
}

// After a question that was not understood there is nothing to follow up on.
function renderSuggestions(list, fresh) {
  const box = el("div", "next");
  box.append(el("h3", "", "Ask next"));
  const ul = el("ul", "examples");
  for (const text of list) {
    const li = el("li");
    const b = el("button", "example", text);
    b.type = "button";
    b.addEventListener("click", () => {
      byId("question").value = text;
      window.scrollTo({ top: 0 });
      ask(text, fresh ? "" : conversation);
    });
    li.append(b);
    ul.append(li);
  }
  box.append(ul);
  return box;
}

// ---- a chart -------------------------------------------------------------------

function svg(tag, attrs, text) {
  const n = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [k, v] of Object.entries(attrs)) n.setAttribute(k, v);
  if (text !== undefined) n.textContent = text;
  return n;
}

// The table below has the same figures for who cannot see the drawing.
function renderChart(c, evidence) {
  const e = evidence.find((one) => one.id === c.evidence);
  if (!e || !e.rows || !e.rows.length) return null;
  const figure = el("figure", "chart");
  const drawn = c.kind === "line" ? drawLine(c, e.rows, (evidence.find((one) => one.id === c.before) || {}).rows) : drawBars(c, e.rows);
  if (!drawn) return null;
  drawn.setAttribute("role", "img");
  drawn.setAttribute("aria-label", c.y + (c.kind === "line" ? " over time" : " by " + c.x.join(", ")) + "; evidence " + c.evidence + " has the figures");
  figure.append(drawn, el("figcaption", "", c.y + (c.kind === "line" ? " over time" : " by " + c.x.join(", ")) + (c.before ? "; the thin marks are the earlier period" : "")));
  return figure;
}

const chartW = 720, chartH = 160;

function perTime(c, rows) {
  const sums = new Map();
  for (const r of rows || []) {
    const t = Date.parse(r[c.x[0]]);
    if (!Number.isNaN(t) && typeof r[c.y] === "number") sums.set(t, (sums.get(t) || 0) + r[c.y]);
  }
  return [...sums].sort((a, b) => a[0] - b[0]);
}

function drawLine(c, rows, before) {
  const now = perTime(c, rows), was = perTime(c, before);
  const step = c.width * 1000, first = now.length ? now[0][0] : 0;
  const n = now.length ? Math.round((now[now.length - 1][0] - first) / step) + 1 : 0;
  if (n < 2 || n > 5000) return null;
  const top = Math.max(...now.map((p) => p[1]), ...was.map((p) => p[1]), 0);
  if (!(top > 0)) return null;
  const s = svg("svg", { viewBox: "0 0 " + chartW + " " + (chartH + 20), preserveAspectRatio: "none" });
  const w = chartW / n;
  for (const [t, v] of now) {
    const h = (v / top) * chartH;
    const bar = svg("rect", { class: "now", x: (((t - first) / step) * w).toFixed(2), y: (chartH - h).toFixed(2), width: Math.max(1, w * 0.86).toFixed(2), height: h.toFixed(2) });
    bar.append(svg("title", {}, clock(new Date(t).toISOString()) + ": " + number.format(v)));
    s.append(bar);
  }
  const then = was.length ? was[0][0] : 0;
  for (const [t, v] of was) {
    const y = chartH - (v / top) * chartH;
    s.append(svg("rect", { class: "was", x: (((t - then) / step) * w).toFixed(2), y: y.toFixed(2), width: Math.max(1, w * 0.86).toFixed(2), height: 2 }));
  }
  s.append(svg("line", { class: "axis", x1: 0, x2: chartW, y1: chartH, y2: chartH }));
  const box = el("div", "plot");
  const ends = el("div", "ends");
  ends.append(el("span", "", clock(new Date(first).toISOString())), el("span", "", "peak " + number.format(Math.max(...now.map((p) => p[1])))), el("span", "", clock(new Date(now[now.length - 1][0]).toISOString())));
  box.append(s, ends);
  return box;
}

function drawBars(c, rows) {
  const top = Math.max(...rows.map((r) => Math.max(r[c.y] || 0, r[c.before] || 0)));
  if (!(top > 0)) return null;
  const list = el("div", "bars");
  for (const r of rows) {
    const name = c.x.map((x) => r[x]).filter((v) => v !== null && v !== "").map(String).join(" ");
    const bar = svg("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none" });
    bar.append(svg("rect", { class: "now", x: 0, y: 1, width: (Math.max(0, r[c.y] || 0) / top) * 100, height: 8 }));
    if (c.before) bar.append(svg("rect", { class: "was", x: Math.min(99, ((r[c.before] || 0) / top) * 100), y: 0, width: 1, height: 10 }));
    list.append(el("span", "name", name), bar, el("span", "value", cellText(r[c.y], false)));
  }
  return list;
}

// ---- evidence ------------------------------------------------------------------

function renderEvidence(e, id) {
  const box = el("section", "proof");
  box.id = id + "-" + e.id;
  box.tabIndex = -1;
  const head = el("div", "proof-head");
  const title = el("h3", "", "Evidence " + e.id);
  title.id = box.id + "-title";
  box.setAttribute("aria-labelledby", title.id);
  const rows = e.rows || [];
  const shown = rows.length < e.total ? number.format(rows.length) + " of " + number.format(e.total) + " rows" : number.format(e.total) + (e.total === 1 ? " row" : " rows");
  head.append(title, el("span", "total", shown));
  box.append(head, el("code", "query", e.query));
  if (!rows.length) {
    box.append(el("p", "none", "No rows: nothing stored matches this query."));
    return box;
  }
  const csv = el("button", "plain csv", "Download CSV");
  csv.type = "button";
  csv.setAttribute("aria-label", "Download evidence " + e.id + " as CSV");
  csv.addEventListener("click", () => download(e, rows));
  head.append(csv);
  box.append(renderTable(e, rows, title.id));
  return box;
}

function renderTable(e, rows, labelledBy) {
  const columns = e.columns.filter((c) => rows.some((r) => r[c] !== null && r[c] !== ""));
  const numeric = new Set(columns.filter((c) => rows.every((r) => r[c] === null || typeof r[c] === "number") && !isLabel(c)));
  const scroll = el("div", "scroll");
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-labelledby", labelledBy);
  const table = el("table");
  const headRow = el("tr");
  for (const c of columns) {
    const th = el("th", numeric.has(c) ? "num" : "", c);
    th.scope = "col";
    headRow.append(th);
  }
  const thead = el("thead");
  thead.append(headRow);
  const tbody = el("tbody");
  for (const r of rows) {
    const tr = el("tr");
    for (const c of columns) {
      const text = cellText(r[c], isLabel(c));
      tr.append(el("td", numeric.has(c) ? "num" : text.length > 60 || text.includes("\n") ? "long" : "", text));
    }
    tbody.append(tr);
  }
  table.append(thead, tbody);
  scroll.append(table);
  return scroll;
}

// isLabel tells numbers that name something: they get no thousands separator.
function isLabel(column) { return /(port|pid|uid|code|level|unit|vlan|address)$/i.test(column); }

const timeShape = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/;

function clock(iso) { return iso.slice(0, 19).replace("T", " "); }

function cellText(v, plain) {
  if (v === null || v === undefined || v === "") return "–";
  if (Array.isArray(v)) return v.map(String).join(v.some((x) => String(x).length > 20) ? "\n" : ", ");
  if (typeof v === "number") return plain ? String(v) : Number.isInteger(v) ? number.format(v) : String(Math.round(v * 1000) / 1000);
  if (typeof v === "string" && timeShape.test(v)) return clock(v);
  return String(v);
}

// csvCell keeps a spreadsheet from running what a device wrote.
function csvCell(v) {
  let s = v === null || v === undefined ? "" : Array.isArray(v) ? v.join(" ") : String(v);
  if (/^[=+\-@\t\r]/.test(s) && typeof v !== "number") s = "'" + s;
  return /[",\r\n]/.test(s) ? '"' + s.replaceAll('"', '""') + '"' : s;
}

function download(e, rows) {
  const lines = [e.columns, ...rows.map((r) => e.columns.map((c) => r[c]))].map((l) => l.map(csvCell).join(","));
  const a = el("a");
  a.href = URL.createObjectURL(new Blob([lines.join("\r\n") + "\r\n"], { type: "text/csv" }));
  a.download = "vedette-" + e.id + ".csv";
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 1000);
}

// ---- the page --------------------------------------------------------------------

byId("form").addEventListener("submit", (ev) => {
  ev.preventDefault();
  ask(byId("question").value, conversation);
});

byId("fresh").addEventListener("click", () => {
  conversation = "";
  byId("thread").hidden = true;
  byId("answers").replaceChildren(byId("empty"));
  byId("empty").hidden = false;
  byId("question").value = "";
  byId("question").focus();
});

byId("examples").addEventListener("click", (ev) => {
  const b = ev.target.closest("button");
  if (b) askFresh(b.textContent);
});

document.addEventListener("keydown", (ev) => {
  const box = byId("question");
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(ev.target.tagName);
  if (ev.key === "/" && !typing && !ev.ctrlKey && !ev.metaKey && !ev.altKey) {
    ev.preventDefault();
    box.focus();
    box.select();
  } else if (ev.key === "Escape") {
    if (asking) asking.abort();
    box.value = "";
    box.focus();
  }
});

byId("ai-find").addEventListener("click", findModels);
setInterval(loadAI, 5000);
loadAI();

const asked = new URLSearchParams(location.search).get("q");
if (asked) askFresh(asked);
else if (matchMedia("(hover: hover)").matches) byId("question").focus();
refresh();
