import { useMemo } from "preact/hooks";
import type { GraphEdge, GraphNode } from "../api";
import { number, plural, visible } from "../show";
import { BigGraph } from "./big-graph";

const shown = 24; // nodes; more would be a hairball

const drawable = (nodes: GraphNode[]) => nodes.filter((n) => n.type !== "rule" && n.type !== "technique");

/** EntityGraph draws who acted on what, in words below: few by role, many in groups by type. */
export function EntityGraph({ nodes, edges, open }: { nodes: GraphNode[]; edges: GraphEdge[]; open: (n: GraphNode) => void }) {
  const list = useMemo(() => drawable(nodes), [nodes]);
  const many = useMemo(() => list.length <= shown ? null : {
    nodes: list.map((n) => ({ id: n.id, label: n.name || n.value, group: n.type, level: "" })),
    edges: edges.filter((e) => e.from !== e.to).map((e) => ({ from: e.from, to: e.to, weight: e.count })),
  }, [list, edges]);
  const by = new Map(nodes.map((n) => [n.id, n])), name = (id: string) => visible(by.get(id)?.name || by.get(id)?.value || id);
  return (
    <>
      {many ? <BigGraph label="Who acted on what" what="entity" whats="entities" nodes={many.nodes} edges={many.edges} open={(id) => { const n = by.get(id); if (n) open(n); }} /> : <FewEntities nodes={list} edges={edges} open={open} />}
      <details><summary>The same as a table ({plural(edges.length, "link")})</summary>
        <div class="scroll" tabIndex={0} role="region" aria-label="Who acted on what"><table><thead><tr><th scope="col">Who or what</th><th scope="col">How</th><th scope="col">On what</th><th scope="col" class="num">Times</th></tr></thead>
          <tbody>{edges.slice(0, 1000).map((e, i) => <tr key={i}><td>{name(e.from)}</td><td>{e.kind}</td><td>{name(e.to)}</td><td class="num">{number(e.count)}</td></tr>)}</tbody></table></div></details>
    </>
  );
}

/**
 * FewEntities draws who acted on what: sources on the left, targets on the
 * right, what is both between them. Rules and techniques are left to the lists.
 */
function FewEntities({ nodes, edges, open }: { nodes: GraphNode[]; edges: GraphEdge[]; open: (n: GraphNode) => void }) {
  const list = [...nodes].sort((a, b) => b.count - a.count);
  const column = (n: GraphNode) => n.role === "source" ? 0 : n.role === "both" ? 1 : n.role === "target" ? 2 : 3;
  const columns = [0, 1, 2, 3].map((c) => list.filter((n) => column(n) === c)).filter((c) => c.length);
  const gap = 44, wide = 760, high = Math.max(...columns.map((c) => c.length)) * gap + 10;
  const at = new Map<string, { x: number; y: number }>();
  columns.forEach((c, i) => c.forEach((n, k) => at.set(n.id, { x: columns.length === 1 ? wide / 2 : 90 + i * (wide - 180) / (columns.length - 1), y: (k + 0.5) * high / c.length })));
  const lines = edges.filter((e) => at.has(e.from) && at.has(e.to) && e.from !== e.to);
  const most = Math.max(1, ...lines.map((e) => e.count));
  const label = (n: GraphNode) => visible(n.name || n.value);
  return (
    <figure class="entities">
      <svg viewBox={`0 0 ${wide} ${high}`} role="img" aria-label={lines.map((e) => `${label(list.find((n) => n.id === e.from)!)} ${e.kind} ${label(list.find((n) => n.id === e.to)!)}`).join("; ").slice(0, 600)}>
        {lines.map((e, i) => {
          const a = at.get(e.from)!, b = at.get(e.to)!, mid = (a.x + b.x) / 2 + (a.x === b.x ? 70 : 0);
          return <path key={i} class="edge" d={`M${a.x} ${a.y}C${mid} ${a.y} ${mid} ${b.y} ${b.x} ${b.y}`} stroke-width={1 + 3 * Math.log1p(e.count) / Math.log1p(most)}><title>{e.kind}, {number(e.count)} times</title></path>;
        })}
        {list.map((n) => {
          const p = at.get(n.id)!, text = label(n);
          return (
            <g key={n.id} class={"node " + n.type} transform={`translate(${p.x} ${p.y})`} onClick={() => open(n)}>
              <title>{n.type}: {text}, in {number(n.count)} findings</title>
              <rect x="-84" y="-15" width="168" height="30" rx="5" /><text text-anchor="middle" dy="5">{text.length > 24 ? text.slice(0, 23) + "\u2026" : text}</text>
            </g>
          );
        })}
      </svg>
    </figure>
  );
}
