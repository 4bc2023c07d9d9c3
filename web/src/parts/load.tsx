import { useEffect, useRef, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { Problem } from "../api";
import { sentence } from "../show";

export interface Loaded<T> { data?: T; error?: Problem; busy: boolean; reload: () => void }

/**
 * useLoad asks for what a view shows, again when deps change and, if every is
 * given, each so many milliseconds while the page can be seen. What was shown
 * stays until its successor is there; an answer that was overtaken is dropped.
 */
export function useLoad<T>(ask: (signal: AbortSignal) => Promise<T>, deps: unknown[], every = 0): Loaded<T> {
  const [state, setState] = useState<{ data?: T; error?: Problem; busy: boolean }>({ busy: true });
  const [again, setAgain] = useState(0);
  const asked = useRef(ask);
  asked.current = ask;
  useEffect(() => {
    const stop = new AbortController();
    let timer = 0;
    const run = async () => {
      if (!document.hidden || !every) {
        setState((s) => ({ ...s, busy: true }));
        try {
          const data = await asked.current(stop.signal);
          if (!stop.signal.aborted) setState({ data, busy: false });
        } catch (err) {
          if (stop.signal.aborted) return;
          const error = err instanceof Problem ? err : new Problem(0, String(err));
          setState((s) => ({ data: s.data, error, busy: false }));
        }
      }
      if (every && !stop.signal.aborted) timer = window.setTimeout(run, every);
    };
    void run();
    return () => { stop.abort(); clearTimeout(timer); };
  }, [...deps, again]);
  return { ...state, reload: () => setAgain((n) => n + 1) };
}

/** Trouble says what failed and what to do. */
export function Trouble({ error, retry }: { error: Problem; retry?: () => void }) {
  return (
    <div class="trouble" role="alert">
      <p>{sentence(error.message)}</p>
      {error.hint && <p class="soft">{sentence(error.hint)}</p>}
      {retry && <p><button type="button" class="quiet" onClick={retry}>Try again</button></p>}
    </div>
  );
}

/** Show draws what was loaded, or why there is nothing. */
export function Show<T>({ of, children }: { of: Loaded<T>; children: (data: T) => ComponentChildren }) {
  if (of.data === undefined && of.error) return <Trouble error={of.error} retry={of.reload} />;
  if (of.data === undefined) return <p class="soft busy" aria-busy="true">Loading</p>;
  return <>{of.error && <Trouble error={of.error} retry={of.reload} />}{children(of.data)}</>;
}

/** Severity is a word with a mark that does not need colour. */
export function Severity({ level }: { level: string }) {
  const marks: Record<string, string> = { critical: "\u25c6", fatal: "\u25c6", high: "\u25b2", medium: "\u25cf", low: "\u25cb" };
  return <span class={"sev " + level}><span aria-hidden="true">{marks[level] || "\u00b7"}</span> {level}</span>;
}
