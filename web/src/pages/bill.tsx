import { useMemo, useState } from "preact/hooks";
import { get, type Device, type Page } from "../api";
import { limited, may } from "../me";
import { place, set } from "../route";
import { clock, number, plural, visible } from "../show";
import { Grid, type Column } from "../parts/grid";
import { Show, useLoad } from "../parts/load";
import { useKeys } from "../parts/keys";
import { decided, Status } from "../parts/status";
import { Upload } from "../parts/upload";
import { Reason, vulnLink, type VulnRow } from "./vulns";

interface Entry { id: string; subject: string; path: string; format: string; version?: string; components: number; imported: string; until: string | null }
interface Part { name: string; version?: string; group?: string; supplier?: string; type?: string; purls?: string[] | null; cpes?: string[] | null; licenses?: string[] | null }
interface Component extends Part { vulnerabilities: VulnRow[]; not_affected: number }
interface Bill { bill: Entry; product: Part; components: Component[] }
interface Diff { before: Entry; after: Entry; added: Part[] | null; removed: Part[] | null; changed: (Part & { before: string[]; after: string[] })[] | null; same: number; vulnerabilities_gone: VulnRow[] | null; vulnerabilities_new: VulnRow[] | null }

const named = (c: Part) => visible([c.group, c.name].filter(Boolean).join("/"));

/** BillPage is what a device is made of: components, what each is known for, former bills and what changed. */
export function BillPage({ uid }: { uid: string }) {
  const device = useLoad(async (s) => (await get<{ device: Device }>("/devices/" + encodeURIComponent(uid), s)).device, [uid]);
  const bills = useLoad((s) => get<Page<Entry>>(`/devices/${encodeURIComponent(uid)}/bills`, s), [uid]);
  const p = place.value.params, before = p.get("before") || "";
  return (
    <div class="page">
      <p><a href={"/devices/" + encodeURIComponent(uid)}>{visible(device.data?.name || uid)}</a></p>
      <h1>Bill of materials</h1>
      <Show of={bills}>{(d) => {
        const at = d.rows.find((b) => b.id === p.get("bill")) || d.rows.find((b) => !b.until) || d.rows[0];
        return (
          <div class="two">
            <div>
              {!at ? <div class="none"><p>No bill of materials of this device is known, nor one of its product in its version.</p><p class="soft">Makers publish them as CycloneDX or SPDX; tools make them from a firmware image. Send one here, or with <code>vedette sbom import --device NAME FILE</code>.</p></div>
                : before ? <Changes before={before} after={at.id} /> : <Components uid={uid} id={at.id} />}
            </div>
            <aside>
              {d.rows.length > 0 && <><h2>History</h2><ul class="plain">{d.rows.map((b, n) => (
                <li key={b.id}><a href={"?bill=" + b.id} onClick={(ev) => { ev.preventDefault(); set({ bill: b.id, before: "", open: "" }); }} aria-current={at && b.id === at.id ? "true" : undefined}>{visible(b.version || b.path)}</a> {b.until ? <span class="soft">until {clock(b.until)}</span> : <strong>counts</strong>}
                  <span class="block soft">{plural(b.components, "component")}, {visible(b.format)}, taken in {clock(b.imported)}{!b.subject.startsWith("device:") && "; of " + visible(b.subject.replace("product:", "the product "))}</span>
                  {at && b.id !== at.id && n > d.rows.indexOf(at) && <button type="button" class="link" onClick={() => set({ bill: at.id, before: b.id, open: "" })}>What changed since</button>}</li>
              ))}</ul></>}
              {may("vulnerabilities.write") && !limited() && <><h2>Send a bill</h2><Upload label="CycloneDX or SPDX; it takes the place of the one that counts, which is kept" to={(name) => "/bills?" + new URLSearchParams({ device: uid, name })} done={() => { set({ bill: "", before: "" }, true); bills.reload(); }} /></>}
            </aside>
          </div>
        );
      }}</Show>
    </div>
  );
}

function Components({ uid, id }: { uid: string; id: string }) {
  const got = useLoad((s) => get<Bill>(`/devices/${encodeURIComponent(uid)}/bills/${id}`, s), [uid, id]);
  const [text, setText] = useState("");
  const [only, setOnly] = useState(false);
  const at = place.value.params.get("open") || "";
  const columns = useMemo<Column<Component & { n: number }>[]>(() => [
    { key: "name", title: "Component", draw: (c) => named(c) }, { key: "version", title: "Version", draw: (c) => c.version ? visible(c.version) : <span class="warn">? not told</span> },
    { key: "vulns", title: "Vulnerabilities", draw: (c) => tell(c) },
    { key: "license", title: "Licence", draw: (c) => (c.licenses || []).map(visible).join(", ") || "\u2013" }, { key: "supplier", title: "Supplier", draw: (c) => visible(c.supplier || "\u2013") },
    { key: "purl", title: "Package", wide: true, draw: (c) => <span class="mono">{visible(c.purls?.[0] || c.cpes?.[0] || "\u2013")}</span> },
  ], []);
  return <Show of={got}>{(d) => {
    const low = text.toLowerCase(), all = d.components.map((c, n) => ({ ...c, n }));
    const rows = all.filter((c) => (!only || c.vulnerabilities.length > 0) && (!low || [c.name, c.group, c.version, c.supplier, ...(c.purls || [])].some((t) => (t || "").toLowerCase().includes(low))));
    const open = all.find((c) => String(c.n) === at), hit = all.filter((c) => c.vulnerabilities.length > 0).length;
    return (
      <>
        <p class="soft">{visible([d.product.supplier, d.product.name, d.product.version].filter(Boolean).join(" "))}; {plural(d.components.length, "component")}, {number(hit)} with vulnerabilities that it has or may have; {visible(d.bill.format)}{d.bill.until && <strong>; a former bill</strong>}</p>
        <div class="bar"><input value={text} onInput={(ev) => setText(ev.currentTarget.value)} aria-label="Component to look for" placeholder="Component, version or package" autocomplete="off" spellcheck={false} />
          <label class="check"><input type="checkbox" checked={only} onChange={(ev) => setOnly(ev.currentTarget.checked)} /> Vulnerable ones only</label></div>
        {rows.length ? <Grid label="Components" columns={columns} rows={rows} id={(c) => String(c.n)} chosen={at} open={(c) => set({ open: String(c.n) }, Boolean(at))} /> : <p class="none">No component is like that.</p>}
        {open && <Known c={open} />}
      </>
    );
  }}</Show>;
}

