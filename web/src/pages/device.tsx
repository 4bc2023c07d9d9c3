// The page of one device. Its parts ask for what they show by themselves, so
// that what is slow never holds up what is there.
import { useMemo, useState } from "preact/hooks";
import { call, get, Problem, type Device, type Finding, type Page } from "../api";
import { limited, may } from "../me";
import { clock, number, severityWord, visible } from "../show";
import { term } from "../terms";
import { Severity, Show, Trouble, useLoad } from "../parts/load";
import { decided, type VulnRow } from "./vulns";
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
  const x = d.device, all = !limited(), seen = all && may("events.read");
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
          {all && may("findings.read") && <Findings uid={x.uid} />}
          {all && may("vulnerabilities.read") && <Vulns uid={x.uid} />}
          {seen && <Policy uid={x.uid} />}
          {seen && <Changes uid={x.uid} />}
          <h2>Who it is, and why that is believed</h2>
          <div class="scroll"><table><thead><tr><th scope="col">Attribute</th><th scope="col">Value</th><th scope="col">From</th><th scope="col" class="num">Confidence</th><th scope="col">Since</th></tr></thead>
            <tbody>{Object.entries(d.attributes || {}).map(([k, a]) => <tr key={k}><th scope="row">{k}</th><td>{visible(a.value)}</td><td>{a.source}</td><td class="num">{Math.round(a.confidence * 100)} %</td><td>{clock(a.since)}</td></tr>)}</tbody></table></div>
          {(d.evidence || []).length > 0 && <details><summary>Evidence ({number(d.evidence!.length)})</summary><ul class="bullets">{d.evidence!.map((e, i) => <li key={i}>{e.key}: {visible(e.what || e.value)} <span class="soft">{e.value && e.what ? visible(e.value) : ""}</span></li>)}</ul></details>}
        </div>
        <aside>
          {may("devices.write") && <SetForm uid={x.uid} reload={() => { setSaid(said + 1); reload(); }} />}
          {all && <><h2>Look closer</h2><ul class="plain">
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
  const got = useLoad((s) => get<Page<VulnRow>>("/vulnerabilities?limit=1000&subject=" + encodeURIComponent("device:" + uid), s), [uid]);
  const [only, setOnly] = useState("");
  const count = useMemo(() => {
    const by = new Map<string, number>();
    for (const r of got.data?.rows || []) by.set(r.decision, (by.get(r.decision) || 0) + 1);
    return [...by];
  }, [got.data]);
  return (
    <><h2>Vulnerabilities</h2>
      <Show of={got}>{(d) => d.rows.length ? (
        <><p class="chips">{count.map(([what, n]) => <button type="button" class="chip" key={what} aria-pressed={only === what} onClick={() => setOnly(only === what ? "" : what)}>{decided(what)}: {number(n)}</button>)}</p>
          <div class="scroll" tabIndex={0} role="region" aria-label="Vulnerabilities of this device"><table><thead><tr><th scope="col">Decision</th><th scope="col">Vulnerability</th><th scope="col">Component</th><th scope="col">Status</th><th scope="col">Fixed in</th></tr></thead>
            <tbody>{d.rows.filter((r) => !only || r.decision === only).slice(0, 200).map((r, i) => <tr key={i}><td>{decided(r.decision)}</td><td><a href={"/vulnerabilities/" + encodeURIComponent(r.id)}>{r.id}</a></td><td>{visible(r.component || "\u2013")}</td><td>{r.status.replace("_", " ")}</td><td>{visible(r.fix || "\u2013")}</td></tr>)}</tbody></table></div>
          <p class="soft">{number(d.total)} of this device. <a href="/vulnerabilities">What to do about those of all devices</a></p></>
      ) : <p class="soft">None is known. Without a bill of materials or a known firmware version that says little.</p>}</Show></>
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
