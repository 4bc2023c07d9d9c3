import { useState } from "preact/hooks";
import { bytes, number, plural, visible } from "../show";

interface Said { path: string; status: string; reason?: string; format?: string; components?: number; vulnerabilities?: number }
interface Report { files?: Said[] | null; indicators?: number; refused?: number; reasons?: { reason: string; count: number }[] | null; name?: string; new?: number }
interface Job { name: string; share: number; state: string; files: Said[] }

/** send puts a file to the server and tells how far it is; fetch cannot tell that. */
function send(url: string, file: File, far: (share: number) => void): Promise<Report> {
  return new Promise((resolve, reject) => {
    const x = new XMLHttpRequest();
    x.open("POST", "/api/v1" + url);
    x.upload.onprogress = (ev) => { if (ev.lengthComputable) far(ev.loaded / ev.total); };
    x.onerror = () => reject(new Error("the server does not answer"));
    x.onload = () => {
      let d: Report & { detail?: string; hint?: string } = {};
      try { d = JSON.parse(x.responseText); } catch { /* told below */ }
      if (x.status < 300) resolve(d);
      else reject(new Error([d.detail || "the server answered " + x.status, d.hint].filter(Boolean).join("; ")));
    };
    x.send(file);
  });
}

function told(d: Report) {
  if (d.indicators !== undefined) return `${plural(d.indicators, "indicator")} taken in` + (d.refused ? `, ${number(d.refused)} refused` + (d.reasons?.length ? ": " + d.reasons.map((r) => `${r.reason} (${number(r.count)})`).join("; ") : "") : "");
  const bad = (d.files || []).filter((f) => f.status !== "ok").length, all = (d.files || []).length;
  return !all ? "there is nothing in it" : bad === all ? "refused" : (d.new !== undefined ? number(d.new) + " new of " : "") + plural(all - bad, "document") + " taken in" + (bad ? `, ${number(bad)} refused` : "");
}

/** Upload takes in files from this machine; what is refused is listed with the reason. */
export function Upload({ to, label, done }: { to: (name: string) => string; label: string; done: () => void }) {
  const [jobs, setJobs] = useState<Job[]>([]);
  const [busy, setBusy] = useState(false);
  const all = async (files: File[]) => {
    setBusy(true);
    setJobs(files.map((f) => ({ name: f.name, share: 0, state: bytes(f.size) + " to be sent", files: [] })));
    const put = (i: number, j: Partial<Job>) => setJobs((old) => old.map((o, k) => k === i ? { ...o, ...j } : o));
    for (const [i, f] of files.entries()) {
      try {
        const d = await send(to(f.name), f, (share) => put(i, { share, state: share < 1 ? "being sent" : "being read" }));
        put(i, { share: 1, state: told(d), files: (d.files || []).filter((x) => x.status !== "ok" || x.reason) });
      } catch (err) { put(i, { share: 1, state: "refused: " + (err as Error).message }); }
    }
    setBusy(false);
    done();
  };
  return (
    <form class="decide" onSubmit={(ev) => ev.preventDefault()}>
      <label>{label}<input type="file" multiple disabled={busy} onChange={(ev) => { const files = [...ev.currentTarget.files || []]; if (files.length) void all(files); ev.currentTarget.value = ""; }} /></label>
      <ul class="plain" role="status">{jobs.map((j, i) => (
        <li key={i}><strong>{visible(j.name)}</strong> {j.share > 0 && j.share < 1 && <progress value={j.share} aria-label={"sent of " + visible(j.name)} />} <span class={/^refused/.test(j.state) ? "warn" : "soft"}>{visible(j.state)}</span>
          {j.files.length > 0 && <ul class="bullets">{j.files.slice(0, 50).map((f, k) => <li key={k}>{visible(f.path)}: {visible(f.reason || f.status)}</li>)}</ul>}</li>
      ))}</ul>
    </form>
  );
}
