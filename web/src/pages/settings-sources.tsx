import { useState } from "preact/hooks";
import { call, get, Problem, type Page } from "../api";
import { may } from "../me";
import { clock, visible } from "../show";
import { Show, Trouble, useLoad } from "../parts/load";
import { Rows } from "../parts/rows";
import { BrokerUsers } from "./settings-brokers";
import { Origin, Why } from "./settings-kept";

type Config = { name: string; kind: string } & Record<string, string | boolean | number | string[]>;
interface By { version: number; by: string; at: string; why?: string }
interface Check { state: string; text: string }
interface View { config: Config; origin: string; place?: string; fixed: boolean; version: number; by?: By; stopped?: By; rests?: string; checks?: Check[] }

// What each kind has: key, label, and whether it is a list, yes or no, a number, or a text.
type Field = [string, string, "text" | "list" | "flag" | "number"];
const listen: Field = ["listen", "Address to listen on, such as 192.0.2.10:5514", "text"];
const cert: Field[] = [["cert_file", "File of the certificate; empty: in the clear", "text"], ["key_file", "File of its key", "text"]];
const filter: Field = ["filter", "Which packets are taken, as in tcpdump, such as tcp port 502 or arp; empty: all", "text"];
const kinds: Record<string, Field[]> = {
  syslog: [listen, ["transport", "udp, tcp or both; empty: both", "text"], ...cert],
  netflow: [listen, ["allow", "Addresses and networks that may send, one a line; empty: all", "list"]],
  tail: [["paths", "Files or patterns, one a line, such as /var/log/zeek/*.log", "list"]],
  mqtt: [["broker", "Broker, such as mqtts://broker.example:8883 or wss://broker.example/mqtt", "text"], ["topics", "Topics, one a line, such as plants/#", "list"], ["devices", "What a topic tells, one a line, such as plants/{zone}/{device}/{metric}", "list"],
    ["user", "User; empty: none", "text"], ["password_file", "File with the password", "text"], ["ca_file", "File of the authority; empty: those of the system", "text"], ...cert, ["cleartext", "Allow a password without encryption", "flag"]],
  broker: [listen, ["users_file", "File of its users", "text"], ["devices", "What a topic tells, one a line", "list"], ...cert],
  captures: [["paths", "Capture files or patterns, one a line, such as /var/log/captures/*.pcap*", "list"], filter],
  capture: [["interface", "Network interface, such as eth1", "text"], ["promiscuous", "Also what is for others, as from a mirror port", "flag"],
    ["ring", "Memory that holds bursts, such as 128MB; empty: 64MB", "text"], ["snap", "Bytes of each packet that are taken, such as 256; empty: all", "text"],
    filter, ["readers", "How many read at once, 1 to 16; empty: 1", "number"]],
};
const quiet: Field = ["quiet", "Silent after, such as 15m", "text"];

const rest = (c: Config) => Object.entries(c).filter(([k]) => k !== "name" && k !== "kind").map(([k, v]) => k + " " + (Array.isArray(v) ? v.join(", ") : String(v))).join("; ");

/** SourceSettings shows where each source is set, and lets administrators change them. */
export function SourceSettings({ changed }: { changed: () => void }) {
  const got = useLoad((s) => get<Page<View>>("/settings/sources", s), []);
  const [edits, setEdits] = useState<View | "new" | null>(null);
  const [doing, setDoing] = useState<[View, string] | null>(null);
  const done = () => { setEdits(null); setDoing(null); got.reload(); changed(); };
  const write = may("sources.write");
  return (
    <>
      <h2>Where they are set</h2>
      {doing && <Do of={doing[0]} what={doing[1]} done={done} leave={() => setDoing(null)} />}
      <Show of={got}>{(d) => d.rows.length ? <Rows heads={["Name", "Settings", "Set", "", "", ""]} rows={d.rows.map((v) => [
        <>{visible(v.config.name)} <span class="soft">{v.config.kind}</span></>, <span class="break">{visible(rest(v.config))}</span>,
        <><Origin of={v} />{v.stopped && <span class="warn"> stopped by {visible(v.stopped.by)}, {clock(v.stopped.at)}{v.stopped.why ? ": " + visible(v.stopped.why) : ""}</span>}{v.rests && <span class="warn"> {visible(v.rests)}</span>}</>,
        write && !v.rests && <button type="button" class="link" onClick={() => setDoing([v, v.stopped ? "start" : "stop"])}>{v.stopped ? "Start" : "Stop"}</button>,
        write && !v.fixed && <button type="button" class="link" onClick={() => setEdits(v)}>Change</button>,
        write && !v.fixed && <button type="button" class="link" onClick={() => setDoing([v, "remove"])}>Remove</button>,
      ])} /> : <p class="none">None is set.</p>}</Show>
      {write && edits === null && <p class="bar"><button type="button" class="quiet" onClick={() => setEdits("new")}>Add a source</button></p>}
      {edits !== null && <Edit key={edits === "new" ? "" : edits.config.name} of={edits === "new" ? null : edits} done={done} leave={() => setEdits(null)} />}
      {got.data?.rows.filter((v) => v.config.kind === "broker" && !v.rests).map((v) => <BrokerUsers key={v.config.name} broker={v.config.name} />)}
    </>
  );
}

