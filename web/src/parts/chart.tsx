import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/style";
import { clock, number, theme, zone } from "../show";

export interface Series { label: string; values: (number | null)[]; colour?: string; line?: boolean }

/** Band is what is usual at each time; what has no value there is not known. */
export interface Band { low: (number | null)[]; high: (number | null)[] }

const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * TimeChart draws counts over time as bars, or as lines for those that say so,
 * before a band of what is usual if there is one. Dragging over it chooses a span. label tells in words what it shows, for those
 * who do not see it.
 */
export function TimeChart({ times, series, label, height = 120, width = 0, choose, band, floor = 0 }: { times: number[]; series: Series[]; label: string; band?: Band; floor?: number | null; height?: number; width?: number; choose?: (from: number, to: number) => void }) {
  const box = useRef<HTMLDivElement>(null);
  const chosen = useRef(choose);
  chosen.current = choose;
  useEffect(() => {
    const el = box.current!;
    const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
    const bars = uPlot.paths.bars!({ size: [0.9, 60], align: 1 });
    const plot = new uPlot({
      width: el.clientWidth, height,
      legend: { show: false },
      cursor: { drag: { x: Boolean(chosen.current), y: false }, points: { show: false }, y: false },
      tzDate: (ts) => zone.value === "local" ? new Date(ts * 1e3) : uPlot.tzDate(new Date(ts * 1e3), zone.value === "UTC" ? "Etc/UTC" : zone.value),
      scales: { y: { range: (_u, lo, hi) => floor === null ? [lo - (hi - lo || 1) * 0.05, hi + (hi - lo || 1) * 0.05] : [floor, Math.max(1, hi * 1.05)] }, x: { range: (_u, lo, hi) => [lo, hi + width] } },
      axes: [{ ...axis, space: 90, size: 26, values: (_u, v) => v.map((t, i) => tick(t, v[i - 1])) }, { ...axis, size: 56, values: (_u, v) => v.map((n) => n % 1 && floor !== null ? "" : short(n)) }],
      bands: band ? [{ series: [2, 1], fill: colour("--band") }] : [],
      series: [{}, ...(band ? [{ stroke: "transparent", width: 0, points: { show: false } }, { stroke: colour("--soft"), width: 1, dash: [4, 3], points: { show: false } }] : []), ...series.map((s, i) => ({
        label: s.label, stroke: colour(s.colour || (i ? "--ink" : "--accent")), fill: s.line ? undefined : colour(s.colour || "--accent"), width: s.line ? 1.5 : 0,
        paths: s.line ? undefined : bars, points: { show: false },
      }))],
      hooks: {
        setSelect: [(u) => {
          if (!chosen.current || u.select.width < 4) return;
          chosen.current(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x"));
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        }],
        setCursor: [(u) => {
          const i = u.cursor.idx;
          const tip = el.nextElementSibling as HTMLElement;
          tip.textContent = i === null || i === undefined ? label : clock(times[i] * 1000, false) + ": " + series.map((s) => (s.values[i] === null ? "no" : number(Math.round(s.values[i]! * 100) / 100)) + " " + s.label).join(", ") + (band && band.high[i] !== null ? "; usual " + number(Math.round(band.low[i]! * 100) / 100) + " to " + number(Math.round(band.high[i]! * 100) / 100) : "");
        }],
      },
    }, [times, ...(band ? [band.low, band.high] : []), ...series.map((s) => s.values)] as uPlot.AlignedData, el);
    const watch = new ResizeObserver(() => plot.setSize({ width: el.clientWidth, height }));
    watch.observe(el);
    return () => { watch.disconnect(); plot.destroy(); };
  }, [times, series, band, height, width, floor, theme.value, zone.value]);
  return <figure class="time"><div ref={box} role="img" aria-label={label} style={{ height: height + "px" }} /><figcaption>{label}</figcaption></figure>;
}

// short is a number as there is room for beside a chart.
const short = (n: number) => Math.abs(n) >= 1e9 ? number(n / 1e9) + " G" : Math.abs(n) >= 1e6 ? number(n / 1e6) + " M" : Math.abs(n) >= 1e4 ? number(n / 1e3) + " k" : number(n);

// tick is a time below the chart: the day where it begins, else hour and minute.
function tick(t: number, before: number | undefined) {
  const now = clock(t * 1000, false), was = before === undefined ? "" : clock(before * 1000, false);
  if (before !== undefined && now.slice(0, 4) !== was.slice(0, 4)) return now.slice(0, 10);
  return now.slice(0, 10) === was.slice(0, 10) ? now.slice(11) : now.slice(5, 10) + (now.endsWith("00:00") ? "" : " " + now.slice(11));
}

/** Bars draws named figures side by side. */
export function Bars({ rows, open }: { rows: { name: string; value: number; before?: number }[]; open?: (name: string) => void }) {
  const most = Math.max(1, ...rows.map((r) => Math.max(r.value, r.before || 0)));
  return (
    <div class="bars">{rows.map((r) => (
      <>
        <span class="name" title={r.name}>{open ? <button type="button" class="pivot" onClick={() => open(r.name)}>{r.name}</button> : r.name}</span>
        <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="bar" width={100 * r.value / most} height="10" />{r.before !== undefined && <rect class="was" x={Math.max(0, 100 * r.before / most - 0.4)} width="0.8" height="10" />}</svg>
        <span class="num">{number(Math.round(r.value * 1000) / 1000)}</span>
      </>
    ))}</div>
  );
}

// most is how many spans a chart has; wider ones are put together beyond it.
const most = 1500;

/**
 * fill gives each span of time its count, so that spans without rows are drawn as
 * zero. step is the width of the spans in seconds: a multiple of what was asked
 * for where the rows reach far.
 */
export function fill(rows: { t: number; n: number }[], step: number): { times: number[]; values: number[]; step: number } {
  if (!rows.length) return { times: [], values: [], step };
  let first = Infinity, last = -Infinity;
  for (const r of rows) { first = Math.min(first, r.t); last = Math.max(last, r.t); }
  const wide = step * Math.max(1, Math.ceil((last - first) / step / most));
  const times: number[] = [], values: number[] = [];
  for (let t = first; t <= last; t += wide) { times.push(t); values.push(0); }
  for (const r of rows) values[Math.floor((r.t - first) / wide)] += r.n;
  return { times, values, step: wide };
}
