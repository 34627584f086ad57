/** Counts dropped lines and reports their number, at most once a second. */
interface DropCount {
  /** Counts dropped lines. */
  add(lines: number): void;
  /** Returns how many lines were dropped since the start. */
  total(): number;
  /** Reports the lines that are not reported yet, if the first of them is a second old and a report gets through now. */
  report(): void;
  /** Reports the lines that are not reported yet. */
  reportNow(): void;
}

const REPORT_AFTER_MS = 1_000;

/** Makes a count that reports to `onDropped`. `getsThrough` reports whether a new log line would be written now. */
export function createDropCount(onDropped: (lines: number) => void, getsThrough: () => boolean): DropCount {
  let total = 0;
  let unreported = 0;
  let isDue = false;
  let timer: NodeJS.Timeout | undefined;

  function reportNow(): void {
    if (unreported === 0) return;
    const lines = unreported;
    unreported = 0;
    isDue = false;
    clearTimeout(timer);
    timer = undefined;
    onDropped(lines);
  }

  function report(): void {
    if (isDue && getsThrough()) reportNow();
  }

  return {
    add(lines) {
      if (lines === 0) return;
      total += lines;
      unreported += lines;
      timer ??= setTimeout(() => {
        isDue = true;
        report();
      }, REPORT_AFTER_MS).unref();
    },
    total: () => total,
    report,
    reportNow,
  };
}
