// The page of one device. Its parts ask for what they show by themselves, so
// that what is slow never holds up what is there.
import { useState } from "preact/hooks";
import { call, get, Problem, type Device, type Finding, type Page } from "../api";
import { limited, may } from "../me";
import { clock, number, plural, severityWord, visible } from "../show";
import { term } from "../terms";
import { Severity, Show, Trouble, useLoad } from "../parts/load";
import { decided, decisions, Status } from "../parts/status";
import type { VulnRow } from "./vulns";
import { Behaviour } from "./device-behaviour";
import { Changes, Life, Policy } from "./device-policy";

interface Attribute { value: string; source: string; confidence: number; since: string }
interface Detail {
  device: Device; attributes: Record<string, Attribute> | null; hostnames: string[] | null; changes: { what: string; other: string; why: string; at: string }[] | null;
  evidence: { key: string; value: string; source: string; what: string; confidence?: number }[] | null;
}

/** DevicePage is one device: who it is and why that is believed, what it does and what of it is usual, what was found. */
export function DevicePage({ uid }: { uid: string }) {
  const got = useLoad((s) => get<Detail>("/devices/" + encodeURIComponent(uid), s), [uid]);
  return <div class="page"><p><a href="/devices">Devices</a></p><Show of={got}>{(d) => <Body d={d} reload={got.reload} />}</Show></div>;
}

function Body({ d, reload }: { d: Detail; reload: () => void }) {
  const x = d.device, seen = may("events.read");
  const [said, setSaid] = useState(0); // what persons said meanwhile
  const events = (q: string) => "/events?" + new URLSearchParams({ q, last: "7d" });
  return (
    <>
      <h1>{visible(x.name || x.uid)}</h1>
      <p class="soft">{[x.type, x.vendor, x.model, x.firmware && "firmware " + x.firmware, x.zone ? "zone " + x.zone : "no zone", x.level && "level " + x.level, x.criticality && x.criticality + " criticality", x.state].filter(Boolean).map((t) => visible(t)).join(" · ")}</p>
      <p class="soft">{[...(x.ips || []), ...(x.macs || []), ...(d.hostnames || [])].map(visible).join(", ")}; seen from {clock(x.first_seen)} to {clock(x.last_seen)} <span class="mono">{x.uid}</span></p>
      <div class="two">
        <div>
          {seen && <Behaviour uid={x.uid} />}
          {may("findings.read") && <Findings uid={x.uid} />}
          {may("vulnerabilities.read") && <Vulns uid={x.uid} />}
          {seen && <Policy uid={x.uid} />}
          {seen && <Changes uid={x.uid} />}
          <h2>Who it is, and why that is believed</h2>
          <div class="scroll"><table><thead><tr><th scope="col">Attribute</th><th scope="col">Value</th><th scope="col">From</th><th scope="col" class="num">Confidence</th><th scope="col">Since</th></tr></thead>
            <tbody>{Object.entries(d.attributes || {}).map(([k, a]) => <tr key={k}><th scope="row">{k}</th><td>{visible(a.value)}</td><td>{a.source}</td><td class="num">{Math.round(a.confidence * 100)} %</td><td>{clock(a.since)}</td></tr>)}</tbody></table></div>
          {(d.evidence || []).length > 0 && <details><summary>Evidence ({number(d.evidence!.length)})</summary><ul class="bullets">{d.evidence!.map((e, i) => <li key={i}>{e.key}: {visible(e.what || e.value)} <span class="soft">{e.value && e.what ? visible(e.value) : ""}</span></li>)}</ul></details>}
        </div>
        <aside>
          {may("devices.write") && <SetForm uid={x.uid} reload={() => { setSaid(said + 1); reload(); }} />}
          {seen && <><h2>Look closer</h2><ul class="plain">
            <li><a href={events(term("src_endpoint.uid", x.uid))}>What it did</a></li>
            <li><a href={events(term("dst_endpoint.uid", x.uid))}>What was done to it</a></li>
            <li><a href={events(term("src_endpoint.uid", x.uid) + " | by app_name, dst_port count | rare 20")}>What it does rarely</a></li>
            <li><a href={events("write=true " + term("dst_endpoint.uid", x.uid) + " | by src, ics.function count | top 50")}>Who wrote to it</a></li>
          </ul></>}
          <Life uid={x.uid} said={said} />
        </aside>
      </div>
    </>
  );
}

