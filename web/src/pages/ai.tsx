import { useState } from "preact/hooks";
import { get, post, Problem, type Page } from "../api";
import { may } from "../me";
import { clock, number, sentence, visible } from "../show";
import { Show, Trouble, useLoad } from "../parts/load";

interface Model { id: string; state: string; name: string; location: string; by: string; problem?: string }
interface Call { time: string; person: string; task: string; endpoint: string; location: string; label: string; outcome: string; bytes?: string; why?: string }
interface State { mode: string; asked: boolean; models: Model[]; sent: Call[] }
interface Found { url: string; software: string; name: string; family: string; context?: number; lacks: string[] | null; usable: boolean; cloud?: string; digest?: string }

/** AI tells which models may do what, and what went to them. */
export function AI() {
  const got = useLoad((s) => get<State>("/ai?limit=200", s), [], 10000);
  return (
    <div class="page">
      <h1>AI</h1>
      <Show of={got}>{(d) => (
        <>
          <p>{d.asked ? "The built-in engine answers; a model may read what it does not understand, and add sentences that are checked." : "The built-in engine answers alone; no model is at work."} <span class="soft">Mode: {d.mode}.</span> {may("settings.read") && <a href="/settings?part=models">Set models and what may go to them</a>}</p>
          <h2>Models</h2>
          {d.models.length ? (
            <div class="scroll"><table><thead><tr><th scope="col">State</th><th scope="col">Model</th><th scope="col">Where it runs</th><th scope="col">Decided by</th><th scope="col"></th></tr></thead>
              <tbody>{d.models.map((m) => <tr key={m.id}><td>{m.state}</td><td>{visible(m.name || m.id)} <span class="soft">{visible(m.id)}</span></td><td>{m.location || "\u2013"}</td><td>{visible(m.by || "\u2013")}</td><td class="warn">{m.problem ? visible(m.problem) : ""}</td></tr>)}</tbody></table></div>
          ) : <p class="soft">The register has no model. Everything works without one.</p>}
          {may("models.write") && <Find reload={got.reload} />}
          <h2>What went to models</h2>
          {d.sent.length ? (
            <div class="scroll"><table><thead><tr><th scope="col">Time</th><th scope="col">Outcome</th><th scope="col">Task</th><th scope="col">Endpoint</th><th scope="col">Label</th><th scope="col" class="num">Bytes</th><th scope="col">For</th><th scope="col">Why</th></tr></thead>
              <tbody>{d.sent.map((c, i) => <tr key={i}><td>{clock(c.time)}</td><td class={c.outcome === "refused" ? "warn" : ""}>{c.outcome}</td><td>{c.task}</td><td>{visible(c.endpoint)} <span class="soft">{c.location}</span></td><td>{c.label}</td><td class="num">{c.bytes ? number(Number(c.bytes)) : ""}</td><td>{visible(c.person)}</td><td>{visible(c.why || "")}</td></tr>)}</tbody></table></div>
          ) : <p class="soft">Nothing has been sent to a model. <span>Each call and each refusal will be listed here.</span></p>}
        </>
      )}</Show>
    </div>
  );
}

/** Find looks for model servers on this machine and lets a person approve one. */
function Find({ reload }: { reload: () => void }) {
  const [list, setList] = useState<Found[] | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Problem | null>(null);
  const look = async () => {
    setBusy(true); setError(null);
    try { setList((await post<Page<Found>>("/ai/find", {})).rows); } catch (err) { setError(err as Problem); }
    setBusy(false);
  };
  return (
    <section>
      <p><button type="button" class="quiet" disabled={busy} onClick={() => void look()}>{busy ? "Looking" : "Look for model servers on this machine"}</button></p>
      {error && <Trouble error={error} />}
      {list && !list.length && <p class="soft">No model server answers on this machine. Other hosts: <code>vedette models discover --host NAME</code>.</p>}
      {list?.map((m) => <FoundModel key={m.url + m.name} m={m} done={() => { setList(null); reload(); }} />)}
    </section>
  );
}

function FoundModel({ m, done }: { m: Found; done: () => void }) {
  const [why, setWhy] = useState("");
  const [error, setError] = useState<Problem | null>(null);
  return (
    <div class="card still">
      <strong>{visible(m.name)}</strong> <span class="soft">{[m.software, m.url, "family " + m.family, m.context && number(m.context) + " tokens"].filter(Boolean).map((t) => visible(String(t))).join(" · ")}</span>
      {(m.lacks || []).map((l) => <span key={l} class="soft">{sentence(visible(l))}</span>)}
      {m.cloud ? <span class="warn">It runs in a cloud ({visible(m.cloud)}): configure it with its terms.</span> : m.usable && (
        <form class="decide" onSubmit={(ev) => { ev.preventDefault(); setError(null); post("/ai/use", { url: m.url, model: m.name, why }).then(done, setError); }}>
          <label>Why it may be used<input value={why} maxLength={200} required onInput={(ev) => setWhy(ev.currentTarget.value)} /></label>
          {error && <Trouble error={error} />}
          <p><button type="submit" disabled={!why.trim()}>Approve it</button></p>
        </form>
      )}
    </div>
  );
}