function tell(c: Component) {
  const n = (s: string) => c.vulnerabilities.filter((v) => v.status === s).length;
  const parts: [string, number][] = [["affected", n("affected")], ["undetermined", n("undetermined")], ["not_affected", c.not_affected]];
  const some = parts.filter(([, k]) => k > 0);
  return some.length ? <>{some.map(([s, k], i) => <>{i > 0 && ", "}<Status of={s} /> {number(k)}</>)}</> : <span class="soft">none known</span>;
}

function Known({ c }: { c: Component }) {
  const close = () => set({ open: "" }, true);
  const [all, setAll] = useState(false);
  useKeys({ Escape: close, w: () => setAll((v) => !v) });
  return (
    <aside class="panel" aria-label="Component">
      <div class="head"><h2 class="break">{named(c)} {visible(c.version || "")}</h2><button type="button" class="quiet" onClick={close}>Close</button></div>
      <dl class="fields">{[...(c.purls || []).map((x) => ["package", x]), ...(c.cpes || []).map((x) => ["CPE", x]), ...(c.licenses || []).map((x) => ["licence", x])].map(([k, v], i) => <><dt key={i}>{k}</dt><dd class="mono">{visible(v)}</dd></>)}</dl>
      {c.vulnerabilities.length > 0 ? <><p class="soft line"><button type="button" class="link" aria-pressed={all} aria-keyshortcuts="w" onClick={() => setAll(!all)}>{all ? "Hide how each came about" : "Show how each came about"} <kbd>w</kbd></button></p><Found rows={c.vulnerabilities} open={all} /></> : <p class="soft">No vulnerability of it is known.</p>}
      {c.not_affected > 0 && <p class="soft"><Status of="not_affected" /> by {plural(c.not_affected, "vulnerability", "vulnerabilities")} that advisories name it for.</p>}
    </aside>
  );
}

const Found = ({ rows, open }: { rows: VulnRow[]; open?: boolean }) => !rows.length ? <p class="soft">None.</p> : <ul class="plain">{rows.map((r, i) => <li key={i}><strong>{decided(r.decision)}</strong> <Status of={r.status} /> {vulnLink(r.id)} {visible(r.component || "")} {r.fix && <span class="soft">fixed in {visible(r.fix)}</span>} <span class="block">{visible(r.title)}</span><Reason r={r} open={open} /></li>)}</ul>;

/** Changes is what the later of two bills has otherwise. */
function Changes({ before, after }: { before: string; after: string }) {
  const got = useLoad((s) => get<Diff>("/bills/diff?" + new URLSearchParams({ before, after }), s), [before, after]);
  const part = (c: Part) => <>{named(c)} {visible(c.version || "")} <span class="soft mono">{visible(c.purls?.[0] || "")}</span></>;
  const list = (title: string, n: number, rows: preact.ComponentChild[]) => <><h2>{title} ({number(n)})</h2>{n ? <ul class="bullets">{rows.slice(0, 500).map((r, i) => <li key={i}>{r}</li>)}</ul> : <p class="soft">None.</p>}</>;
  return <Show of={got}>{(d) => (
    <>
      <p><strong>{visible(d.before.version || d.before.path)}</strong> of {clock(d.before.imported)} {"\u2192"} <strong>{visible(d.after.version || d.after.path)}</strong> of {clock(d.after.imported)}; {plural(d.same, "component")} stayed. <button type="button" class="link" onClick={() => set({ before: "" })}>Show the components</button></p>
      <h2>Vulnerabilities that went ({number((d.vulnerabilities_gone || []).length)})</h2><Found rows={d.vulnerabilities_gone || []} />
      <h2>Vulnerabilities that came ({number((d.vulnerabilities_new || []).length)})</h2><Found rows={d.vulnerabilities_new || []} />
      {list("Changed", (d.changed || []).length, (d.changed || []).map((c) => <>{named(c)}: {c.before.map((v) => visible(v || "no version")).join(", ")} {"\u2192"} {c.after.map((v) => visible(v || "no version")).join(", ")}</>))}
      {list("Added", (d.added || []).length, (d.added || []).map(part))}
      {list("Removed", (d.removed || []).length, (d.removed || []).map(part))}
    </>
  )}</Show>;
}