function Do({ of, what, done, leave }: { of: View; what: string; done: () => void; leave: () => void }) {
  const [why, setWhy] = useState("");
  const [error, setError] = useState<Problem | null>(null);
  const path = "/settings/sources/" + encodeURIComponent(of.config.name);
  const go = () => what === "remove" ? call("DELETE", path + "?" + new URLSearchParams({ why }), undefined, undefined, of.version) : call("POST", path + "/state", { do: what, why }, undefined, of.version);
  const word = what[0].toUpperCase() + what.slice(1);
  return (
    <form class="decide" onSubmit={(ev) => { ev.preventDefault(); go().then(done, setError); }}>
      <h2>{word} {visible(of.config.name)}</h2>
      {what !== "start" && <p class="soft">What it received is kept; what is sent to it from then on is not taken in{what === "stop" ? " until it is started, also after a restart of the server" : ""}.</p>}
      {error && <Trouble error={error} />}
      <Why value={why} set={setWhy} />
      <p><button type="submit" disabled={!why.trim()}>{word}</button><button type="button" class="quiet" onClick={leave}>Leave it</button></p>
    </form>
  );
}

function Edit({ of, done, leave }: { of: View | null; done: () => void; leave: () => void }) {
  const [name, setName] = useState(of?.config.name || "");
  const [kind, setKind] = useState(of?.config.kind || "syslog");
  const [values, setValues] = useState<Record<string, string | boolean>>(() => Object.fromEntries(Object.entries(of?.config || {}).map(([k, v]) => [k, Array.isArray(v) ? v.join("\n") : typeof v === "number" ? String(v) : v])));
  const [why, setWhy] = useState("");
  const [checks, setChecks] = useState<Check[] | null>(null);
  const [error, setError] = useState<Problem | null>(null);
  const fields = [...kinds[kind], quiet];
  const config = () => {
    const out: Record<string, unknown> = { ...(of?.config || {}), name, kind };
    for (const [key, , type] of fields) {
      const v = values[key];
      const value = type === "list" ? String(v || "").split("\n").map((l) => l.trim()).filter(Boolean) : type === "flag" ? Boolean(v) : type === "number" && /^\d+$/.test(String(v || "").trim()) ? Number(v) : String(v || "").trim();
      if (value && (!Array.isArray(value) || value.length)) out[key] = value; else delete out[key];
    }
    return out;
  };
  const send = (more: object) => of ? call<View>("PUT", "/settings/sources/" + encodeURIComponent(name), { config: config(), ...more }, undefined, of.version) : call<View>("POST", "/settings/sources", { config: config(), ...more });
  const set = (key: string, v: string | boolean) => { setValues((o) => ({ ...o, [key]: v })); setChecks(null); };
  const bad = checks?.some((c) => c.state === "problem");
  return (
    <form class="decide" onSubmit={(ev) => {
      ev.preventDefault();
      if (!checks) send({ check: true }).then((v) => { setChecks(v.checks || []); setError(null); }, setError);
      else send({ why, confirm: true }).then(done, setError);
    }}>
      <h2>{of ? "Change " + visible(name) : "Add a source"}</h2>
      {!of && <label>Name<input value={name} required maxLength={64} autocomplete="off" onInput={(ev) => { setName(ev.currentTarget.value); setChecks(null); }} /></label>}
      {!of && <label>Kind<select value={kind} onChange={(ev) => { setKind(ev.currentTarget.value); setChecks(null); }}>{Object.keys(kinds).map((k) => <option key={k}>{k}</option>)}</select></label>}
      {fields.map(([key, label, type]) => type === "flag"
        ? <label key={key} class="tick"><span><input type="checkbox" checked={Boolean(values[key])} onChange={(ev) => set(key, ev.currentTarget.checked)} /> {label}</span></label>
        : <label key={key}>{label}{type === "list" ? <textarea rows={3} value={String(values[key] || "")} onInput={(ev) => set(key, ev.currentTarget.value)} /> : <input value={String(values[key] || "")} inputMode={type === "number" ? "numeric" : "text"} autocomplete="off" onInput={(ev) => set(key, ev.currentTarget.value)} />}</label>)}
      {error && <Trouble error={error} />}
      {checks && <><ul class="plain" role="status">{checks.map((c, i) => <li key={i} class={c.state === "ok" ? "" : "warn"}>{c.state === "ok" ? "\u2713" : c.state === "problem" ? "\u2717" : "!"} {visible(c.text)}</li>)}</ul><Why value={why} set={setWhy} /></>}
      <p>
        {checks ? <button type="submit" disabled={!why.trim()}>{bad ? "Set it all the same" : "Set it"}</button> : <button type="submit" disabled={!name.trim()}>Try it</button>}
        <button type="button" class="quiet" onClick={leave}>Leave it</button>
      </p>
    </form>
  );
}
