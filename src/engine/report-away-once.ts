import { DatabaseError } from '../errors.ts';

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
