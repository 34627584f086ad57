/** Counts the spans that no collector gets, and reports them at most once a minute. */
export interface SpanDrops {
  /** Counts spans. `reason` is that of the last ones, without values of calls. */
  add(spans: number, reason: string): void;
  /** Returns how many spans were dropped since the start. */
  total(): number;
  /** Reports what is not reported yet. */
  flush(): void;
}

const REPORT_EVERY_MS = 60_000;
// A collector may answer with a text of any length.
const MAX_REASON = 200;

/** Makes the count. The first drop is reported at once. */
export function createSpanDrops(report: (spans: number, reason: string) => void): SpanDrops {
  let total = 0;
  let unreported = 0;
  let lastReason = '';
  let timer: NodeJS.Timeout | undefined;

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (unreported === 0) return;
    const spans = unreported;
    unreported = 0;
    timer = setTimeout(flush, REPORT_EVERY_MS).unref();
    report(spans, lastReason);
  };
  return {
    add: (spans, reason) => {
      if (spans === 0) return;
      total += spans;
      unreported += spans;
      lastReason = reason.slice(0, MAX_REASON);
      if (timer === undefined) flush();
    },
    total: () => total,
    flush,
  };
}
