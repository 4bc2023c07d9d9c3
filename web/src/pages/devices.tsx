import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get, Problem, type Device, type Page } from "../api";
import { may } from "../me";
import { go, place, set } from "../route";
import { clock, number, plural, visible } from "../show";
import { Grid, type Column } from "../parts/grid";
import { Trouble } from "../parts/load";

type List = Page<Device> & { facets?: Record<string, { value: string; count: number }[]> };
const facets = ["type", "zone", "vendor", "criticality", "state"];

const columns: Column<Device>[] = [
  { key: "name", title: "Name", sort: "name", draw: (d) => <a href={"/devices/" + d.uid}>{visible(d.name || d.uid)}</a> },
  { key: "type", title: "Type", sort: "type", draw: (d) => visible(d.type || "\u2013") },
  { key: "ips", title: "Address", draw: (d) => (d.ips || []).map(visible).join(", ") || "\u2013" },
  { key: "zone", title: "Zone", sort: "zone", draw: (d) => visible(d.zone || "\u2013") },
  { key: "level", title: "Level", draw: (d) => d.level || "\u2013" },
  { key: "criticality", title: "Criticality", sort: "criticality", draw: (d) => d.criticality || "\u2013" },
  { key: "vendor", title: "Vendor", sort: "vendor", draw: (d) => visible([d.vendor, d.model].filter(Boolean).join(" ") || "\u2013") },
  { key: "firmware", title: "Firmware", draw: (d) => visible(d.firmware || "\u2013") },
  { key: "state", title: "State", sort: "state", draw: (d) => d.state },
  { key: "last_seen", title: "Last seen", sort: "last_seen", draw: (d) => clock(d.last_seen) },
];

/** Devices is the inventory; rows come as they are scrolled to. */
export function Devices() {
  const p = place.value.params;
  const [text, setText] = useState(p.get("q") || "");
  const [rows, setRows] = useState<Device[]>([]);
  const [state, setState] = useState<{ total: number; next?: string; facets?: List["facets"]; busy: boolean; error?: Problem }>({ total: 0, busy: true });
  const wanted = useMemo(() => {
    const w = new URLSearchParams();
    for (const k of ["q", "sort", ...facets]) { const v = p.get(k); if (v) w.set(k, v); }
    return w.toString();
  }, [place.value]);
  const turn = useRef(0);
  const load = useCallback(async (cursor: string) => {
    const mine = cursor ? turn.current : ++turn.current;
    setState((s) => ({ ...s, busy: true, error: undefined }));
    try {
      const d = await get<List>(`/devices?limit=${cursor ? 500 : 200}&${wanted}${cursor ? "&cursor=" + encodeURIComponent(cursor) : "&facets=1"}`);
      if (mine !== turn.current) return;
      setRows((old) => cursor ? [...old, ...d.rows] : d.rows);
      setState((s) => ({ total: d.total, next: d.next, facets: d.facets || s.facets, busy: false }));
    } catch (err) { if (mine === turn.current) setState((s) => ({ ...s, busy: false, error: err as Problem })); }
  }, [wanted]);
  useEffect(() => { void load(""); }, [load]);
  useEffect(() => { const t = setTimeout(() => { if (text.trim() !== (p.get("q") || "")) set({ q: text.trim() }, true); }, 250); return () => clearTimeout(t); }, [text]);
  const chosen = facets.filter((f) => p.get(f));
  return (
    <div class="page wide">
      <div class="head"><h1>Devices</h1></div>
      <form class="bar" role="search" onSubmit={(ev) => { ev.preventDefault(); set({ q: text.trim() }); }}>
        <input id="devices-query" value={text} onInput={(ev) => setText(ev.currentTarget.value)} aria-label="Name, address, vendor or id" placeholder="Name, address, vendor or id" autocomplete="off" spellcheck={false} />
      </form>
      {chosen.length > 0 && <p class="chips">{chosen.map((f) => <button type="button" class="chip" key={f} onClick={() => set({ [f]: "" })} aria-label={"without " + f}>{f}: {visible(p.get(f)!)} ×</button>)}</p>}
      {state.error && <Trouble error={state.error} retry={() => void load("")} />}
      <div class="split">
        <details class="facets" open={matchMedia("(min-width: 60rem)").matches}><summary>Values</summary>
          {facets.map((f) => (state.facets?.[f] || []).length > 0 && <section key={f}><h3>{f}</h3><ul class="values">{state.facets![f].map((v) => <li key={v.value}><button type="button" class="pivot" onClick={() => set({ [f]: v.value })}>{visible(v.value || "none")}</button><span class="num soft">{number(v.count)}</span></li>)}</ul></section>)}
        </details>
        <div class="list">
          <p class="soft line">{plural(state.total, "device")}{state.busy ? ", loading" : ""}{may("devices.read") && state.total > 0 && <> <a href={"/api/v1/devices?format=csv&" + wanted} download="vedette-devices.csv">Save CSV</a></>}</p>
          {!state.busy && !state.total ? <p class="none">{wanted ? "No device is like that." : "No device is known yet: devices are learnt from events, or imported with vedette devices import FILE."}</p>
            : <Grid label="Devices" tall columns={columns} rows={rows} id={(d) => d.uid} busy={state.busy} open={(d) => go("/devices/" + d.uid)} more={state.next && !state.busy ? () => void load(state.next!) : undefined} sort={p.get("sort") || ""} onSort={(by) => set({ sort: by }, true)} />}
        </div>
      </div>
    </div>
  );
}
