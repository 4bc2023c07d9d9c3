// How values become text.
import { signal } from "@preact/signals";
import type { Cell } from "./api";

function kept(key: string, without: string) {
  const s = signal(without);
  try { s.value = localStorage.getItem(key) || without; } catch { /* a browser that keeps nothing */ }
  s.subscribe((v) => { try { localStorage.setItem(key, v); } catch { /* as above */ } });
  return s;
}

/** zone is the time zone of all times: UTC, local, or a name such as Europe/Berlin. */
export const zone = kept("vedette.zone", "UTC");
/** zones lists the names that the browser knows. */
export const zones = (): string[] => Intl.supportedValuesOf("timeZone");

const clocks = new Map<string, Intl.DateTimeFormat | null>();

// clockOf is the clock of a named zone; null where there is no such zone.
function clockOf(name: string) {
  let f = clocks.get(name);
  if (f === undefined) {
    try { f = new Intl.DateTimeFormat("en-GB", { timeZone: name, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }); } catch { f = null; }
    clocks.set(name, f);
  }
  return f;
}
/** theme is auto, light or dark. */
export const theme = kept("vedette.theme", "auto");
theme.subscribe((v) => {
  if (v === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = v;
});

const formatter = new Intl.NumberFormat("en");
export const number = (n: number) => formatter.format(n);

export function bytes(n: number) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let i = 0;
  for (; n >= 1000 && i < units.length - 1; i++) n /= 1000;
  return (i ? n.toFixed(n < 10 ? 1 : 0) : String(n)) + " " + units[i];
}

export const isTime = (t: string | undefined | null): t is string => Boolean(t) && !t!.startsWith("0001");
const pad = (n: number, w = 2) => String(n).padStart(w, "0");

/** clock is a time to the second, in the zone that was chosen. */
export function clock(iso: string | number, seconds = true) {
  const d = new Date(iso);
  if (isNaN(+d)) return String(iso);
  const u = zone.value === "UTC", named = u || zone.value === "local" ? null : clockOf(zone.value);
  if (named) {
    const p = Object.fromEntries(named.formatToParts(d).map((x) => [x.type, x.value]));
    return `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}${seconds ? ":" + p.second : ""}`;
  }
  const day = u ? `${d.getUTCFullYear()}-${pad(d.getUTCMonth() + 1)}-${pad(d.getUTCDate())}` : `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())}`;
  const time = u ? `${pad(d.getUTCHours())}:${pad(d.getUTCMinutes())}` : `${pad(d.getHours())}:${pad(d.getMinutes())}`;
  return day + " " + time + (seconds ? ":" + pad(u ? d.getUTCSeconds() : d.getSeconds()) : "");
}

export function ago(iso: string, now: number) {
  const s = Math.max(0, Math.round((now - Date.parse(iso)) / 1000));
  if (s < 5) return "just now";
  if (s < 100) return s + " s ago";
  if (s < 6000) return Math.round(s / 60) + " min ago";
  if (s < 172800) return Math.round(s / 3600) + " h ago";
  return Math.round(s / 86400) + " days ago";
}

// What cannot be seen but changes what is read: controls, marks of direction,
// characters without width, tags.
const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb]|[\u{e0000}-\u{e0fff}]/gu;

/** visible makes hidden characters of a text of others visible. */
export function visible(text: unknown) {
  return String(text ?? "").replace(hidden, (c) => c === "\r" ? "\u240d" : "\u2039U+" + c.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0") + "\u203a");
}

const timeShape = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/;

/** isLabel tells numbers that name something: they get no separators. */
export const isLabel = (column: string) => /(port|pid|uid|code|level|unit|vlan|address|class_uid|severity_id)$/i.test(column);

/** cell is a value of a table as text. */
export function cell(v: Cell | undefined, column = ""): string {
  if (v === null || v === undefined || v === "") return "";
  if (Array.isArray(v)) return v.map((x) => visible(String(x))).join(", ");
  if (typeof v === "number") return isLabel(column) ? String(v) : Number.isInteger(v) ? number(v) : String(Math.round(v * 1000) / 1000);
  if (typeof v === "string" && timeShape.test(v)) return clock(v);
  return visible(String(v));
}

const severities = ["unknown", "informational", "low", "medium", "high", "critical", "fatal"];
export const severityWord = (n: number) => severities[n] || "unknown";

/** sentence begins with a capital and ends with a full stop. */
export const sentence = (t: string) => t ? t[0].toUpperCase() + t.slice(1) + (/[.!?]$/.test(t) ? "" : ".") : "";

export const plural = (n: number, one: string, many = one + "s") => number(n) + " " + (n === 1 ? one : many);

// What a spreadsheet would run gets a quote before it.
function csvCell(v: Cell | undefined) {
  let s = v === null || v === undefined ? "" : Array.isArray(v) ? v.join(" ") : String(v);
  if (/^[=+\-@\t\r]/.test(s) && typeof v !== "number") s = "'" + s;
  return /[",\r\n]/.test(s) ? '"' + s.replaceAll('"', '""') + '"' : s;
}

/** saveCSV hands rows to the browser as a file. */
export function saveCSV(name: string, columns: string[], rows: Record<string, Cell>[]) {
  const lines = [columns, ...rows.map((r) => columns.map((c) => r[c]))].map((l) => l.map(csvCell).join(","));
  const a = document.createElement("a");
  a.href = URL.createObjectURL(new Blob([lines.join("\r\n") + "\r\n"], { type: "text/csv" }));
  a.download = name + ".csv";
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 1000);
}
