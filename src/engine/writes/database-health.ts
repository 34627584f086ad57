import { databaseUnavailable, isDatabaseError, LOST_WITHIN_MS } from '../../errors.ts';

/** Knows whether the database is away, so that calls are refused at once while it is. */
export interface DatabaseHealth {
  /** Runs a statement and learns from how it fails. */
  watch<T>(statement: () => Promise<T>): Promise<T>;
  /** @throws CallhooksError DATABASE_UNAVAILABLE while the database is known to be away. */
  assertAvailable(): void;
  /** Reports whether the database is available: it is not known to be away. */
  isAvailable(): boolean;
  /** Returns for how many milliseconds the database has been available without a break; 0 while it is away. */
  availableForMs(): number;
  close(): void;
}

const PROBE_EVERY_MS = 500;
const NOT_READY_AFTER_MS = 10_000;
const READY_AFTER_MS = 2_000;
// At the start of a process nobody knows how long the database has been available. 5 s are assumed, so that executions
// that replicas left when they crashed together are still marked interrupted in time. (Owners record their outcomes
// within a second of the database's return.)
const AVAILABLE_BEFORE_START_MS = 5_000;

/**
 * Follows the database with hysteresis: the process stops being ready after 10 s without the database, and is ready again
 * after 2 s with it, so that a short outage does not empty the load balancer.
 */
export function createDatabaseHealth(
  ping: () => Promise<void>,
  onReadiness: (isReady: boolean) => void,
): DatabaseHealth {
  const readiness = createReadiness(onReadiness);
  let awaySinceMs: number | undefined;
  // Whether a probe has failed since then. A single statement may fail by itself (it was killed, or took too long).
  let isProven = false;
  let availableSinceMs = performance.now() - AVAILABLE_BEFORE_START_MS;

  // A silent database shows only after a statement has waited in vain: it was away during all that time.
  const noteAway = (sinceMs: number): void => {
    if (awaySinceMs === undefined) {
      awaySinceMs = Math.max(sinceMs, availableSinceMs);
      isProven = false;
      readiness.setAt(false, awaySinceMs + NOT_READY_AFTER_MS);
    }
    probe.start();
  };
  const noteAvailable = (): void => {
    if (awaySinceMs === undefined) return;
    awaySinceMs = undefined;
    if (isProven) availableSinceMs = performance.now();
    readiness.setAt(true, availableSinceMs + READY_AFTER_MS);
  };
  const probeOnce = async (): Promise<void> => {
    const startedAtMs = performance.now();
    await ping().then(noteAvailable, (error: unknown) => {
      // A probe that waited, for a connection or for locks of others, says nothing about the database.
      if (isDatabaseError(error, 'busy', 'conflict')) return;
      noteAway(startedAtMs);
      isProven = true;
    });
  };
  const probe = createProbe(probeOnce, () => awaySinceMs !== undefined || !readiness.isReady());
  const learnFrom = (error: unknown, startedAtMs: number): void => {
    if (!isDatabaseError(error, 'away')) return;
    if (performance.now() - startedAtMs < LOST_WITHIN_MS) probe.start();
    else noteAway(startedAtMs);
  };

  return {
    watch: async (statement) => {
      const startedAtMs = performance.now();
      try {
        return await statement();
      } catch (error) {
        learnFrom(error, startedAtMs);
        throw error;
      }
    },
    assertAvailable: () => {
      if (awaySinceMs !== undefined) throw databaseUnavailable();
    },
    isAvailable: () => awaySinceMs === undefined,
    availableForMs: () => (awaySinceMs === undefined ? performance.now() - availableSinceMs : 0),
    close: () => {
      readiness.close();
      probe.close();
    },
  };
}

/** Reports readiness when it changes. A change takes effect at an instant that a later one may replace. */
function createReadiness(onReadiness: (isReady: boolean) => void) {
  let isReady = true;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  const set = (next: boolean): void => {
    if (isClosed || isReady === next) return;
    isReady = next;
    onReadiness(next);
  };
  return {
    isReady: () => isReady,
    setAt: (next: boolean, atMs: number): void => {
      clearTimeout(timer);
      timer = setTimeout(() => set(next), Math.max(0, atMs - performance.now())).unref();
    },
    close: () => {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

/** Repeats a probe twice a second for as long as it is needed, and makes one at least. */
function createProbe(probeOnce: () => Promise<void>, isNeeded: () => boolean) {
  let isRunning = false;
  let isClosed = false;
  const run = async (): Promise<void> => {
    isRunning = true;
    await probeOnce();
    while (!isClosed && isNeeded()) {
      await new Promise((resolve) => setTimeout(resolve, PROBE_EVERY_MS).unref());
      if (!isClosed && isNeeded()) await probeOnce();
    }
    isRunning = false;
  };
  return {
    start: (): void => {
      if (!isRunning && !isClosed) void run();
    },
    close: () => {
      isClosed = true;
    },
  };
}

type Statement = (...values: readonly unknown[]) => Promise<unknown>;

/** Is called with each operation of a store that has ended. `error` is undefined when it succeeded. */
export type OnOperation = (name: string, error: unknown, seconds: number) => void;

const MS_PER_SECOND = 1_000;

/** Wraps a store so that the result of every operation is reported to `health` and to `onOperation`. */
export function withHealthReporting<Store extends object>(
  store: Store,
  health: Pick<DatabaseHealth, 'watch'>,
  onOperation: OnOperation,
): Store {
  const watch = ([name, statement]: [string, Statement]): [string, Statement] => [
    name,
    async (...values) => {
      const startedAtMs = performance.now();
      let failure: unknown;
      try {
        return await health.watch(() => statement(...values));
      } catch (error) {
        failure = error;
        throw error;
      } finally {
        onOperation(name, failure, (performance.now() - startedAtMs) / MS_PER_SECOND);
      }
    },
  ];
  return Object.fromEntries(
    Object.entries<Statement>(store as Record<string, Statement>).map(watch),
  ) as Store;
}

/** Runs a piece of regular work. It never rejects. */
export type RunRegularWork = (work: () => Promise<void>) => Promise<void>;

/**
 * Returns a runner for one kind of regular work that reports how it fails. While the database is away or busy only the
 * first failure is reported, until the work succeeds again: a poll would otherwise log the same line five times a second.
 */
export function reportAwayOnce(onError: (error: unknown) => void): RunRegularWork {
  let isReported = false;
  return async (work) => {
    try {
      await work();
      isReported = false;
    } catch (error) {
      const isWaiting = isDatabaseError(error, 'away', 'busy');
      if (!isWaiting || !isReported) onError(error);
      isReported = isWaiting;
    }
  };
}
