// What a device may be allowed, what changed in what it runs, and its life.
import { get, type Page } from "../api";
import { may } from "../me";
import { clock, number, plural, sentence, visible } from "../show";
import { Grid, type Column } from "../parts/grid";
import { Show, useLoad } from "../parts/load";

interface Flow { verdict: string; from_device: boolean; peer: string; name?: string; protocol: string; port: number; count: number; lacks?: string }
interface Mud {
  learnt_until: string; from: string; to: string; cut: boolean; report: { flows: number; failed: number; rare: number; unnamed: number; entries: number };
  allows: { from_device: boolean; peer: string; protocol: string; port: string }[] | null; tested: { flows: number; allowed: number; denied: number; unsure: number; lines: Flow[]; cut?: boolean };
}

/** Policy is a MUD policy learnt from what the device was seen to do, and what was outside of it in the last day. */
export function Policy({ uid }: { uid: string }) {
  const got = useLoad((s) => get<Mud>("/devices/" + encodeURIComponent(uid) + "/policy", s), [uid]);
  const columns: Column<Flow>[] = [
    { key: "verdict", title: "Verdict", draw: (f) => <span class={"known " + (f.verdict === "allowed" ? "" : "flagged")}>{f.verdict === "allowed" ? "allowed" : f.verdict === "denied" ? "\u25b2 outside" : "? unsure"}</span> },
    { key: "way", title: "Way", draw: (f) => f.from_device ? "to" : "from" },
    { key: "peer", title: "Peer", draw: (f) => visible(f.name ? f.name + " (" + f.peer + ")" : f.peer) },
    { key: "port", title: "Service", draw: (f) => f.protocol + (f.port ? " " + f.port : "") },
    { key: "count", title: "Flows", num: true, draw: (f) => number(f.count) },
    { key: "why", title: "Why", wide: true, draw: (f) => visible(f.lacks || (f.verdict === "denied" ? "not seen before the last day" : "\u2013")) },
  ];
  return (
    <><h2>Policy (MUD)</h2>
      <Show of={got}>{(m) => (
        <>
          {m.report.entries > 0 ? (
            <>
              <p class="soft">Learnt from {plural(m.report.flows, "flow")} up to {clock(m.learnt_until, false)}{m.report.failed > 0 && <>, without {plural(m.report.failed, "attempt")} that nobody answered</>}.{m.cut && " There are more kinds of flows than were looked at."} It allows:</p>
              <ul class="bullets">{(m.allows || []).slice(0, 40).map((e, i) => <li key={i}>{e.from_device ? "to " : "from "}{visible(e.peer || "anybody")}, {e.protocol}{e.port !== "any" || e.protocol === "tcp" || e.protocol === "udp" ? (e.port === "any" ? " any port" : " " + e.port) : ""}</li>)}{(m.allows || []).length > 40 && <li>and {number(m.allows!.length - 40)} more</li>}</ul>
              <p class="soft line">Of {plural(m.tested.flows, "flow")} since, {number(m.tested.allowed)} are allowed, <strong class={m.tested.denied ? "warn" : ""}>{number(m.tested.denied)} are outside of it</strong>{m.tested.unsure > 0 && <>, and of {number(m.tested.unsure)} it cannot be told</>}.</p>
              {m.tested.lines.length > 0 && <Grid label="Flows of the last day and what the policy says of them" columns={columns} rows={m.tested.lines} id={(f) => [f.verdict, f.from_device, f.peer, f.protocol, f.port].join(" ")} />}
            </>
          ) : <p class="soft">No flow of it was seen before the last day, so none can be made yet.</p>}
          <p class="line"><a href={"/api/v1/devices/" + encodeURIComponent(uid) + "/policy?format=mud"} download={"mud-" + uid + ".json"}>Save a MUD file of all 30 days</a> <span class="soft">to be read before it is put in force: what an intruder did in that time is in it too. It is in the journal who took it.</span></p>
        </>
      )}</Show></>
  );
}

interface Change { time: string; event: string; kind: string; what: string; by?: string; by_uid?: string; log: string; fails?: boolean }

/** Changes is what changed in what the device runs, each with its event. */
export function Changes({ uid }: { uid: string }) {
  const got = useLoad((s) => get<Page<Change>>("/devices/" + encodeURIComponent(uid) + "/changes", s), [uid]);
  const event = (c: Change) => "/events?" + new URLSearchParams({ q: "metadata.uid=" + c.event, from: new Date(Date.parse(c.time) - 1000).toISOString(), to: new Date(Date.parse(c.time) + 1000).toISOString(), event: c.event, at: c.time });
  return (
    <><h2>Configuration, program and firmware</h2>
      <Show of={got}>{(d) => d.rows.length ? (
        <ol class="timeline">{d.rows.slice(0, 30).map((c) => <li key={c.event}><time dateTime={c.time}>{clock(c.time)}</time> <span>{c.kind}</span> <span><strong>{visible(c.what)}</strong>{c.fails && " (failed)"}<span class="soft">{c.by && <>by {c.by_uid ? <a href={"/devices/" + c.by_uid}>{visible(c.by)}</a> : visible(c.by)}; </>}{visible(c.log)}; <a href={event(c)}>event</a></span></span></li>)}{d.rows.length > 30 && <li class="soft">and {number(d.rows.length - 30)} more</li>}</ol>
      ) : <p class="soft">No change was seen in 30 days. Only changes over the network, and those that logs report, can be seen.</p>}</Show></>
  );
}

interface Moment { time: string; what: string; why?: string; by?: string }

/** Life is how the device stands in its life, and how it came there. */
export function Life({ uid, said }: { uid: string; said: number }) {
  const got = useLoad((s) => get<{ state: string; why?: string; history: Moment[] | null; cut?: boolean }>("/devices/" + encodeURIComponent(uid) + "/life", s), [uid, said]);
  if (!may("devices.read")) return null;
  return (
    <><h2>Life</h2>
      <Show of={got}>{(d) => (
        <>
          <p><strong>{visible(d.state || "no state yet")}</strong>{d.why && <span class="soft"> {sentence(visible(d.why))}</span>}</p>
          <ol class="plain">{(d.history || []).slice(0, 40).map((m, i) => <li key={i}>{visible(m.what)}{m.by && <> by {visible(m.by)}</>} <span class="soft"><time dateTime={m.time}>{clock(m.time)}</time>{m.why && ": " + visible(m.why)}</span></li>)}</ol>
        </>
      )}</Show></>
  );
}
