import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call, get, post, Problem, type Page } from "../api";
import { limited, may, me } from "../me";
import { place, set } from "../route";
import { ago, clock, isTime, number, plural, sentence, severityWord, visible } from "../show";
import { Severity, Show, Trouble, useLoad } from "../parts/load";
import { Rows } from "../parts/rows";
import { Upload } from "../parts/upload";

interface Feed { name: string; imported: string; by?: string; kinds: string[] | null; indicators: number; reliability?: string; types: Record<string, number> | null; refused: number; opaque: number; problem?: string; marks?: Record<string, number>; confidence: number; ended: number; newest?: string; private?: boolean }
interface Health { paused?: boolean; name: string; kind: string; url: string; state: string; checked: string | null; success: string | null; changed: string | null; failing_since?: string; failures?: number; error?: string; warning?: string; note?: string; new: number; next: string }
interface Allowed { type: string; value: string; by?: string; why?: string; at: string }
interface Hit { source?: string; family?: string; value?: string; type?: string; confidence?: number; tlp?: string; others?: string[]; allowed?: string }
interface Answer { asked: string; problem?: string; hits: Hit[] | null }
interface Publisher { kind: string; publisher: string; documents: number; withdrawn: number; outdated: number; newest: string; oldest: string; years: Record<string, number> | null }
interface Advisories { publishers: Publisher[]; stats: { advisories: number; products: number; vulnerabilities: number; kev: number; epss: number }; bills: number; problems: string[] }

const tabs: [string, string, () => boolean][] = [
  ["feeds", "Indicators", () => may("intel.read") && !limited()], ["hits", "Hits here", () => may("findings.read")], ["technique", "Technique", () => may("intel.read")], ["lookup", "Look up", () => may("intel.read")], ["allow", "Allow-list", () => may("intel.read") && !limited()], ["advisories", "Advisories", () => may("vulnerabilities.read") && !limited()],
];

/** Intelligence is what others told: feeds of indicators and of vulnerabilities, how they are, and what of it was met here. */
export function Intelligence() {
  const mine = tabs.filter(([, , ok]) => ok()), at = mine.find(([k]) => k === place.value.params.get("part"))?.[0] || mine[0]?.[0];
  return (
    <div class="page">
      <h1>Intelligence</h1>
      <nav class="tabs" aria-label="Intelligence">{mine.map(([k, t]) => <a key={k} href={"/intelligence?part=" + k} aria-current={k === at ? "page" : undefined}>{t}</a>)}</nav>
      {at === "feeds" ? <Feeds /> : at === "hits" ? <Hits /> : at === "lookup" ? <Lookup /> : at === "allow" ? <Allow /> : at === "technique" ? <Technique /> : <Advisories />}
    </div>
  );
}

const since = (t: string | null | undefined) => isTime(t) ? <time dateTime={t} title={clock(t)}>{ago(t, Date.now())}</time> : <>never</>;
const counted = (m: Record<string, number> | null | undefined) => Object.entries(m || {}).sort((a, b) => b[1] - a[1]).map(([k, n]) => `${visible(k)} ${number(n)}`).join(", ") || "\u2013";

/** Pulls are the feeds that the server gets itself; indicators tells of which kind. */
function Pulls({ advisories }: { advisories: boolean }) {
  const got = useLoad((s) => get<Page<Health>>("/intel/pulls?limit=1000", s), [], 10000);
  const [busy, setBusy] = useState("");
  const [error, setError] = useState<Problem | null>(null);
  const pull = (name: string) => { setBusy(name); post<Health>("/intel/pulls/" + encodeURIComponent(name), {}).then(() => setError(null), setError).finally(() => { setBusy(""); got.reload(); }); };
  const marks: Record<string, string> = { ok: "\u2713", failing: "\u25b2", never: "\u00b7" };
  return (
    <>
      <h2>Pulled by the server</h2>
      {error && <Trouble error={error} />}
      <Show of={got}>{(d) => {
        const rows = d.rows.filter((h) => (h.kind === "advisories" || h.kind === "csaf") === advisories);
        return rows.length ? <Rows heads={["Feed", "State", "Asked", "Last well", "Last new", "New then", "Next", "What is wrong", ""]} rows={rows.map((h) => [
          <>{visible(h.name)} <span class="soft">{h.kind}</span> <span class="block soft mono">{visible(h.url)}</span></>, <span class={h.state === "failing" ? "warn" : ""}><span aria-hidden="true">{marks[h.state]}</span> {h.paused ? "paused" : h.state}{h.failures ? `, ${number(h.failures)} times` : ""}</span>, since(h.checked), since(h.success), since(h.changed), number(h.new), isTime(h.next) ? clock(h.next) : "\u2013",
          <span class="long warn">{visible([h.error, h.failing_since && "since " + clock(h.failing_since), h.warning, h.note].filter(Boolean).join("; "))}</span>,
          may("feeds.write") && <button type="button" class="link" disabled={busy !== ""} onClick={() => pull(h.name)}>{busy === h.name ? "Pulling" : "Pull now"}</button>,
        ])} /> : <p class="soft">None of this kind. {may("settings.read") ? <><a href="/settings?part=feeds">Add one under Settings</a>, or name</> : "Name"} them under <code>pulls:</code> in the configuration; what is sent by hand counts the same.</p>;
      }}</Show>
    </>
  );
}

