import { setTimeout as wait } from 'node:timers/promises';
import { DatabaseError, type DatabaseErrorKind } from '../../errors.ts';

/** How long a write is repeated, and what may stop it. */
export interface RetryOptions {
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
 * Repeats a write with the same token while its fate is unknown (`away`; a few times after an error that is not known)
 * or it could not be written yet (`full`, `busy`, `conflict`), until it is answered. Reading alone would not settle it:
 * the statement of a dead connection may still be applied after the read found nothing. `write` is told whether an
 * earlier try may have been applied. Rejects with the last error once given up.
 */
export async function retryWrite<T>(
  write: (isUnsure: boolean) => Promise<T>,
  options: RetryOptions = {},
): Promise<T> {
  let unknownErrors = 0;
  let isUnsure = false;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      return await write(isUnsure);
    } catch (error) {
      if (isOfKind(error, 'bug')) unknownErrors += 1;
      if (isOfKind(error, 'away', 'bug')) isUnsure = true;
      const isUnsettled = isOfKind(error, 'away', 'full', 'busy', 'conflict', 'bug');
      if (!isUnsettled || unknownErrors === UNKNOWN_ERROR_TRIES || options.signal?.aborted) throw error;
      // The last try must not come when nobody waits for it any more.
      if (performance.now() + pauseMs >= (options.giveUpAtMs ?? Infinity)) throw error;
      await wait(pauseMs);
    }
  }
}

/**
 * Waits for a write until an instant of `performance.now()` and no longer: past it rejects (as `away`, or with what
 * `toError` makes), and the write goes on. A locked row can keep a statement longer than its caller has patience.
 */
export function withTimeout<T>(
  writing: Promise<T>,
  giveUpAtMs: number,
  toError: () => Error = () => new DatabaseError('away', new Error('not settled in time')),
): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(toError());
    // After a stall of the event loop an expired timer runs before an answer that has long arrived: one more turn.
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

function isOfKind(error: unknown, ...kinds: readonly DatabaseErrorKind[]): boolean {
  return error instanceof DatabaseError && kinds.includes(error.kind);
}
