import { DatabaseError, type DatabaseErrorKind } from '../../errors.ts';

/** How long a write is repeated, and what may stop it. */
export interface SettleOptions {
  /** Instant of `performance.now()` after which it is given up; absent: never. */
  readonly giveUpAtMs?: number;
  /** Aborted when the process stops for good. */
  readonly signal?: AbortSignal;
}

const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 500;
// An error that no table knows may pass by itself (a table that is being changed), or stay for ever.
const UNKNOWN_ERROR_TRIES = 6;

/**
 * Repeats a write with the same token while its fate is unknown (`away`, `full`, unsettled conflicts; a few times after
 * an error that is not known), until it is answered. Reading alone would not settle it: the statement of a dead connection may still be applied after the
 * read found nothing. Rejects with the last error once given up.
 */
export const settle = async <T>(write: () => Promise<T>, options: SettleOptions = {}): Promise<T> => {
  let unknownErrors = 0;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      return await write();
    } catch (error) {
      if (isOfKind(error, 'bug')) unknownErrors += 1;
      const isUnsettled = isOfKind(error, 'away', 'full', 'conflict', 'bug');
      if (!isUnsettled || unknownErrors === UNKNOWN_ERROR_TRIES || options.signal?.aborted) throw error;
      const leftMs = (options.giveUpAtMs ?? Infinity) - performance.now();
      if (leftMs <= 0) throw error;
      await pause(Math.min(pauseMs, leftMs));
    }
  }
};

/**
 * Waits for a write until an instant of `performance.now()` and no longer: past it rejects as `away`, and the write
 * goes on. A row that somebody else holds can keep a statement longer than its caller has patience.
 */
export const settledBy = <T>(settling: Promise<T>, giveUpAtMs: number): Promise<T> =>
  new Promise((resolve, reject) => {
    const giveUp = (): void => reject(new DatabaseError('away', new Error('not settled in time')));
    // After a stall of the event loop an expired timer runs before an answer that has long arrived: one more turn.
    const lastTurn = (): void => void setImmediate(giveUp);
    const timer = setTimeout(lastTurn, Math.max(0, giveUpAtMs - performance.now()));
    settling.then(resolve, reject).finally(() => clearTimeout(timer));
  });

const isOfKind = (error: unknown, ...kinds: DatabaseErrorKind[]): boolean =>
  error instanceof DatabaseError && kinds.includes(error.kind);

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