function Feeds() {
  const got = useLoad((s) => get<Page<Feed>>("/intel", s), []);
  const [error, setError] = useState<Problem | null>(null);
  const [confidence, setConfidence] = useState("50");
  const [days, setDays] = useState("90");
  const drop = (name: string) => { if (confirm(`Forget the feed ${name}? What it named is not looked for any more.`)) call("DELETE", "/intel/" + encodeURIComponent(name)).then(() => { setError(null); got.reload(); }, setError); };
  return (
    <>
      {error && <Trouble error={error} />}
      <Show of={got}>{(d) => d.rows.length ? <Rows heads={["Feed", "Indicators", "Kinds", "Taken in", "Newest sighting", "Confidence", "TLP", "Ended", "Refused", "Problem", ""]} rows={d.rows.map((f) => [
        <>{visible(f.name)} <span class="soft">{(f.kinds || []).map(visible).join(", ")}{f.by && " by " + visible(f.by)}</span></>, number(f.indicators), counted(f.types), since(f.imported), isTime(f.newest) ? since(f.newest) : "not told", <>{f.confidence ? f.confidence + " %" : "not told"}{f.reliability && ", source " + visible(f.reliability)}</>, counted(f.marks), number(f.ended), number(f.refused), <span class="warn">{visible(f.problem || "")}</span>,
        may("intel.write") && <button type="button" class="link" onClick={() => drop(f.name)}>Forget</button>,
      ])} /> : <p class="none">No feed of indicators is in. <span class="soft">Send one here, take one in with <code>vedette intel import PATH</code> (STIX, MISP, CSV, plain lists), or have it pulled.</span></p>}</Show>
      <Pulls advisories={false} />
      {may("intel.write") && <><h2>Send a feed</h2>
        <div class="decide"><label>Confidence in per cent, where the feed gives none<input type="number" min="1" max="100" value={confidence} onInput={(ev) => setConfidence(ev.currentTarget.value)} /></label>
          <label>Days until what has no end ends<input type="number" min="1" max="3650" value={days} onInput={(ev) => setDays(ev.currentTarget.value)} /></label></div>
        <Upload label="STIX 2, MISP, CSV or a list; the name of the file names the feed, and the same name takes its place" to={(name) => "/intel?" + new URLSearchParams({ name, ...(confidence && { confidence }), ...(days && { days }) })} done={got.reload} /></>}
    </>
  );
}

/** Hits are findings of indicators by device, and the techniques that were seen. */
function Hits() {
  const got = useLoad((s) => get<Seen>("/intel/seen", s), [], 15000);
  const titles = (list: string[] | null) => <span class="long">{(list || []).map((t) => sentence(visible(t))).join(" ")}</span>;
  return (
    <Show of={got}>{(d) => (
      <>
        {d.cut && <p class="soft">There are more kinds of findings than are counted here: these are the most frequent.</p>}
        <h2>Devices that met an indicator, in 90 days</h2>
        {d.hits.length ? <Rows heads={["Severity", "Device", "Findings", "What", "Last"]} rows={d.hits.map((r) => [<Severity level={severityWord(r.severity)} />, r.device ? <a href={"/devices/" + encodeURIComponent(r.device)}>{visible(r.name || r.device)}</a> : <>no device that is known</>, number(r.findings), titles(r.titles), clock(r.last)])} />
          : <p class="none">None was met. <span class="soft">Indicators are held against events from when their feed is in.</span></p>}
        <h2>Techniques seen, in 30 days</h2>
        {d.techniques.length ? <Rows heads={["Technique", "Devices", "Findings", "By"]} rows={d.techniques.map((x) => [<><a href={"/intelligence?part=technique&id=" + encodeURIComponent(x.id)}>{visible(x.id)}</a> <span class="soft">{visible(x.name || "")}</span></>, number(x.devices), number(x.findings), titles(x.titles)])} /> : <p class="soft">None.</p>}
      </>
    )}</Show>
  );
}

interface Seen {
  hits: { device: string; name?: string; severity: number; findings: number; titles: string[] | null; last: string }[];
  techniques: { id: string; name?: string; devices: number; findings: number; titles: string[] | null }[]; cut: boolean;
}

