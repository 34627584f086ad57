import type { Execution } from '../domain/execution.ts';
import type { ExecutionStore } from '../store/execution-store.ts';
import { reportAwayOnce } from './writes/database-health.ts';

/** Knows the starts that this process has claimed and not recorded yet. */
export interface RunningStarts {
  add(execution: Execution): void;
  remove(execution: Execution): void;
  /** Reports whether this process is running the start of this conversation. */
  hasConversation(conversationUuid: string): boolean;
  /** Reports whether this process is running this execution. */
  hasExecution(executionUuid: string): boolean;
}

/** Makes an empty set of running starts. */
export function createRunningStarts(): RunningStarts {
  const conversations = new Set<string>();
  const executions = new Set<string>();
  return {
    add: ({ conversationUuid, executionUuid }) => {
      conversations.add(conversationUuid);
      executions.add(executionUuid);
    },
    remove: ({ conversationUuid, executionUuid }) => {
      conversations.delete(conversationUuid);
      executions.delete(executionUuid);
    },
    hasConversation: (conversationUuid) => conversations.has(conversationUuid),
    hasExecution: (executionUuid) => executions.has(executionUuid),
  };
}

/**
 * Waits for a start to finish. The process that runs it is notified in memory; other replicas poll the database with one
 * shared query.
 */
export interface StartWaiters {
  /** Wakes every caller in this process that waits for the start of this conversation. */
  notifyFinished(conversationUuid: string): void;
  /** Resolves with whether the start finished before `untilMs` (`performance.now()`) and before the signal. */
  waitUntilFinished(conversationUuid: string, untilMs: number, signal?: AbortSignal): Promise<boolean>;
  close(): void;
}

/** What waiting for starts needs. */
export interface StartWaiterDeps {
  readonly store: Pick<ExecutionStore, 'findFinishedStarts'>;
  /**
   * Reports whether this process runs the start of this conversation now, from its claim until `notifyFinished` is called
   * for it. The database is not asked about such a start.
   */
  readonly isRunningHere: (conversationUuid: string) => boolean;
  readonly onError: (error: unknown) => void;
}

const POLL_EVERY_MS = 200;
// On SQLite a query of so many takes about a millisecond. Other work gets its turn between two of them.
const ASKED_AT_ONCE = 500;

/** Makes the start waiters. */
export function createStartWaiters({ store, isRunningHere, onError }: StartWaiterDeps): StartWaiters {
  const run = reportAwayOnce(onError);
  const waiting = new Map<string, Set<(isFinished: boolean) => void>>();
  let timer: NodeJS.Timeout | undefined;

  const notifyFinished = (conversationUuid: string): void => {
    for (const wake of waiting.get(conversationUuid) ?? []) wake(true);
  };
  const ask = async (): Promise<void> => {
    const elsewhere = [...waiting.keys()].filter((conversationUuid) => !isRunningHere(conversationUuid));
    for (let at = 0; at < elsewhere.length; at += ASKED_AT_ONCE) {
      const finished = await store.findFinishedStarts(elsewhere.slice(at, at + ASKED_AT_ONCE));
      for (const conversationUuid of finished) notifyFinished(conversationUuid);
    }
  };
  const poll = async (): Promise<void> => {
    // While the database is away no finished start can be read. The next poll asks again.
    await run(ask);
    timer = waiting.size > 0 ? setTimeout(() => void poll(), POLL_EVERY_MS) : undefined;
  };
  const join = (conversationUuid: string, wake: (isFinished: boolean) => void): void => {
    const others = waiting.get(conversationUuid) ?? new Set();
    waiting.set(conversationUuid, others.add(wake));
    timer ??= setTimeout(() => void poll(), POLL_EVERY_MS);
  };
  const leave = (conversationUuid: string, wake: (isFinished: boolean) => void): void => {
    const others = waiting.get(conversationUuid);
    others?.delete(wake);
    if (others?.size === 0) waiting.delete(conversationUuid);
  };

  return {
    notifyFinished,
    waitUntilFinished: (conversationUuid, untilMs, signal) =>
      new Promise((resolve) => {
        const wake = (isFinished: boolean): void => {
          clearTimeout(expiry);
          clearImmediate(lastTurn);
          signal?.removeEventListener('abort', giveUp);
          leave(conversationUuid, wake);
          resolve(isFinished);
        };
        const giveUp = (): void => wake(false);
        // After a stall of the event loop an expired timer runs before news that has long arrived, so it waits for one more
        // turn.
        let lastTurn: NodeJS.Immediate | undefined;
        const expire = (): void => {
          lastTurn = setImmediate(giveUp);
        };
        const expiry = setTimeout(expire, Math.max(0, untilMs - performance.now()));
        if (signal?.aborted) return giveUp();
        signal?.addEventListener('abort', giveUp);
        join(conversationUuid, wake);
      }),
    close: () => {
      clearTimeout(timer);
      for (const group of waiting.values()) for (const wake of group) wake(false);
    },
  };
}
