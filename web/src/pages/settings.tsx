import { useState } from "preact/hooks";
import { call, get, post, Problem, type Page, type Source } from "../api";
import { limited, may, me } from "../me";
import { place } from "../route";
import { clock, isTime, number, visible } from "../show";
import { Show, Trouble, useLoad } from "../parts/load";
import { Rows } from "../parts/rows";
import { Aside, AsideNote } from "./settings-aside";
import { FeedSettings } from "./settings-feeds";
import { LimitSettings } from "./settings-limits";
import { History, Retention } from "./settings-kept";
import { ModelSettings } from "./settings-models";
import { RuleSettings } from "./settings-rules";
import { SourceSettings } from "./settings-sources";
import { ZoneSettings } from "./settings-zones";

const tabs: [string, string, () => boolean][] = [
  ["sources", "Sources", () => may("sources.read") && !limited()], ["aside", "Set aside", () => may("sources.write") && !limited()], ["retention", "Retention", () => may("settings.read") && !limited()], ["limits", "Limits", () => may("settings.read") && !limited()], ["rules", "Rules", () => may("rules.read") && !limited()], ["zones", "Zones", () => may("settings.read") && !limited()], ["feeds", "Feeds", () => may("settings.read") && !limited()], ["models", "Models", () => may("settings.read") && !limited()], ["users", "Users", () => may("users.read") && !limited()],
  ["tokens", "Tokens", () => true], ["sessions", "Sessions", () => true], ["journal", "Journal", () => may("audit.read") && !limited()], ["history", "Changes", () => may("settings.read") && !limited()], ["about", "About", () => true],
];

/** Settings: what comes in, who may come in, and what was done. */
export function Settings() {
  const mine = tabs.filter(([, , ok]) => ok());
  const at = mine.find(([k]) => k === place.value.params.get("part"))?.[0] || mine[0][0];
  return (
    <div class="page">
      <h1>Settings</h1>
      <nav class="tabs" aria-label="Settings">{mine.map(([k, t]) => <a key={k} href={"/settings?part=" + k} aria-current={k === at ? "page" : undefined}>{t}</a>)}</nav>
      {at === "sources" ? <Sources /> : at === "aside" ? <Aside /> : at === "users" ? <Users /> : at === "tokens" ? <Tokens /> : at === "sessions" ? <Sessions /> : at === "journal" ? <Journal /> : at === "zones" ? <ZoneSettings /> : at === "feeds" ? <FeedSettings /> : at === "models" ? <ModelSettings /> : at === "limits" ? <LimitSettings /> : at === "retention" ? <Retention /> : at === "rules" ? <RuleSettings /> : at === "history" ? <History /> : <About />}
    </div>
  );
}

function Sources() {
  const got = useLoad((s) => get<Page<Source>>("/sources", s), [], 3000);
  return <>{may("events.ingest") && <Upload />}<AsideNote /><Show of={got}>{(d) => d.rows.length ? (
    <Rows heads={["Source", "State", "Address", "Received", "Stored", "Rejected", "Refused", "Lost", "Peers", "Last"]} rows={d.rows.map((x) => [
      <>{visible(x.name)} <span class="soft">{x.kind}</span></>, <span class={x.state === "running" ? "" : "warn"}>{x.state} <span class="soft">{visible(x.text)}</span></span>, visible(x.address),
      number(x.received), number(x.events), number(x.rejected), number(x.refused), number(x.lost), number(x.peers), isTime(x.last) ? clock(x.last) : "never",
    ])} />
  ) : <p class="none">No live source is configured. <span class="soft">Name them under <code>sources:</code> in the configuration; docs/sources.md shows each kind, or add one below.</span></p>}</Show>{may("settings.read") && <SourceSettings changed={got.reload} />}</>;
}

interface Summary { stored: number; duplicates: number; rejected: number; devices: number }

/** Upload takes in files from this machine, as vedette ingest does. */
function Upload() {
  const [said, setSaid] = useState<string[]>([]);
  const [busy, setBusy] = useState(false);
  const send = async (files: FileList) => {
    setBusy(true);
    for (const f of files) {
      setSaid((old) => [...old, `${f.name}: being taken in`]);
      let line: string;
      try {
        const resp = await fetch("/api/v1/ingest?" + new URLSearchParams({ name: f.name }), { method: "POST", body: f });
        const d = await resp.json();
        line = resp.ok ? `${f.name}: ${number((d as Summary).stored)} events stored, ${number((d as Summary).duplicates)} were there, ${number((d as Summary).rejected)} records rejected` : `${f.name}: ${d.detail || resp.status}`;
      } catch { line = f.name + ": the server does not answer"; }
      setSaid((old) => [...old.slice(0, -1), line]);
    }
    setBusy(false);
  };
  return (
    <form class="decide" onSubmit={(ev) => ev.preventDefault()}>
      <label>Take in logs, captures or exports from this machine; each format is recognised<input type="file" multiple disabled={busy} onChange={(ev) => { const files = ev.currentTarget.files; if (files?.length) void send(files); }} /></label>
      <ul class="plain" role="status">{said.map((l, i) => <li key={i}>{visible(l)}</li>)}</ul>
    </form>
  );
}

