import type { ExecutionStore, OverdueExecution, PurgedKey } from '../store/execution-store.ts';
import type { OnFaultPoint } from './fault-points.ts';
import type { StartWaiters } from './start-waiters.ts';
import type { Minutes } from './minutes/minutes.ts';
import { OWNER_GONE, type OnUnowned } from './unowned-executions.ts';
import { reportAwayOnce, type DatabaseHealth } from './writes/database-health.ts';

/**
 * Does the engine's maintenance: marks overdue executions interrupted, counts pending post-calls, writes what was counted,
 * purges what is old.
 */
export interface Maintenance {
  /** Begins. Resolves when the free disk was checked, after which calls may come. */
  start(): Promise<void>;
  stop(): void;
  /** Reports whether the pending post-calls of the last count, and those accepted here since, are at their limit. */
  tooManyPending(): boolean;
  /** Returns the number of pending post-calls at the last count. */
  pending(): number;
  /** Returns the number of executions that were past their time and not finished at the last count. */
  overdue(): number;
  /** Returns how long ago the oldest pending post-call was accepted, in milliseconds, at the last count; 0 without one. */
  oldestPendingAgeMs(): number;
  /** Counts one more accepted post-call until the next count. */
  noteAccepted(): void;
}

/** After how many milliseconds each kind of maintenance is done again. */
export interface Intervals {
  readonly interrupt: number;
  readonly count: number;
  readonly writeMinutes: number;
  readonly purge: number;
  readonly forgetKeys: number;
  readonly checkDisk: number;
}

/** What maintenance needs. */
export interface MaintenanceDeps {
  readonly store: ExecutionStore;
  readonly health: DatabaseHealth;
  readonly startWaiters: StartWaiters;
  readonly minutes: Pick<Minutes, 'write' | 'forget'>;
  /**
   * Reports whether this process has claimed this execution and not recorded its outcome yet. Such an execution is not
   * marked interrupted here, however late it is by the database's clock.
   */
  readonly isRunningHere: (executionUuid: string) => boolean;
  /** Returns the free bytes of the database's disk, or undefined when the disk is a server's. */
  readonly freeBytes: () => Promise<number | undefined>;
  /** Is told at each check whether free disk is below the reserve, which is kept for outcomes. */
  readonly onDiskChecked: (isFull: boolean) => void;
  /** Is told of the executions that were marked interrupted. */
  readonly onUnowned: OnUnowned;
  readonly maxBacklog: number;
  /** How long a post-call may be pending. With 0 it may be for ever. */
  readonly startByMs: number;
  /** How long finished executions are kept. With 0 nothing is purged. */
  readonly retentionMs: number;
  /** How long the keys of purged executions are kept. With 0 they are kept for ever. */
  readonly keyRetentionMs: number;
  readonly onFaultPoint: OnFaultPoint;
  readonly onError: (error: unknown) => void;
  /** Replaces some of the intervals of production. */
  readonly everyMs: Partial<Intervals>;
}

const EVERY_MS: Intervals = {
  interrupt: 1_000,
  count: 10_000,
  writeMinutes: 10_000,
  purge: 60_000,
  forgetKeys: 60_000,
  checkDisk: 1_000,
};
const MIN_FREE_BYTES = 64 * 1024 * 1024;
const INTERRUPT_BATCH = 100;
const PURGE_BATCH = 200;
// A walk over 100 million keys takes a day at this pace.
const KEYS_A_STEP = 500;
const KEY_STEPS = 150;
// After an outage the owners of executions record their outcomes first.
const INTERRUPT_AFTER_MS = 10_000;

