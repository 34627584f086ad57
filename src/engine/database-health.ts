import { CallhooksError, DatabaseError } from '../errors.ts';

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

/** The answer to a call whose acceptance is not known: repeating it finds out. */
export const databaseUnavailable = (cause?: unknown): CallhooksError =>
  new CallhooksError(
    'DATABASE_UNAVAILABLE',
    'the database does not answer; repeating the call is safe',
    { retryAfterMs: 1_000 },
    { cause },
  );

/**
 * Follows the database with hysteresis: readiness goes after 10 s without it and comes back after 2 s with it, so that
 * a blip does not empty the load balancer.
 */
export const createDatabaseHealth = (
  ping: () => Promise<void>,
  onReadiness: (ready: boolean) => void,
): DatabaseHealth => {
  let awaySinceMs: number | undefined;
  let thereSinceMs = performance.now();
  let ready = true;
  let closed = false;
  let probing = false;

  const setReady = (next: boolean): void => {
    if (ready === next) return;
    ready = next;
    onReadiness(next);
  };
  const review = (): void => {
    const nowMs = performance.now();
    if (awaySinceMs !== undefined && nowMs - awaySinceMs >= NOT_READY_AFTER_MS) setReady(false);
    if (awaySinceMs === undefined && nowMs - thereSinceMs >= READY_AFTER_MS) setReady(true);
  };
  const noteAway = (): void => {
    awaySinceMs ??= performance.now();
    void probe();
  };
  const noteThere = (): void => {
    if (awaySinceMs === undefined) return;
    awaySinceMs = undefined;
    thereSinceMs = performance.now();
  };
  const probe = async (): Promise<void> => {
    if (probing) return;
    probing = true;
    while (!closed && (awaySinceMs !== undefined || !ready)) {
      await ping().then(noteThere, () => (awaySinceMs ??= performance.now()));
      review();
      await new Promise((resolve) => setTimeout(resolve, PROBE_EVERY_MS).unref());
    }
    probing = false;
  };

  return {
    watch: async (statement) => {
      try {
        return await statement();
      } catch (error) {
        if (error instanceof DatabaseError && error.kind === 'away') noteAway();
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
    },
  };
};