interface User { uid: string; name: string; roles: string[]; zones: string[] | null; disabled: boolean; password: boolean; second: boolean; second_required: boolean; passkeys: number; provider?: string; created: string; signed_in: string }
const roles = ["viewer", "analyst", "responder", "auditor", "admin"];
const base = "/account/";

function Users() {
  const got = useLoad((s) => get<Page<User>>(base + "users", s), []);
  const [name, setName] = useState("");
  const [role, setRole] = useState("analyst");
  const [zones, setZones] = useState("");
  const [second, setSecond] = useState(false);
  const [error, setError] = useState<Problem | null>(null);
  const [link, setLink] = useState("");
  const done = () => { setError(null); got.reload(); };
  const act = (p: Promise<unknown>) => p.then(done, setError);
  return (
    <>
      {error && <Trouble error={error} />}
      {link && <p role="status">Give this link to the person; it works once, for a day: <code class="break">{location.origin + link}</code></p>}
      <Show of={got}>{(d) => <Rows heads={["Name", "Roles", "Zones", "Passkey after the password", "Signed in", "", ""]} rows={d.rows.map((u) => [
        <>{visible(u.name)}{u.disabled && <span class="warn"> disabled</span>}{!u.password && <span class="soft"> has no password yet</span>}</>, u.roles.join(", "), (u.zones || []).map(visible).join(", ") || "all", <PasskeyOf u={u} act={act} />, isTime(u.signed_in) ? clock(u.signed_in) : "never",
        may("users.write") && <button type="button" class="link" onClick={() => post<{ path: string }>(base + "users/" + encodeURIComponent(u.name) + "/link", {}).then((m) => { setLink(m.path); setError(null); }, setError)}>New link</button>,
        may("users.write") && u.name !== me.value!.name && <button type="button" class="link" onClick={() => { if (confirm(`Remove ${u.name}? Sessions and tokens end at once.`)) void act(call("DELETE", base + "users/" + encodeURIComponent(u.name))); }}>Remove</button>,
      ])} />}</Show>
      {may("users.write") && (
        <form class="decide" onSubmit={(ev) => { ev.preventDefault(); post<{ path: string }>(base + "users", { name, roles: [role], zones: zones.split(",").map((z) => z.trim()).filter(Boolean), second_required: second }).then((m) => { setLink(m.path); setName(""); setSecond(false); done(); }, setError); }}>
          <h2>Add a user</h2>
          <label>Name<input value={name} required maxLength={64} autocomplete="off" onInput={(ev) => setName(ev.currentTarget.value)} /></label>
          <label>Role<select value={role} onChange={(ev) => setRole(ev.currentTarget.value)}>{roles.map((r) => <option key={r}>{r}</option>)}</select></label>
          <label>Zones, separated by commas; empty for all<input value={zones} onInput={(ev) => setZones(ev.currentTarget.value)} /></label>
          <label class="tick"><span><input type="checkbox" checked={second} onChange={(ev) => setSecond(ev.currentTarget.checked)} /> A passkey must follow the password</span></label>
          <p><button type="submit" disabled={!name.trim()}>Add</button></p>
        </form>
      )}
    </>
  );
}

/** PasskeyOf tells whether a password alone signs the account in, and lets an administrator require more. */
function PasskeyOf({ u, act }: { u: User; act: (p: Promise<unknown>) => unknown }) {
  if (u.provider) return <span class="soft">the provider's</span>;
  const words = u.second_required ? "required" : u.second ? "by own choice" : "no";
  const warn = u.second_required && u.password && !u.passkeys;
  return <>{words} <span class={warn ? "warn" : "soft"}>{u.passkeys === 1 ? "1 passkey" : number(u.passkeys) + " passkeys"}</span>{" "}
    {may("users.write") && <button type="button" class="link" aria-label={(u.second_required ? "No longer require a passkey of " : "Require a passkey of ") + u.name} onClick={() => {
      if (u.second_required || u.passkeys || confirm(`${u.name} has no passkey. It can add one while it is signed in; after that only a new link lets it in. Require one?`)) void act(call("PATCH", base + "users/" + encodeURIComponent(u.name), { second_required: !u.second_required }));
    }}>{u.second_required ? "Not required" : "Require"}</button>}</>;
}

