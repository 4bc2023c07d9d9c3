import { useState } from "preact/hooks";
import { get, post, Problem, type Page } from "../api";
import { may } from "../me";
import { ago, bytes, clock, isTime, number, plural, visible } from "../show";
import { Show, Trouble, useLoad } from "../parts/load";
import { Rows } from "../parts/rows";
import { Why } from "./settings-kept";

interface Payload { id: string; source: string; peer?: string; format?: string; received?: string; size: number; at: string; reason: string }
interface Shown extends Payload { lines: string[]; shown: number; bytes: number }
interface Replayed { payloads: { id: string; problem?: string }[]; stored: number; duplicates: number; rejected: number; left: number }

/** AsideNote leads to what is set aside, if anything is and who sits here may see it. */
export function AsideNote() {
  const got = useLoad((s) => may("sources.write") ? get<Page<Payload>>("/spool/aside?limit=1", s) : Promise.resolve(null), [], 30000);
  return got.data?.total ? <p class="warn">{plural(got.data.total, "payload")} of live sources {got.data.total === 1 ? "is" : "are"} set aside and not stored. <a href="/settings?part=aside">Look at {got.data.total === 1 ? "it" : "them"}</a></p> : null;
}

/** Aside are the payloads that the program failed on. */
export function Aside() {
  const got = useLoad((s) => get<Page<Payload>>("/spool/aside?limit=1000", s), []);
  const [open, setOpen] = useState("");
  const [chosen, setChosen] = useState<string[]>([]);
  const [doing, setDoing] = useState<["replay" | "drop", string[]] | null>(null);
  const [said, setSaid] = useState("");
  const done = (text: string) => { setSaid(text); setDoing(null); setChosen([]); setOpen(""); got.reload(); };
  const now = Date.now();
  return (
    <>
      <p class="soft">A payload that the program fails on is set aside here: it is not stored, and not lost. After an upgrade, read it again; what is stored of it already is not stored twice.</p>
      {said && <p role="status">{said}</p>}
      {doing && <Do what={doing[0]} ids={doing[1]} done={done} leave={() => setDoing(null)} key={doing.flat().join()} />}
      <Show of={got}>{(d) => { const ids = d.rows.map((p) => p.id), picked = chosen.filter((id) => ids.includes(id)); return d.rows.length ? <>
        <p class="tools">
          <button type="button" class="quiet" disabled={!picked.length} onClick={() => setDoing(["replay", picked])}>Read again ({number(picked.length)})</button>
          <button type="button" class="quiet" disabled={!picked.length} onClick={() => setDoing(["drop", picked])}>Drop ({number(picked.length)})</button>
          <button type="button" class="quiet" onClick={() => setChosen(picked.length === ids.length ? [] : ids)}>{picked.length === ids.length ? "Choose none" : `Choose all ${number(ids.length)}`}</button>
        </p>
        {d.next && <p class="soft">The oldest {number(ids.length)} of {number(d.total)} are shown.</p>}
        <Rows heads={["", "Source", "Reason", "Size", "Came", "Set aside", "From", ""]} rows={d.rows.map((p) => [
          <input type="checkbox" aria-label={`Choose ${p.id}`} checked={picked.includes(p.id)} onChange={(ev) => setChosen(ev.currentTarget.checked ? [...picked, p.id] : picked.filter((id) => id !== p.id))} />,
          <>{visible(p.source || "unknown")} <span class="soft">{visible(p.format || "")}</span></>, <span class="break">{visible(p.reason)}</span>, bytes(p.size),
          isTime(p.received) ? clock(p.received) : "unknown", <time dateTime={p.at} title={clock(p.at)}>{ago(p.at, now)}</time>, visible(p.peer || ""),
          <button type="button" class="link" aria-expanded={open === p.id} onClick={() => setOpen(open === p.id ? "" : p.id)}>{open === p.id ? "Close" : "Show"}</button>,
        ])} />
        {open && <Payload id={open} key={open} />}
      </> : <p class="none">No payload is set aside. <span class="soft">All that the sources received could be read, or was rejected with a reason, which the source tells.</span></p>; }}</Show>
    </>
  );
}

/** Payload is the beginning of one. The server has escaped all that is not plain ASCII. */
function Payload({ id }: { id: string }) {
  const got = useLoad((s) => get<Shown>("/spool/aside/" + encodeURIComponent(id), s), []);
  return <section aria-label="Payload"><Show of={got}>{(d) => <>
    <h2>Payload {id}</h2>
    <p class="soft">{d.shown < d.bytes ? `The first ${number(d.shown)} of ${plural(d.bytes, "byte")}` : plural(d.bytes, "byte")}; what is no plain ASCII is escaped</p>
    <pre class="raw" tabIndex={0}>{d.lines.map(visible).join("\n")}</pre>
  </>}</Show></section>;
}

function Do({ what, ids, done, leave }: { what: "replay" | "drop"; ids: string[]; done: (said: string) => void; leave: () => void }) {
  const [why, setWhy] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Problem | null>(null);
  const drop = what === "drop", n = plural(ids.length, "payload");
  const go = async () => {
    setBusy(true);
    try {
      if (drop) {
        const d = await post<{ payloads: number; bytes: number }>("/spool/drop", { ids, count: ids.length, why });
        done(`${plural(d.payloads, "payload")} dropped, ${bytes(d.bytes)}.`);
      } else {
        const d = await post<Replayed>("/spool/replay", { ids });
        done(`${plural(d.stored, "event")} stored, ${number(d.duplicates)} were there, ${plural(d.rejected, "record")} rejected; ${d.left ? plural(d.left, "payload") + " could not be read again and " + (d.left === 1 ? "stays" : "stay") : "nothing stays set aside of " + n}.`);
      }
    } catch (err) { setError(err as Problem); setBusy(false); }
  };
  return (
    <form class="decide" onSubmit={(ev) => { ev.preventDefault(); void go(); }}>
      <h2>{drop ? `Drop ${n} for good` : `Read ${n} again`}</h2>
      <p class="soft">{drop ? "What was in them is stored nowhere else and cannot be brought back." : "What can be read now is stored with the time it came; what fails again stays here."}</p>
      {error && <Trouble error={error} />}
      {drop && <Why value={why} set={setWhy} />}
      <p><button type="submit" disabled={busy || drop && !why.trim()}>{busy ? "Being done" : drop ? `Drop ${n}` : "Read again"}</button><button type="button" class="quiet" onClick={leave}>Leave it</button></p>
    </form>
  );
}