interface Known {
  id: string; asked: string; name: string; tactics: string[] | null; rules: { id: string; title: string; level: string }[] | null; findings: number; last?: string; cut: boolean;
  devices: { uid?: string; name: string; findings: number; last: string }[] | null; uses: { source: string; family?: string; campaign?: string; actor?: string }[] | null;
  measures: { id: string; source: string; name: string }[] | null; patterns: { id: string; name: string; weaknesses?: string[] }[] | null;
}

/** Technique is what is known here of one technique of ATT&CK or ATLAS. */
function Technique() {
  const id = place.value.params.get("id") || "";
  const [text, setText] = useState(id);
  useEffect(() => setText(id), [id]);
  const got = useLoad(async (s) => id ? await get<Known>("/intel/techniques/" + encodeURIComponent(id), s) : null, [id]);
  return (
    <>
      <form class="bar" onSubmit={(ev) => { ev.preventDefault(); set({ part: "technique", id: text.trim() }); }}><label class="sr" for="technique">Technique</label>
        <input id="technique" type="search" value={text} placeholder="T0855, T1110 or AML.T0051" onInput={(ev) => setText(ev.currentTarget.value)} /><button type="submit">Show</button></form>
      {!id ? <p class="none">What is known here of a technique: rules that find it, where it was seen, who uses it, what helps. <span class="soft">Give its number.</span></p> : <Show of={got}>{(d) => d && <TechniqueView d={d} />}</Show>}
    </>
  );
}

function TechniqueView({ d }: { d: Known }) {
  const list = (rows: ComponentChildren[][] | undefined, heads: string[], none: string) => rows?.length ? <Rows heads={heads} rows={rows} /> : <p class="soft">{none}</p>;
  return (
    <>
      <h2>{visible(d.id)} {visible(d.name)}</h2>
      <p>{(d.tactics || []).map((t) => sentence(visible(t).replace(/-/g, " ")).slice(0, -1)).join(", ")}{d.asked !== d.id && <span class="soft"> (asked for as {visible(d.asked)})</span>}. {plural(d.findings, "finding")}{isTime(d.last) && <>, the last <time dateTime={d.last!}>{clock(d.last!)}</time></>}{d.cut && <span class="soft">; devices of the newest ones alone</span>}.</p>
      <h3>Where it was seen</h3>{list(d.devices?.map((x) => [x.uid ? <a href={"/devices/" + encodeURIComponent(x.uid)}>{visible(x.name)}</a> : visible(x.name), number(x.findings), clock(x.last)]), ["Device", "Findings", "Last"], "On no device.")}
      <h3>Rules that find it</h3>{list(d.rules?.map((x) => [visible(x.title), x.level, <span class="mono soft">{visible(x.id)}</span>]), ["Rule", "Level", "Id"], "None in force: it would not be seen.")}
      <h3>Who uses it</h3>{list(d.uses?.map((x) => [visible(x.actor || ""), visible(x.campaign || ""), visible(x.family || ""), visible(x.source)]), ["Actor", "Campaign", "Malware", "Told by"], "No feed that is in tells of it.")}
      <h3>What helps</h3>{list(d.measures?.map((x) => [visible(x.name), x.source === "d3fend" ? "D3FEND" : "ATT&CK", <span class="mono soft">{visible(x.id)}</span>]), ["Measure", "By", "Id"], "No measure is known here.")}
      {d.patterns?.length ? <><h3>Attack patterns</h3><Rows heads={["CAPEC", "Name", "Weaknesses"]} rows={d.patterns.map((x) => [visible(x.id), visible(x.name), (x.weaknesses || []).map(visible).join(", ")])} /></> : null}
    </>
  );
}

function Lookup() {
  const [text, setText] = useState("");
  const [found, setFound] = useState<Answer[] | null>(null);
  const [error, setError] = useState<Problem | null>(null);
  return (
    <>
      <form class="bar" onSubmit={(ev) => { ev.preventDefault(); setError(null); post<Page<Answer>>("/intel/lookup", { values: text.split(/[\s,]+/).filter(Boolean) }).then((p) => setFound(p.rows), setError); }}>
        <input id="intel-query" value={text} onInput={(ev) => setText(ev.currentTarget.value)} aria-label="Values to look up" placeholder="Addresses, domains, hashes, URLs" autocomplete="off" spellcheck={false} /><button type="submit" disabled={!text.trim()}>Look up</button>
      </form>
      {error && <Trouble error={error} />}
      {found ? <ul class="plain" role="status">{found.map((f) => <li key={f.asked}><strong>{visible(f.asked)}</strong> {f.problem ? <span class="warn">{visible(f.problem)}</span> : (f.hits || []).length ? <ul class="bullets">{f.hits!.map((h, i) => <li key={i}>{visible([h.type, h.value].filter(Boolean).join(" "))}: {visible([h.family, h.source && "by " + h.source, h.confidence ? h.confidence + " % sure" : "", h.tlp && "TLP " + h.tlp, (h.others || []).length ? "also " + h.others!.join(", ") : ""].filter(Boolean).join(", "))} {h.allowed && <em>It is on the allow-list ({visible(h.allowed)}) and does not count.</em>}</li>)}</ul> : <span class="soft">no feed knows it</span>}</li>)}</ul> : <p class="soft">Nothing leaves the site: what is looked up is held against the feeds that are in.</p>}
    </>
  );
}

