import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { get, Problem, type Page } from "../api";

export interface Paged<T, P> { rows: T[]; total: number; last?: P; busy: boolean; error?: Problem; more?: () => void; reload: () => void }

/**
 * usePages asks for a list page by page: the first when the address changes, the
 * next when more is called; again asks anew. An answer that was overtaken is dropped.
 */
export function usePages<T, P extends Page<T> = Page<T>>(path: string, again = 0): Paged<T, P> {
  const [rows, setRows] = useState<T[]>([]);
  const [state, setState] = useState<{ total: number; next?: string; last?: P; busy: boolean; error?: Problem }>({ total: 0, busy: true });
  const turn = useRef(0);
  const load = useCallback(async (cursor: string) => {
    const mine = cursor ? turn.current : ++turn.current;
    setState((s) => ({ ...s, busy: true, error: undefined }));
    try {
      const d = await get<P>(path + (cursor ? "&cursor=" + encodeURIComponent(cursor) : ""));
      if (mine !== turn.current) return;
      setRows((old) => cursor ? [...old, ...d.rows] : d.rows);
      setState({ total: d.total, next: d.next, last: d, busy: false });
    } catch (err) { if (mine === turn.current) setState((s) => ({ ...s, busy: false, error: err as Problem })); }
  }, [path]);
  useEffect(() => { void load(""); }, [load, again]);
  return { rows, total: state.total, last: state.last, busy: state.busy, error: state.error, reload: () => void load(""), more: state.next && !state.busy ? () => void load(state.next!) : undefined };
}
