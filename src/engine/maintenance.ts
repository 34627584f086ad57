import type { ExecutionStore, OverdueExecution, PurgedKey } from '../store/execution-store.ts';
import { reportAwayOnce, type DatabaseHealth } from './writes/database-health.ts';
import type { OnFaultPoint } from './fault-points.ts';
import type { StartWaiters } from './start-waiters.ts';

/** Does the engine's maintenance: marks overdue executions interrupted, counts pending post-calls, purges what is old. */
export interface Maintenance {
  /** Resolves when the disk was looked at: from then on calls may come. */
  start(): Promise<void>;
  stop(): void;
  /** Reports whether the number of pending post-calls was at its limit at the last count. */
  tooManyPending(): boolean;
  /** Reports whether free disk was below the reserve at the last look. The reserve is kept for outcomes. */
  diskIsFull(): boolean;
  /** Returns the number of pending post-calls at the last count, and of those accepted here since. */
  pending(): number;
  /** Executions without an end although their time is over, as last counted. */
  overdue(): number;
  /** Counts one more accepted row until the next count. */
  noteAccepted(): void;
}

/** After how many milliseconds each kind of maintenance is done again. */
export interface Intervals {
  readonly interrupt: number;
  readonly count: number;
  readonly purge: number;
  readonly forgetKeys: number;
  readonly lookAtDisk: number;
}

/** What maintenance needs. */
export interface MaintenanceDeps {
  readonly store: ExecutionStore;
  readonly health: DatabaseHealth;
  readonly startWaiters: StartWaiters;
  /**
   * Reports whether this process has claimed this execution and not yet recorded its outcome: it is not marked
   * interrupted here, however late it is by the database's clock. Absent: nothing runs here.
   */
  readonly isRunningHere?: (executionUuid: string) => boolean;
  /** Free bytes on the database's disk; undefined: not ours to look at. */
  readonly freeBytes: () => Promise<number | undefined>;
  readonly maxBacklog: number;
  /** Accepted rows may wait so long; 0: for ever. */
  readonly startByMs: number;
  /** 0: nothing is purged. */
  readonly retentionMs: number;
  /** 0: the keys of purged executions are kept for ever. */
  readonly keyRetentionMs: number;
  readonly onFaultPoint: OnFaultPoint;
  readonly onError: (error: unknown) => void;
  /** Absent ones are {@link EVERY_MS}. */
  readonly everyMs?: Partial<Intervals>;
}

const EVERY_MS: Intervals = {
  interrupt: 1_000,
  count: 10_000,
  purge: 60_000,
  forgetKeys: 60_000,
  lookAtDisk: 1_000,
};
const MIN_FREE_BYTES = 64 * 1024 * 1024;
const INTERRUPT_BATCH = 100;
const PURGE_BATCH = 200;
// A walk over 100 million keys takes a day at this pace.
const KEYS_A_STEP = 500;
const KEY_STEPS = 150;
// Owners write their outcomes first when the database has come back.
const INTERRUPT_AFTER_THERE_MS = 10_000;

/** Makes the maintenance. */
export function createMaintenance(deps: MaintenanceDeps): Maintenance {
  const { store, startWaiters, health, isRunningHere = () => false } = deps;
  const everyMs = { ...EVERY_MS, ...deps.everyMs };
  let stopped = false;
  let pending = 0;
  let overdue = 0;
  let diskIsFull = false;
  const timers = new Set<NodeJS.Timeout>();

  const every = (ms: number, work: () => Promise<void>): void => {
    const run = reportAwayOnce(deps.onError);
    const schedule = (): void => {
      const timer = setTimeout(() => {
        timers.delete(timer);
        void run(work).finally(() => {
          if (!stopped) schedule();
        });
      }, ms);
      timers.add(timer);
    };
    schedule();
  };

  // What runs here is left to itself: its owner lives, so it is the database's clock that has jumped.
  const interruptOthers = async (overdue: readonly OverdueExecution[]): Promise<void> => {
    const others = overdue.filter(({ executionUuid }) => !isRunningHere(executionUuid));
    const interrupted = new Set(
      await store.interruptOverdue(others.map(({ executionUuid }) => executionUuid)),
    );
    for (const { executionUuid, conversationUuid, webhookType } of others) {
      if (!interrupted.has(executionUuid)) continue;
      deps.onFaultPoint('interrupted', conversationUuid);
      if (webhookType === 'pre_call') startWaiters.notifyFinished(conversationUuid);
    }
  };
  const interruptOverdue = async (): Promise<void> => {
    if (health.availableForMs() < INTERRUPT_AFTER_THERE_MS) return;
    // A killed process leaves thousands behind at once, and callers wait for them.
    let overdue: readonly OverdueExecution[];
    let after: OverdueExecution | undefined;
    do {
      overdue = await store.findOverdue(INTERRUPT_BATCH, after);
      after = overdue.at(-1);
      await interruptOthers(overdue);
    } while (overdue.length === INTERRUPT_BATCH && !stopped);
  };
  const count = async (): Promise<void> => {
    pending = await store.countPending(deps.maxBacklog);
    overdue = await store.countOverdue(deps.startByMs);
  };
  const lookAtDisk = async (): Promise<void> => {
    const freeBytes = await deps.freeBytes();
    diskIsFull = freeBytes !== undefined && freeBytes < MIN_FREE_BYTES;
  };
  const purge = async (): Promise<void> => {
    if (deps.retentionMs === 0) return;
    const beforeMs = (await store.nowMs()) - deps.retentionMs;
    let purged = PURGE_BATCH;
    while (!stopped && purged === PURGE_BATCH) purged = await store.purge(beforeMs, PURGE_BATCH);
  };

  let keyCursor: PurgedKey | undefined;
  const forgetKeys = async (): Promise<void> => {
    if (deps.keyRetentionMs === 0) return;
    const beforeMs = (await store.nowMs()) - deps.keyRetentionMs;
    for (let step = 0; step < KEY_STEPS && !stopped; step += 1) {
      keyCursor = await store.forgetKeys(beforeMs, KEYS_A_STEP, keyCursor);
      if (keyCursor === undefined) return;
    }
  };

  return {
    start: async () => {
      await lookAtDisk().catch(deps.onError);
      every(everyMs.interrupt, interruptOverdue);
      every(everyMs.count, count);
      every(everyMs.purge, purge);
      every(everyMs.forgetKeys, forgetKeys);
      every(everyMs.lookAtDisk, lookAtDisk);
    },
    stop: () => {
      stopped = true;
      for (const timer of timers) clearTimeout(timer);
    },
    tooManyPending: () => pending >= deps.maxBacklog,
    diskIsFull: () => diskIsFull,
    pending: () => pending,
    overdue: () => overdue,
    noteAccepted: () => {
      pending += 1;
    },
  };
}