interface Token { id: string; name: string; owner?: string; roles: string[]; scope: string[] | null; zones: string[] | null; expires: string; used: string }

function Tokens() {
  const got = useLoad((s) => get<Page<Token>>(base + "tokens", s), []);
  const [name, setName] = useState("");
  const [days, setDays] = useState("90");
  const [secret, setSecret] = useState("");
  const [error, setError] = useState<Problem | null>(null);
  return (
    <>
      {error && <Trouble error={error} />}
      {secret && <p role="status">The token is shown once, now: <code class="break">{secret}</code></p>}
      <Show of={got}>{(d) => d.rows.length ? <Rows heads={["Name", "Of", "Roles", "Scope", "Ends", "Last used", ""]} rows={d.rows.map((t) => [visible(t.name), visible(t.owner || "the site"), (t.roles || []).join(", "), (t.scope || []).join(", ") || "all its roles allow", clock(t.expires), isTime(t.used) ? clock(t.used) : "never",
        <button type="button" class="link" onClick={() => { if (confirm(`Revoke ${t.name}? Programs that use it are refused at once.`)) call("DELETE", base + "tokens/" + encodeURIComponent(t.id)).then(() => { setError(null); got.reload(); }, setError); }}>Revoke</button>])} />
        : <p class="none">There is no token. <span class="soft">Programs sign in with one: Authorization: Bearer TOKEN.</span></p>}</Show>
      {!me.value?.demo && (
        <form class="decide" onSubmit={(ev) => { ev.preventDefault(); post<{ secret: string }>(base + "tokens", { name, days: Number(days) }).then((t) => { setSecret(t.secret); setName(""); setError(null); got.reload(); }, setError); }}>
          <h2>Make a token of yours</h2>
          <label>Name<input value={name} required maxLength={64} autocomplete="off" onInput={(ev) => setName(ev.currentTarget.value)} /></label>
          <label>Days until it ends<input type="number" min="1" max="365" value={days} onInput={(ev) => setDays(ev.currentTarget.value)} /></label>
          <p><button type="submit" disabled={!name.trim()}>Make it</button></p>
        </form>
      )}
    </>
  );
}

interface Session { id: string; user: string; started: string; seen: string; expires: string; address: string; agent: string; current: boolean }

function Sessions() {
  const got = useLoad((s) => get<Page<Session>>(base + "sessions", s), []);
  const [error, setError] = useState<Problem | null>(null);
  return (
    <>
      {!me.value?.demo && <p><a href="/passkeys" rel="external">Your passkeys</a> <span class="soft">sign in without the password, or ask for one after it</span></p>}
      {error && <Trouble error={error} />}
      <Show of={got}>{(d) => <Rows heads={["Of", "From", "Browser, as it says", "Started", "Last seen", "Ends", ""]} rows={d.rows.map((x) => [visible(x.user), x.address, visible(x.agent.slice(0, 80)), clock(x.started), clock(x.seen), clock(x.expires),
        x.current ? <span class="soft">this one</span> : <button type="button" class="link" onClick={() => call("DELETE", base + "sessions/" + encodeURIComponent(x.id)).then(got.reload, setError)}>End it</button>])} />}</Show>
    </>
  );
}

interface Entry { seq: number; time: string; actor: { name: string; kind?: string }; action: string; object: string; details?: Record<string, string> }

function Journal() {
  const got = useLoad((s) => get<Page<Entry>>("/audit?limit=500", s), [], 10000);
  return <Show of={got}>{(d) => d.rows.length ? <Rows heads={["Number", "Time", "Who", "What", "Of", "Details"]} rows={d.rows.map((e) => [number(e.seq), clock(e.time), visible(e.actor.name), e.action, visible(e.object), <span class="soft">{Object.entries(e.details || {}).map(([k, v]) => k + " " + visible(v)).join(", ").slice(0, 300)}</span>])} /> : <p class="none">The journal is empty.</p>}</Show>;
}

function About() {
  const m = me.value!;
  return <dl class="fields"><dt>Version</dt><dd>{m.version || "unknown"}</dd><dt>You are</dt><dd>{m.name}</dd><dt>Your roles</dt><dd>{(m.roles || []).join(", ") || "none"}</dd><dt>Your zones</dt><dd>{(m.zones || []).map(visible).join(", ") || "all"}</dd><dt>You may</dt><dd>{m.actions.join(", ")}</dd></dl>;
}