function Allow() {
  const got = useLoad((s) => get<Page<Allowed>>("/intel/allow?limit=1000", s), []);
  const [value, setValue] = useState("");
  const [why, setWhy] = useState("");
  const [error, setError] = useState<Problem | null>(null);
  const send = (values: string[], reason: string, remove: boolean) => post("/intel/allow", { values, why: reason, remove }).then(() => { setError(null); setValue(""); setWhy(""); got.reload(); }, setError);
  const take = (v: string) => { const reason = prompt(`Why do feeds count for ${v} again?`); if (reason?.trim()) void send([v], reason, true); };
  return (
    <>
      {error && <Trouble error={error} />}
      <Show of={got}>{(d) => d.rows.length ? <Rows heads={["Value", "Kind", "Why", "By", "Since", ""]} rows={d.rows.map((a) => [<span class="mono">{visible(a.value)}</span>, a.type, <span class="long">{visible(a.why || "")}</span>, visible(a.by || ""), clock(a.at), may("intel.write") && <button type="button" class="link" onClick={() => take(a.value)}>Take it off</button>])} />
        : <p class="none">Nothing is allowed. <span class="soft">What is put here is never a hit, whatever a feed says of it: your own addresses and those of partners.</span></p>}</Show>
      {may("intel.write") && <form class="decide" onSubmit={(ev) => { ev.preventDefault(); void send(value.split(/[\s,]+/).filter(Boolean), why, false); }}>
        <h2>Allow</h2>
        <label>Addresses, subnets, domains, URLs or hashes<input value={value} autocomplete="off" spellcheck={false} onInput={(ev) => setValue(ev.currentTarget.value)} /></label>
        <label>Why<input value={why} maxLength={500} placeholder="kept in the journal" onInput={(ev) => setWhy(ev.currentTarget.value)} /></label>
        <p><button type="submit" disabled={!value.trim() || !why.trim()}>Allow it</button></p>
      </form>}
    </>
  );
}

/** Advisories are the feeds of vulnerabilities: who gave what, how new it is, and which years are there. */
function Advisories() {
  const got = useLoad((s) => get<Advisories>("/advisories", s), []);
  return (
    <>
      <Show of={got}>{(d) => (
        <>
          <p class="soft">{plural(d.stats.advisories, "document")} on {plural(d.stats.vulnerabilities, "vulnerability", "vulnerabilities")} of {plural(d.stats.products, "product")}; {number(d.stats.kev)} known exploited, {number(d.stats.epss)} with EPSS; {plural(d.bills, "bill")} of materials. {!limited() && me.value && <a href="/vulnerabilities?by=advisory">What of it concerns this site</a>}</p>
          {d.problems.map((p) => <p key={p} class="warn">{visible(p)}</p>)}
          {d.publishers.length ? <Rows heads={["Kind", "Publisher", "Documents", "Newest", "Oldest", "By year"]} rows={d.publishers.map((p) => [p.kind, visible(p.publisher || "\u2013"), <>{number(p.documents)}{p.withdrawn > 0 && <span class="soft"> {number(p.withdrawn)} withdrawn</span>}{p.outdated > 0 && <span class="soft" title="An earlier version read them and missed something; import them again. What is pulled is pulled anew by itself."> {number(p.outdated)} to be taken in anew</span>}</>, since(p.newest), since(p.oldest), <span class="long">{Object.entries(p.years || {}).sort((a, b) => b[0].localeCompare(a[0])).slice(0, 12).map(([y, n]) => `${y}: ${number(n)}`).join(", ") || "\u2013"}</span>])} />
            : <p class="none">No advisory is in. <span class="soft">Send CSAF, CVE, OSV, KEV, EPSS, OpenVEX or CycloneDX VEX here, take them in with <code>vedette advisories import PATH</code>, or have them pulled.</span></p>}
        </>
      )}</Show>
      <Pulls advisories />
      {may("intel.write") && <><h2>Send advisories</h2><Upload label="CSAF, CVE 5, OSV, KEV, EPSS, OpenVEX, CycloneDX VEX; .jsonl, .gz and .zip too" to={(name) => "/advisories?" + new URLSearchParams({ name })} done={got.reload} /></>}
    </>
  );
}
