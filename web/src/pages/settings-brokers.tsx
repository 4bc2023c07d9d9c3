import { useState } from "preact/hooks";
import { call, get, Problem, type Page } from "../api";
import { may } from "../me";
import { visible } from "../show";
import { Show, Trouble, useLoad } from "../parts/load";
import { Rows } from "../parts/rows";
import { Origin, Why } from "./settings-kept";

interface By { version: number; by: string; at: string; why?: string }
interface View { broker: string; config: { name: string; publish?: string[]; subscribe?: string[] }; origin: string; place?: string; fixed: boolean; version: number; by?: By; rests?: string; secret?: string; loosens?: string[] }
type Deed = "set" | "password" | "remove";

const words = (text: string) => text.split(/\s+/).filter(Boolean);

/** BrokerUsers are who may connect to a broker of ours, and lets administrators change them. */
export function BrokerUsers({ broker }: { broker: string }) {
  const path = "/settings/brokers/" + encodeURIComponent(broker) + "/users";
  const got = useLoad((s) => get<Page<View>>(path + "?limit=1000", s), [broker]);
  const [doing, setDoing] = useState<[View | null, Deed] | null>(null);
  const [secret, setSecret] = useState("");
  const done = (v: View) => { setSecret(v.secret ? `${v.config.name}: ${v.secret}` : ""); setDoing(null); got.reload(); };
  const write = may("sources.write");
  return (
    <>
      <h2>Who may connect to {visible(broker)}</h2>
      {secret && <p role="status">The password is shown once, now: <code class="break">{visible(secret)}</code></p>}
      {doing && <Do path={path} of={doing[0]} what={doing[1]} done={done} leave={() => setDoing(null)} key={doing[1] + (doing[0]?.config.name || "")} />}
      <Show of={got}>{(d) => d.rows.length ? <Rows heads={["User", "May publish", "May subscribe", "Set", "", "", ""]} rows={d.rows.map((v) => [
        visible(v.config.name), <span class="break">{(v.config.publish || []).map(visible).join(", ") || "nothing"}</span>, <span class="break">{(v.config.subscribe || []).map(visible).join(", ") || "nothing"}</span>,
        <><Origin of={v} />{v.rests && <span class="warn"> {visible(v.rests)}</span>}</>,
        write && !v.fixed && <button type="button" class="link" onClick={() => setDoing([v, "set"])}>Change</button>,
        write && !v.fixed && <button type="button" class="link" onClick={() => setDoing([v, "password"])}>New password</button>,
        write && !v.fixed && <button type="button" class="link" onClick={() => setDoing([v, "remove"])}>Remove</button>,
      ])} /> : <p class="none">It has no user: anybody on this machine may connect.</p>}</Show>
      {write && !doing && <p class="bar"><button type="button" class="quiet" onClick={() => setDoing([null, "set"])}>Add a user</button></p>}
    </>
  );
}

function Do({ path, of, what, done, leave }: { path: string; of: View | null; what: Deed; done: (v: View) => void; leave: () => void }) {
  const [name, setName] = useState(of?.config.name || "");
  const [publish, setPublish] = useState((of?.config.publish || ["plants/+/{user}/#"]).join("\n"));
  const [subscribe, setSubscribe] = useState((of?.config.subscribe || []).join("\n"));
  const [why, setWhy] = useState("");
  const [confirm, setConfirm] = useState(false);
  const [error, setError] = useState<Problem | null>(null);
  const at = path + "/" + encodeURIComponent(name);
  const go = () => {
    if (what === "remove") return call<View>("DELETE", at + "?" + new URLSearchParams({ why, confirm: String(confirm) }), undefined, undefined, of?.version);
    const body = { config: what === "password" ? of?.config : { name, publish: words(publish), subscribe: words(subscribe) }, renew: what === "password", why };
    return call<View>(of ? "PUT" : "POST", of ? at : path, body, undefined, of?.version);
  };
  const word = what === "remove" ? "Remove" : what === "password" ? "Make a new password" : of ? "Change" : "Add";
  return (
    <form class="decide" onSubmit={(ev) => { ev.preventDefault(); go().then(done, (e: Problem) => { setError(e); setConfirm(e.status === 409); }); }}>
      <h2>{of ? `${word}${what === "password" ? " for" : ""} ${visible(name)}` : "Add a user"}</h2>
      <p class="soft">{of ? "Connections of this user end." : "A password is made and shown once; it is kept as its hash."}</p>
      {!of && <label>Name<input value={name} required maxLength={256} autocomplete="off" onInput={(ev) => setName(ev.currentTarget.value)} /></label>}
      {what === "set" && <><label>Filters of topics that it may publish to, one a line; {"{user}"} is the name<textarea rows={2} value={publish} onInput={(ev) => setPublish(ev.currentTarget.value)} /></label><label>Filters that it may subscribe to, one a line<textarea rows={2} value={subscribe} onInput={(ev) => setSubscribe(ev.currentTarget.value)} /></label></>}
      {error && <Trouble error={error} />}
      <Why value={why} set={setWhy} />
      <p><button type="submit" disabled={!why.trim() || !name.trim()}>{confirm ? word + " all the same" : word}</button><button type="button" class="quiet" onClick={leave}>Leave it</button></p>
    </form>
  );
}
