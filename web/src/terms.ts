// Text of the query language, as far as the pages write it themselves. The
// grammar is in docs/query.md.

const bare = /^[^\s(),|=<>!~^$"\\\ufffd]+$/;
const keywords = new Set(["and", "or", "not", "in", "exists", "last", "from", "to", "devices", "by", "where", "as", "true", "false", "sequence", "then", "within"]);

/** quote writes a value so that it is read back as one. */
export const quote = (v: string) => bare.test(v) && !keywords.has(v.toLowerCase()) ? v : '"' + v.replaceAll("\\", "\\\\").replaceAll('"', '\\"') + '"';

/** term is a condition that a field has a value, or not. */
export const term = (field: string, value: string, not = false) => field + (not ? "!=" : "=") + quote(value);

/** halves splits a query where its first stage begins, outside of quotes. */
export function halves(text: string): [string, string] {
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\\" && quoted) i++;
    else if (text[i] === '"') quoted = !quoted;
    else if (text[i] === "|" && !quoted) return [text.slice(0, i).trim(), text.slice(i).trim()];
  }
  return [text.trim(), ""];
}

/** withTerm adds a condition to a query, once. */
export function withTerm(text: string, t: string) {
  const [where, stages] = halves(text);
  if ((" " + where + " ").includes(" " + t + " ")) return text;
  return [where, t, stages].filter(Boolean).join(" ");
}

const timed = /(^|\s)(last\s+\S+|(from|to)\s+\d{4}-\S+)/;

/** saysTime tells whether a query names a time of its own. */
export const saysTime = (text: string) => timed.test(halves(text)[0]);
export const isDevices = (text: string) => /^\s*devices(\s|$)/.test(text);
export const isSequence = (text: string) => /^\s*sequence(\s|$)/.test(text);
