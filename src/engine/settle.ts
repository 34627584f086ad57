import { DatabaseError } from '../errors.ts';

/** How long a write is repeated, and what may stop it. */
export interface SettleOptions {
  /** Instant of `performance.now()` after which it is given up; absent: never. */
  readonly giveUpAtMs?: number;
  /** Aborted when the process stops for good. */
  readonly signal?: AbortSignal;
}

const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 500;

/**
 * Repeats a write with the same token while its fate is unknown (`away`, `full`, unsettled conflicts), until it is
 * answered. Reading alone would not settle it: the statement of a dead connection may still be applied after the
 * read found nothing. Rejects with the last error once given up.
 */
export const settle = async <T>(write: () => Promise<T>, options: SettleOptions = {}): Promise<T> => {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      return await write();
    } catch (error) {
      if (!isUnsettled(error) || options.signal?.aborted) throw error;
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
    const timer = setTimeout(giveUp, Math.max(0, giveUpAtMs - performance.now()));
    settling.then(resolve, reject).finally(() => clearTimeout(timer));
  });

const isUnsettled = (error: unknown): boolean =>
  error instanceof DatabaseError &&
  (error.kind === 'away' || error.kind === 'full' || error.kind === 'conflict');

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
