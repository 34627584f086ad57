import type { ExecutionStore } from '../store/types.ts';

/** Waits for starts to end: by memory in the process that runs them, by one shared query elsewhere. */
export interface Waiters {
  /** Tells everybody here who waits for this conversation's start. */
  noteEnded(conversationUuid: string): void;
  /** Whether the start ended before `untilMs` (`performance.now()`) and before the signal. */
  waitForEnd(conversationUuid: string, untilMs: number, signal?: AbortSignal): Promise<boolean>;
  close(): void;
}

const POLL_EVERY_MS = 200;

/** Makes the waiters. */
export const createWaiters = (
  store: Pick<ExecutionStore, 'findEndedStarts'>,
  onError: (error: unknown) => void,
): Waiters => {
  const waiting = new Map<string, Set<(ended: boolean) => void>>();
  let timer: NodeJS.Timeout | undefined;

  const noteEnded = (conversationUuid: string): void => {
    for (const wake of waiting.get(conversationUuid) ?? []) wake(true);
  };
  const poll = async (): Promise<void> => {
    try {
      for (const ended of await store.findEndedStarts([...waiting.keys()])) noteEnded(ended);
    } catch (error) {
      // While the database is away nobody's end can be read; the next poll asks again.
      onError(error);
    }
    timer = waiting.size > 0 ? setTimeout(() => void poll(), POLL_EVERY_MS) : undefined;
  };
  const join = (conversationUuid: string, wake: (ended: boolean) => void): void => {
    const others = waiting.get(conversationUuid) ?? new Set();
    waiting.set(conversationUuid, others.add(wake));
    timer ??= setTimeout(() => void poll(), POLL_EVERY_MS);
  };
  const leave = (conversationUuid: string, wake: (ended: boolean) => void): void => {
    const others = waiting.get(conversationUuid);
    others?.delete(wake);
    if (others?.size === 0) waiting.delete(conversationUuid);
  };

  return {
    noteEnded,
    waitForEnd: (conversationUuid, untilMs, signal) =>
      new Promise((resolve) => {
        const wake = (ended: boolean): void => {
          clearTimeout(expiry);
          signal?.removeEventListener('abort', giveUp);
          leave(conversationUuid, wake);
          resolve(ended);
        };
        const giveUp = (): void => wake(false);
        const expiry = setTimeout(giveUp, Math.max(0, untilMs - performance.now()));
        if (signal?.aborted) return giveUp();
        signal?.addEventListener('abort', giveUp);
        join(conversationUuid, wake);
      }),
    close: () => {
      clearTimeout(timer);
      for (const group of waiting.values()) for (const wake of group) wake(false);
    },
  };
};
