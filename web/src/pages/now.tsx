import { get, query, type Overview } from "../api";
import { ago, clock, isTime, number, plural, sentence, visible } from "../show";
import { Severity, Show, useLoad } from "../parts/load";
import { fill, TimeChart } from "../parts/chart";
import { useMemo } from "preact/hooks";
import { limited, may } from "../me";
import { go } from "../route";

/** Now is what needs a person. */
export function Now() {
  const state = useLoad((s) => get<Overview>("/now", s), [], 3000);
  return <div class="page"><Show of={state}>{(d) => <Body d={d} />}</Show></div>;
}

function Body({ d }: { d: Overview }) {
  const now = Date.parse(d.now), s = d.stored;
  const bad = d.conditions.filter((c) => c.state !== "ok"), troubled = d.sources.filter((x) => x.state !== "running");
  const empty = s.events === 0, levels = d.by_level || {};
  const routine = d.routine.length > 0 ? d.open - grave(levels) : 0;
  return (
    <>
      <h1>{empty ? "Nothing is stored yet" : d.open - routine ? plural(d.open - routine, "open incident") : "Nothing needs attention"}</h1>
      <p class="soft">{plural(s.events, "event")} of {plural(s.devices, "device")} in {plural(s.zones, "zone")}{isTime(s.newest) && <>; the newest <time dateTime={s.newest} title={clock(s.newest)}>{ago(s.newest, now)}</time></>}</p>
      {d.open > 0 && <p class="soft">{["fatal", "critical", "high", "medium", "low", "informational"].filter((l) => levels[l]).map((l, i) => <>{i > 0 && ", "}<a href={"/incidents?" + new URLSearchParams({ level: l })}>{number(levels[l] || 0)} {l}</a></>)}</p>}
      {s.loading < 1 && <p class="loading"><label>History is being taken in <progress max={1} value={s.loading} /></label></p>}
      {empty && <p>Configure a source (see docs/sources.md), or take in files: <code>vedette ingest PATH</code>. Captures, Zeek, Suricata, syslog, Windows events and many more are recognised by themselves.</p>}
      {bad.map((c) => <p key={c.name} class="warn">{sentence(c.text)}{c.name === "set aside" && may("sources.write") && !limited() && <> <a href="/settings?part=aside">Look at them</a></>}</p>)}
      <div class="two">
        <div>
          {d.incidents.length > 0 && <ol class="cards">{d.incidents.map((i) => (
            <li key={i.uid}><a class="card" href={"/incidents/" + i.uid}>
              <Severity level={i.level} /> <strong>{visible(i.title)}</strong>
              <span class="soft">{plural(i.findings.count, "finding")} · {i.devices.length > 3 ? plural(i.device_count, "device") : i.devices.map((u) => visible(d.names[u] || u)).join(", ")} · last {ago(i.last, now)}{i.assignee && <> · assigned to {visible(i.assignee)}</>}</span>
            </a></li>
          ))}</ol>}
          {routine > 0 && <section aria-labelledby="routine"><h2 id="routine">{plural(routine, "incident")} of low severity</h2>
            <ul class="plain">{d.routine.map((k) => <li key={k.rule}>{k.rule ? <a href={"/incidents?" + new URLSearchParams({ rule: k.rule })}>{visible(k.title || k.rule)}</a> : "of several rules"} <span class="soft">{number(k.count)}</span></li>)}</ul></section>}
          {d.open > d.incidents.length && <p><a href="/incidents">All {number(d.open)} open incidents</a></p>}
          {!empty && <Rate />}
        </div>
        <aside>
          {d.new_count > 0 && <section aria-labelledby="new-devices">
            <h2 id="new-devices">New devices</h2>
            <ul class="plain">{d.new_devices.map((x) => <li key={x.uid}><a href={"/devices/" + x.uid}>{visible(x.name)}</a> <span class="soft">{[x.type, x.zone || "no zone", "first seen " + ago(x.first_seen, now)].filter(Boolean).map(visible).join(" · ")}</span></li>)}</ul>
            {d.new_count > d.new_devices.length && <p class="soft">and {number(d.new_count - d.new_devices.length)} more</p>}
          </section>}
          {d.sources.length > 0 && <section aria-labelledby="now-sources">
            <h2 id="now-sources">Sources</h2>
            {troubled.length === 0 && <p class="soft">{plural(d.sources.length, "source")}, all running</p>}
            <ul class="plain">{troubled.map((x) => <li key={x.name}><span class="warn">{visible(x.name)}: {x.state}</span> <span class="soft">{visible(x.text)}</span></li>)}</ul>
          </section>}
          <section aria-labelledby="latest"><h2 id="latest">Newest events</h2>
            <ol class="plain">{d.latest.map((h, i) => <li key={i}><time class="soft" dateTime={h.time}>{clock(h.time).slice(11)}</time> {h.severity && <Severity level={h.severity} />} {visible(h.what)} <span class="soft">{[h.from, h.to].filter(Boolean).map(visible).join(" \u2192 ")}</span></li>)}</ol>
            {!d.latest.length && <p class="soft">Nothing in the last hour.</p>}
          </section>
        </aside>
      </div>
    </>
  );
}

// grave is how many incidents are above low severity.
const grave = (levels: Record<string, number>) => ["fatal", "critical", "high", "medium"].reduce((sum, l) => sum + (levels[l] || 0), 0);

/** Rate draws how many events came in the last hours, and findings beside them. */
function Rate() {
  const got = useLoad(async (s) => ({
    all: await query("last 12h | every 10m count", s),
  }), [], 30000);
  const drawn = useMemo(() => {
    const rows = (got.data?.all.rows || []).map((r) => ({ t: Date.parse(String(r.time)) / 1000, n: Number(r.count) }));
    const { times, values } = fill(rows, 600);
    return { times, series: [{ label: "events", values }] };
  }, [got.data]);
  if (drawn.times.length < 2) return null;
  return (
    <section aria-labelledby="rate"><h2 id="rate">Events, by 10 minutes over 12 hours</h2>
      <TimeChart times={drawn.times} series={drawn.series} width={600} label="Drag to see the events of a span" choose={(a, b) => go("/events?" + new URLSearchParams({ from: new Date(a * 1000).toISOString(), to: new Date(b * 1000).toISOString() }))} />
    </section>
  );
}
