import { databaseUnavailable, DatabaseError } from '../../errors.ts';

/** What is known of the database, so that calls are refused at once while it is away. */
export interface DatabaseHealth {
  /** Runs a statement and learns from how it ends. */
  watch<T>(statement: () => Promise<T>): Promise<T>;
  /** @throws CallhooksError DATABASE_UNAVAILABLE while the database is known to be away. */
  assertThere(): void;
  isThere(): boolean;
  /** Milliseconds that the database has been there without a break; 0 while away. */
  thereForMs(): number;
  close(): void;
}

const PROBE_EVERY_MS = 500;
const NOT_READY_AFTER_MS = 10_000;
const READY_AFTER_MS = 2_000;
// A connection may be lost by itself, and that shows at once: a probe tells. Who waited in vain for longer knows.
const LOST_WITHIN_MS = 500;
// Whether the database was away when this process began nobody knows. Owners write within a second of its return, so this
// much is counted as if it had been there: what all replicas left that died together still ends in time.
const THERE_BEFORE_START_MS = 5_000;

/**
 * Follows the database with hysteresis: readiness goes after 10 s without it and comes back after 2 s with it, so that
 * a blip does not empty the load balancer.
 */
export function createDatabaseHealth(
  ping: () => Promise<void>,
  onReadiness: (ready: boolean) => void,
): DatabaseHealth {
  let awaySinceMs: number | undefined;
  // Whether a probe has failed since then: one statement may end badly (it was killed, it took too long) by itself.
  let isProven = false;
  let thereSinceMs = performance.now() - THERE_BEFORE_START_MS;
  let ready = true;
  let closed = false;
  let probing = false;
  let review: NodeJS.Timeout | undefined;

  const setReady = (next: boolean): void => {
    if (closed || ready === next) return;
    ready = next;
    onReadiness(next);
  };
  const setReadyAt = (next: boolean, atMs: number): void => {
    clearTimeout(review);
    review = setTimeout(() => setReady(next), Math.max(0, atMs - performance.now())).unref();
  };
  // A silent database is heard of when a statement has waited in vain: it was away all that time.
  const noteAway = (sinceMs: number): void => {
    if (awaySinceMs === undefined) {
      awaySinceMs = Math.max(sinceMs, thereSinceMs);
      isProven = false;
      setReadyAt(false, awaySinceMs + NOT_READY_AFTER_MS);
    }
    void probe();
  };
  const noteThere = (): void => {
    if (awaySinceMs === undefined) return;
    awaySinceMs = undefined;
    if (isProven) thereSinceMs = performance.now();
    setReadyAt(true, thereSinceMs + READY_AFTER_MS);
  };
  const needsProbe = (): boolean => !closed && (awaySinceMs !== undefined || !ready);
  const probeOnce = async (): Promise<void> => {
    const startedAtMs = performance.now();
    await ping().then(noteThere, (error: unknown) => {
      // Waiting, for a connection or for others' locks, says nothing about the database: the next probe tells.
      if (error instanceof DatabaseError && (error.kind === 'busy' || error.kind === 'conflict')) return;
      noteAway(startedAtMs);
      isProven = true;
    });
  };
  const probe = async (): Promise<void> => {
    if (probing || closed) return;
    probing = true;
    await probeOnce();
    while (needsProbe()) {
      await new Promise((resolve) => setTimeout(resolve, PROBE_EVERY_MS).unref());
      if (needsProbe()) await probeOnce();
    }
    probing = false;
  };
  const suspect = (sinceMs: number): void => {
    if (performance.now() - sinceMs < LOST_WITHIN_MS) void probe();
    else noteAway(sinceMs);
  };

  return {
    watch: async (statement) => {
      const startedAtMs = performance.now();
      try {
        return await statement();
      } catch (error) {
        if (error instanceof DatabaseError && error.kind === 'away') suspect(startedAtMs);
        throw error;
      }
    },
    assertThere: () => {
      if (awaySinceMs !== undefined) throw databaseUnavailable();
    },
    isThere: () => awaySinceMs === undefined,
    thereForMs: () => (awaySinceMs === undefined ? performance.now() - thereSinceMs : 0),
    close: () => {
      closed = true;
      clearTimeout(review);
    },
  };
}

type Statement = (...values: readonly unknown[]) => Promise<unknown>;

/** Wraps a store so that the result of every statement is reported to `health`. */
export function withHealthReporting<Store extends object>(store: Store, health: DatabaseHealth): Store {
  const watch = ([name, statement]: [string, Statement]): [string, Statement] => [
    name,
    (...values) => health.watch(() => statement(...values)),
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
      const isWaiting = error instanceof DatabaseError && (error.kind === 'away' || error.kind === 'busy');
      if (!isWaiting || !isReported) onError(error);
      isReported = isWaiting;
    }
  };
}
