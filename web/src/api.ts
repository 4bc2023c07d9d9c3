// The API of the server. What comes back was partly written by devices and third
// parties: it is only ever put on the page as text.

/** Problem is an error as RFC 9457 has it. */
export class Problem extends Error {
  constructor(readonly status: number, detail: string, readonly hint = "") { super(detail); }
}

async function problemOf(resp: Response): Promise<Problem> {
  const body = await resp.json().catch(() => ({}));
  return new Problem(resp.status, body.detail || "the server answered " + resp.status, body.hint || "");
}

/** call asks the server and returns what it answers; failures are Problems. seen is the version that a change is meant for. */
export async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal, seen?: number): Promise<T> {
  let resp: Response;
  try {
    resp = await fetch("/api/v1" + path, {
      method, signal,
      headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...(seen === undefined ? {} : { "If-Match": `"v${seen}"` }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (err) {
    if (err instanceof DOMException && err.name === "AbortError") throw err;
    throw new Problem(0, "Vedette does not answer", "see whether the server still runs; this page tries again");
  }
  if (resp.status === 401 && !path.startsWith("/account/")) {
    location.assign("/signin");
    throw new Problem(401, "your session has ended", "sign in again");
  }
  if (!resp.ok) throw await problemOf(resp);
  if (resp.status === 204) return undefined as T;
  return await resp.json() as T;
}

/** stream asks the server and hands on the events that it answers with. */
export async function stream(path: string, body: unknown, signal: AbortSignal, each: (event: string, data: unknown) => void): Promise<void> {
  let resp: Response;
  try {
    resp = await fetch("/api/v1" + path, { method: "POST", signal, headers: { "Content-Type": "application/json", Accept: "text/event-stream" }, body: JSON.stringify(body) });
  } catch (err) {
    if (err instanceof DOMException && err.name === "AbortError") throw err;
    throw new Problem(0, "Vedette does not answer", "see whether the server still runs");
  }
  if (!resp.ok || !resp.body) throw await problemOf(resp);
  const reader = resp.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop()!;
    for (const p of parts) {
      const event = /^event: (.*)$/m.exec(p)?.[1], data = JSON.parse(/^data: (.*)$/m.exec(p)?.[1] || "null");
      if (event === "problem") throw new Problem(data.status, data.detail, data.hint || "");
      if (event) each(event, data);
    }
  }
}

export const get = <T>(path: string, signal?: AbortSignal) => call<T>("GET", path, undefined, signal);
export const post = <T>(path: string, body: unknown, signal?: AbortSignal) => call<T>("POST", path, body, signal);

export type Cell = null | string | number | boolean | string[];
export type Row = Record<string, Cell>;
export interface Table { columns: string[]; rows: Row[]; total: number }
export interface Page<T> { rows: T[]; total: number; next?: string }

/** query runs text of the query language. */
export const query = (text: string, signal?: AbortSignal) => post<Table>("/query", { query: text }, signal);

export interface Me { id: string; name: string; roles: string[] | null; zones: string[] | null; actions: string[]; version: string; demo: boolean; examples: string[] | null; now: string }

export interface Sentence { text: string; status: string; evidence: string[] | null; by?: string }
export interface Evidence { id: string; query: string; columns: string[]; rows: Row[]; total: number }
export interface Chart { kind: string; evidence: string; x: string[]; y: string; width?: number; before?: string; shift?: number }
export interface Answer {
  question: string; conversation: string; read_as: string; status: string; answer: Sentence[]; evidence: Evidence[]; chart?: Chart;
  suggestions: string[] | null; model: { name: string; location: string }; planner?: { name: string; location: string }; model_notes?: string[];
  used?: { calls: number; tokens_in: number; tokens_out: number; cost?: number; currency?: string }; seconds: number;
}

export interface Technique { id: string; name?: string; count: number; first: string }
export interface Moment { first: string; last: string; title: string; rule: string; severity: number; source?: string; target?: string; tactic?: string; count: number; findings: string[] }
export interface Incident {
  uid: string; title: string; level: string; status: string; assignee: string; verdict: string; score: number; computed: { text: string; value: number }[] | null; first: string; last: string;
  devices: string[]; device_count: number; techniques: Technique[]; stages: { tactic: string; name: string; first: string; count: number; techniques: string[] }[];
  findings: { count: number; events: number; rules: { rule: string; title: string; severity: number; count: number }[] | null; telling: string[] };
  raised: string[] | null; note_count: number; outside?: { devices: number; moments: number; findings: number }; history?: { id?: string; at: string; by: string; what: string; why?: string }[];
}
export interface IncidentView extends Incident {
  timeline?: Moment[]; graph?: { nodes: GraphNode[]; edges: GraphEdge[] }; joins?: { reason: string; count: number }[]; merges?: { part?: string; reason: string }[];
  notes?: { id: string; at: string; by: string; text: string; query?: string; result?: { at: string; columns: string[]; rows: string[][]; total: number } }[];
  similar: { uid: string; title: string; why: string }[] | null; names: Record<string, string>;
}
export interface GraphNode { id: string; type: string; value: string; name?: string; role?: string; count: number }
export interface GraphEdge { from: string; to: string; kind: string; count: number }

export interface Device {
  uid: string; name: string; type: string; vendor: string; model: string; firmware: string; ips: string[] | null; macs: string[] | null; zone: string; level: string;
  criticality: string; state: string; first_seen: string; last_seen: string;
}
export interface Source { name: string; kind: string; address: string; state: string; text: string; since: string; last?: string; received: number; events: number; rejected: number; lost: number; refused: number; peers: number }
export interface Overview {
  stored: { events: number; devices: number; zones: number; oldest: string; newest: string; loading: number }; now: string; incidents: Incident[]; open: number; by_level: Record<string, number>; routine: { rule: string; title: string; count: number }[]; names: Record<string, string>;
  new_devices: Device[]; new_count: number; sources: Source[]; conditions: { name: string; state: string; text: string }[];
  latest: { time: string; log: string; from: string; to: string; what: string; severity?: string }[];
}
export interface Finding { uid: string; time: string; title: string; severity: number; rule: string; family: string; techniques: string[] | null; device: string; reasons?: { feature: string; observed?: string; usual?: string }[]; count: number }
