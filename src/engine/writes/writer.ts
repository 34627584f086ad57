import type { WriteBatch, WriteResults } from '../../store/write-batch.ts';
import { createBatchWriter, type LockedRowFilter } from './batch-writer.ts';
import { createWriteQueue, type WriteItem } from './write-queue.ts';

/** Writes what is submitted, in transactions that many items share. */
export interface Writer {
  submit(item: WriteItem): void;
  /**
   * Returns how long the oldest item that a caller waits for has been waiting for its turn, in milliseconds; 0 when there
   * is none. An item that is being written does not count: one locked row would shut every caller out.
   */
  ageMs(): number;
  /** Returns how many items wait for their turn. */
  queued(): number;
}

/** What a writer needs. */
export interface WriterDeps {
  readonly write: (batch: WriteBatch) => Promise<WriteResults>;
  readonly lockedRows: LockedRowFilter;
  /** How many transactions may be under way at once. */
  readonly maxConcurrentBatches: number;
  /** Is called with the number of items of each batch. */
  readonly onWriteBatch: (items: number) => void;
  /** Is called with each item that the database has decided. */
  readonly onWritten: (item: WriteItem) => void;
}

// A second transaction begins only when the first one hangs, for example at a row that another process keeps locked. Two
// transactions that always ran at once would spread the same writes over more commits.
const SECOND_AFTER_MS = 20;
// A transaction has a price of its own, about 100 µs. After a batch of so many items the next one begins 2 ms later, or
// when 24 items wait.
const MANY_ITEMS = 4;
const GATHER_MS = 2;
const GATHERED_ITEMS = 24;
const WITHDRAW_EVERY_MS = 20;
const UNDECIDED_PAUSE_MS = 25;

/**
 * Makes the writer. It takes what waits, writes it in one transaction, and takes what has arrived meanwhile. An item that
 * is alone waits for no other.
 */
export function createWriter(deps: WriterDeps): Writer {
  const { write, lockedRows, maxConcurrentBatches, onWritten, onWriteBatch } = deps;
  const queue = createWriteQueue();
  const inFlight = new Set<readonly WriteItem[]>();
  let begunAtMs = 0;
  let lastCount = 0;
  let isScheduled = false;
  let withdrawing: NodeJS.Timeout | undefined;
  let gathering: NodeJS.Timeout | undefined;

  const submit = (item: WriteItem): void => {
    queue.add(item);
    schedule();
  };
  const writeItems = createBatchWriter({
    ...{ write, lockedRows, onWritten },
    // It may be committed already, so it is not withdrawn any more.
    onUndecided: (item) => {
      setTimeout(() => submit({ ...item, withdrawAtMs: Infinity }), UNDECIDED_PAUSE_MS);
    },
  });

  const mayBegin = (): boolean =>
    inFlight.size === 0 ||
    (inFlight.size < maxConcurrentBatches && performance.now() - begunAtMs > SECOND_AFTER_MS);
  // In the next turn of the event loop, so that everything that arrives in this one shares the commit.
  const schedule = (): void => {
    if (isScheduled || !mayBegin()) return;
    const isEnough = lastCount < MANY_ITEMS || queue.size() >= GATHERED_ITEMS;
    const waitMs = isEnough ? 0 : begunAtMs + GATHER_MS - performance.now();
    if (waitMs > 0) gathering ??= setTimeout(begin, waitMs);
    else {
      isScheduled = true;
      setImmediate(begin);
    }
  };
  const begin = (): void => {
    clearTimeout(gathering);
    gathering = undefined;
    isScheduled = false;
    const batch = mayBegin() ? queue.takeBatch() : [];
    if (batch.length === 0) return;
    begunAtMs = performance.now();
    lastCount = batch.length;
    inFlight.add(batch);
    onWriteBatch(batch.length);
    withdrawing ??= setTimeout(withdrawLate, WITHDRAW_EVERY_MS);
    void writeItems(batch).finally(() => {
      inFlight.delete(batch);
      if (queue.size() > 0) schedule();
    });
  };
  // While a transaction hangs, items are withdrawn in time all the same.
  const withdrawLate = (): void => {
    withdrawing = undefined;
    queue.withdrawLate();
    if (queue.size() > 0) schedule();
    if (inFlight.size > 0) withdrawing = setTimeout(withdrawLate, WITHDRAW_EVERY_MS);
  };

  return { submit, ageMs: queue.ageMs, queued: queue.size };
}
