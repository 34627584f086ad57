import type { ExecutionStore } from '../store/types.ts';
import type { DatabaseHealth } from './database-health.ts';
import type { Waiters } from './waiters.ts';

/** The engine's regular work: labels overdue rows, counts the backlog, purges what is old. */
export interface Housekeeping {
  start(): void;
  stop(): void;
  /** Whether the accepted backlog was at its limit when it was last counted. */
  backlogIsFull(): boolean;
  /** Counts one more accepted row until the next count. */
  noteAccepted(): void;
}

/** What the regular work needs. */
export interface HousekeepingDeps {
  readonly store: ExecutionStore;
  readonly health: DatabaseHealth;
  readonly waiters: Waiters;
  readonly maxBacklog: number;
  /** 0: nothing is purged. */
  readonly retentionMs: number;
  readonly onError: (error: unknown) => void;
}

const LABEL_EVERY_MS = 1_000;
const COUNT_EVERY_MS = 10_000;
const PURGE_EVERY_MS = 60_000;
const LABEL_BATCH = 100;
const PURGE_BATCH = 200;
// Owners write their outcomes first when the database has come back.
const LABEL_AFTER_THERE_MS = 10_000;

/** Makes the regular work. */
export const createHousekeeping = (deps: HousekeepingDeps): Housekeeping => {
  const { store, waiters, health } = deps;
  let stopped = false;
  let backlog = 0;
  const timers = new Set<NodeJS.Timeout>();

  const every = (ms: number, work: () => Promise<void>): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      void work()
        .catch(deps.onError)
        .finally(() => {
          if (!stopped) every(ms, work);
        });
    }, ms);
    timers.add(timer);
  };

  const label = async (): Promise<void> => {
    if (health.thereForMs() < LABEL_AFTER_THERE_MS) return;
    for (const { conversationUuid, webhookType } of await store.labelOverdue(LABEL_BATCH)) {
      if (webhookType === 'pre_call') waiters.noteEnded(conversationUuid);
    }
  };
  const count = async (): Promise<void> => {
    backlog = await store.countWaiting(deps.maxBacklog);
  };
  const purge = async (): Promise<void> => {
    if (deps.retentionMs === 0) return;
    const beforeMs = (await store.nowMs()) - deps.retentionMs;
    let purged = PURGE_BATCH;
    while (!stopped && purged === PURGE_BATCH) purged = await store.purge(beforeMs, PURGE_BATCH);
  };

  return {
    start: () => {
      every(LABEL_EVERY_MS, label);
      every(COUNT_EVERY_MS, count);
      every(PURGE_EVERY_MS, purge);
    },
    stop: () => {
      stopped = true;
      for (const timer of timers) clearTimeout(timer);
    },
    backlogIsFull: () => backlog >= deps.maxBacklog,
    noteAccepted: () => {
      backlog += 1;
    },
  };
};