/** Makes the maintenance. */
export function createMaintenance(deps: MaintenanceDeps): Maintenance {
  const { store, maxBacklog, startByMs } = deps;
  const everyMs = { ...EVERY_MS, ...deps.everyMs };
  const { every, stop, isStopped } = createRepeatedWork(deps.onError);
  let pending = 0;
  // Most of these are sent within milliseconds, so they are no part of the backlog that operators see.
  let acceptedSince = 0;
  let overdue = 0;
  let oldestPendingAgeMs = 0;

  const count = async (): Promise<void> => {
    pending = await store.countPending(maxBacklog);
    acceptedSince = 0;
    oldestPendingAgeMs = await store.oldestPendingAgeMs();
    overdue = await store.countOverdue(startByMs);
  };
  const checkDisk = async (): Promise<void> => {
    const freeBytes = await deps.freeBytes();
    deps.onDiskChecked(freeBytes !== undefined && freeBytes < MIN_FREE_BYTES);
  };

  return {
    start: async () => {
      await checkDisk().catch(deps.onError);
      every(everyMs.interrupt, () => interruptOverdue(deps, isStopped));
      every(everyMs.count, count);
      every(everyMs.writeMinutes, deps.minutes.write);
      every(everyMs.purge, () => purge(deps, isStopped));
      every(everyMs.purge, () => deps.minutes.forget(isStopped));
      every(everyMs.forgetKeys, createForgetKeys(deps, isStopped));
      every(everyMs.checkDisk, checkDisk);
    },
    stop,
    tooManyPending: () => pending + acceptedSince >= maxBacklog,
    pending: () => pending,
    overdue: () => overdue,
    oldestPendingAgeMs: () => oldestPendingAgeMs,
    noteAccepted: () => {
      acceptedSince += 1;
    },
  };
}

/** Repeats pieces of work, each after a pause of its own. */
function createRepeatedWork(onError: (error: unknown) => void) {
  const timers = new Set<NodeJS.Timeout>();
  let isStopped = false;
  return {
    every: (ms: number, work: () => Promise<void>): void => {
      const run = reportAwayOnce(onError);
      const schedule = (): void => {
        const timer = setTimeout(() => {
          timers.delete(timer);
          void run(work).finally(() => {
            if (!isStopped) schedule();
          });
        }, ms);
        timers.add(timer);
      };
      schedule();
    },
    stop: (): void => {
      isStopped = true;
      for (const timer of timers) clearTimeout(timer);
    },
    isStopped: (): boolean => isStopped,
  };
}

// One round marks all: a killed process leaves thousands behind at once, and callers wait for them.
async function interruptOverdue(deps: MaintenanceDeps, isStopped: () => boolean): Promise<void> {
  if (deps.health.availableForMs() < INTERRUPT_AFTER_MS) return;
  let overdue: readonly OverdueExecution[];
  let after: OverdueExecution | undefined;
  do {
    overdue = await deps.store.findOverdue(INTERRUPT_BATCH, after);
    after = overdue.at(-1);
    await interrupt(deps, overdue);
  } while (overdue.length === INTERRUPT_BATCH && !isStopped());
}

// An execution that runs here has an owner that lives. If it is overdue, the database's clock has jumped.
async function interrupt(
  { store, startWaiters, isRunningHere, onFaultPoint, onUnowned }: MaintenanceDeps,
  overdue: readonly OverdueExecution[],
): Promise<void> {
  const others = overdue.filter(({ executionUuid }) => !isRunningHere(executionUuid));
  const interrupted = new Set(await store.interruptOverdue(others.map(({ executionUuid }) => executionUuid)));
  const marked = others.filter(({ executionUuid }) => interrupted.has(executionUuid));
  onUnowned(marked, OWNER_GONE);
  for (const { conversationUuid, webhookType } of marked) {
    onFaultPoint('interrupted', conversationUuid);
    if (webhookType === 'pre_call') startWaiters.notifyFinished(conversationUuid);
  }
}

async function purge({ store, retentionMs }: MaintenanceDeps, isStopped: () => boolean): Promise<void> {
  if (retentionMs === 0) return;
  const beforeMs = (await store.nowMs()) - retentionMs;
  let purged = PURGE_BATCH;
  while (!isStopped() && purged === PURGE_BATCH) purged = await store.purge(beforeMs, PURGE_BATCH);
}

/** Makes the work that forgets old keys. Each run goes on where the one before has ended. */
function createForgetKeys({ store, keyRetentionMs }: MaintenanceDeps, isStopped: () => boolean) {
  let cursor: PurgedKey | undefined;
  return async (): Promise<void> => {
    if (keyRetentionMs === 0) return;
    const beforeMs = (await store.nowMs()) - keyRetentionMs;
    for (let step = 0; step < KEY_STEPS && !isStopped(); step += 1) {
      cursor = await store.forgetKeys(beforeMs, KEYS_A_STEP, cursor);
      if (cursor === undefined) return;
    }
  };
}
