import { setTimeout as wait } from 'node:timers/promises';
import { DatabaseError, isDatabaseError } from '../../errors.ts';

/** How long a write is repeated, and what may stop it. */
export interface RetryOptions {
  /** Instant of `performance.now()` after which it is given up. Without it the write is repeated for ever. */
  readonly giveUpAtMs?: number;
  /** Aborted when the process stops for good. */
  readonly signal?: AbortSignal;
}

const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 500;
// An unknown error may pass by itself (a table that is being changed), or stay for ever.
const UNKNOWN_ERROR_TRIES = 6;

/**
 * Repeats a write with the same token until the database decides it: while nobody knows whether it was applied (`away`; a
 * few times after an unknown error), and while it could not be written (`full`, `busy`, `conflict`). Reading alone would
 * not decide it: the statement of a dead connection may still be applied after the read found nothing. `write` gets
 * whether an earlier try may have been applied. Rejects with the last error once it is given up.
 */
export async function retryWrite<T>(
  write: (mayBeWritten: boolean) => Promise<T>,
  options: RetryOptions = {},
): Promise<T> {
  let unknownErrors = 0;
  let mayBeWritten = false;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      return await write(mayBeWritten);
    } catch (error) {
      if (isDatabaseError(error, 'bug')) unknownErrors += 1;
      if (isDatabaseError(error, 'away', 'bug')) mayBeWritten = true;
      const isUndecided = isDatabaseError(error, 'away', 'full', 'busy', 'conflict', 'bug');
      if (!isUndecided || unknownErrors === UNKNOWN_ERROR_TRIES || options.signal?.aborted) throw error;
      // The last try must not come when no caller waits for it any more.
      if (performance.now() + pauseMs >= (options.giveUpAtMs ?? Infinity)) throw error;
      await wait(pauseMs);
    }
  }
}

/**
 * Waits for a write until an instant of `performance.now()`, and then rejects (as `away`, or with what `toError` makes).
 * The write goes on: a locked row can keep a statement for longer than its caller waits.
 */
export function withTimeout<T>(
  writing: Promise<T>,
  giveUpAtMs: number,
  toError: () => Error = () => new DatabaseError('away', new Error('the write was not decided in time')),
): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(toError());
    // After a stall of the event loop an expired timer runs before an answer that has long arrived, so it waits for one
    // more turn.
    const lastTurn = (): void => void setImmediate(giveUp);
    const timer = setTimeout(lastTurn, Math.max(0, giveUpAtMs - performance.now()));
    writing.then(
      (result) => {
        clearTimeout(timer);
        resolve(result);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
