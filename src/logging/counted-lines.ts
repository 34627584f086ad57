/** Counts events of a few kinds, and writes one log line a second for each kind that has happened. */
export interface CountedLines<Kind> {
  /** Counts an event. `fieldsOf` says more about the first one of each second. */
  count(kind: Kind, fieldsOf: () => object): void;
  /** Writes what was counted since the last lines. */
  flush(): void;
}

const LINES_EVERY_MS = 1_000;

/** Makes the counter. `write` writes the line of a kind. */
export function createCountedLines<Kind>(
  write: (kind: Kind, count: number, fields: object) => void,
): CountedLines<Kind> {
  const counted = new Map<Kind, { count: number; readonly fields: object }>();
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    for (const [kind, { count, fields }] of counted) write(kind, count, fields);
    counted.clear();
  };
  return {
    count: (kind, fieldsOf) => {
      timer ??= setTimeout(flush, LINES_EVERY_MS).unref();
      const entry = counted.get(kind);
      if (entry === undefined) counted.set(kind, { count: 1, fields: fieldsOf() });
      else entry.count += 1;
    },
    flush,
  };
}
