/** Counts dropped lines and reports them from time to time. */
export interface DropCount {
  add(lines: number): void;
  /** Returns how many lines were dropped in all. */
  total(): number;
  /** Reports what was not reported yet, when a second has passed since the first of it and reports get through. */
  report(): void;
  /** Reports what was not reported yet. */
  reportNow(): void;
}

const REPORT_AFTER_MS = 1_000;

/** Creates a count that calls `onDropped` with the number of lines; `getsThrough` says whether a line would arrive now. */
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