function Findings({ uid }: { uid: string }) {
  const got = useLoad((s) => get<Page<Finding>>("/findings?limit=20&device=" + encodeURIComponent(uid), s), [uid]);
  return (
    <><h2>What was found</h2>
      <Show of={got}>{(d) => d.rows.length ? <ol class="timeline">{d.rows.map((f) => <li key={f.uid}><time>{clock(f.time)}</time> <Severity level={typeof f.severity === "number" ? severityWord(f.severity) : String(f.severity)} /> <span><strong>{visible(f.title)}</strong><span class="soft">{(f.reasons || []).map((x) => visible([x.feature + ":", x.observed, x.usual && "usual: " + x.usual].filter(Boolean).join(" "))).join("; ")}</span></span></li>)}</ol> : <p class="soft">Nothing.</p>}</Show></>
  );
}

function Vulns({ uid }: { uid: string }) {
  const at = "/devices/" + encodeURIComponent(uid);
  const got = useLoad((s) => get<Page<VulnRow>>(at + "/vulnerabilities?limit=1000", s), [uid]);
  const cleared = useLoad((s) => get<Page<VulnRow>>(at + "/vulnerabilities?status=not_affected&limit=100", s), [uid]);
  const [only, setOnly] = useState("");
  const link = (id: string) => <a href={"/vulnerabilities/" + encodeURIComponent(id)}>{visible(id)}</a>;
  return (
    <><h2>Vulnerabilities</h2><p class="soft"><a href={at + "/bill"}>Bill of materials</a>{!limited() && <>, <a href={"/vulnerabilities?" + new URLSearchParams({ by: "device", open: "device:" + uid })}>reasons</a></>}</p>
      <Show of={got}>{(d) => {
        const counts = decisions.map((k) => [k, d.rows.filter((r) => r.decision === k).length] as const).filter(([, n]) => n > 0);
        return d.rows.length ? (
          <><p class="chips">{counts.map(([k, n]) => <button type="button" key={k} class="chip" aria-pressed={only === k} onClick={() => setOnly(only === k ? "" : k)}>{decided(k)}: {number(n)}</button>)}</p>
            <div class="scroll" tabIndex={0} role="region" aria-label="Vulnerabilities of this device"><table><thead><tr><th scope="col">Decision</th><th scope="col">Vulnerability</th><th scope="col">Component</th><th scope="col">Status</th><th scope="col">Fixed in</th></tr></thead>
              <tbody>{d.rows.filter((r) => !only || r.decision === only).slice(0, 200).map((r, i) => <tr key={i}><td>{decided(r.decision)}</td><td>{link(r.id)}</td><td>{visible(r.component || "\u2013")}</td><td><Status of={r.status} /></td><td>{visible(r.fix || "\u2013")}</td></tr>)}</tbody></table></div>
            {d.total > d.rows.length && <p class="soft">and {number(d.total - d.rows.length)} more</p>}</>
        ) : <p class="soft">None is known. Without a bill of materials or a known firmware version that says little.</p>;
      }}</Show>
      <Show of={cleared}>{(d) => d.total > 0 && <details><summary><Status of="not_affected" /> by {plural(d.total, "vulnerability", "vulnerabilities")} that advisories name it or its components for</summary><ul class="bullets">{d.rows.map((r, i) => <li key={i}>{link(r.id)} {visible(r.component || "")} <span class="soft">{visible(r.reason)}, {visible(r.source)}</span></li>)}</ul></details>}</Show></>
  );
}

const settable = ["name", "type", "zone", "level", "criticality", "owner", "location", "state"];

/** SetForm takes a person's word on a device; it stands above what was observed and is in the journal. */
function SetForm({ uid, reload }: { uid: string; reload: () => void }) {
  const [key, setKey] = useState("criticality");
  const [value, setValue] = useState("");
  const [error, setError] = useState<Problem | null>(null);
  const [said, setSaid] = useState("");
  return (
    <form class="decide" onSubmit={(ev) => {
      ev.preventDefault();
      setError(null);
      call("PATCH", "/devices/" + encodeURIComponent(uid), { [key]: value }).then(() => { setSaid(key + " is set"); setValue(""); reload(); }, setError);
    }}>
      <h2>Set</h2>
      <label>Attribute<select value={key} onChange={(ev) => setKey(ev.currentTarget.value)}>{settable.map((k) => <option key={k}>{k}</option>)}</select></label>
      <label>Value<input value={value} maxLength={200} onInput={(ev) => setValue(ev.currentTarget.value)} /></label>
      {error && <Trouble error={error} />}
      <p><button type="submit" disabled={!value.trim()}>Set it</button> <span role="status" class="soft">{said}</span></p>
    </form>
  );
}
