import { setTimeout as wait } from 'node:timers/promises';
import { DatabaseError, limitReached, type DatabaseErrorKind } from '../../errors.ts';
import type { WriteBatch, WriteResults } from '../../store/write-batch.ts';
import type { LockedRowFilter } from './locked-row-filter.ts';

/** The kinds of writes, most important first: callers on the phone go before reports. */
export const KINDS = ['outcomes', 'starts', 'postCalls', 'claims'] as const;
export type Kind = (typeof KINDS)[number];

/** Something to be written, and who waits for it. */
export interface Item {
  readonly kind: Kind;
  readonly value: unknown;
  /** Roughly how many bytes it adds to the transaction. */
  readonly bytes: number;
  /**
   * Instant after which it is withdrawn, unless a statement that holds it may have been applied: then nothing of it is
   * recorded, and a repeat of the call is as good as new. Infinity: never.
   */
  readonly withdrawAtMs: number;
  /** Reports whether its caller is gone; it is then withdrawn too. */
  readonly isCancelled?: () => boolean;
  /** Reports whether it was given up: it gets into no statement any more, whatever became of earlier tries. */
  readonly isGivenUp?: () => boolean;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Writes what is submitted, in shared transactions. */
export interface Writer {
  submit(item: Item): void;
  /**
   * How long the oldest item that a caller waits for has been waiting for its turn, in milliseconds; 0 when there is none.
   * What is being written does not count: one locked row would shut out everybody.
   */
  ageMs(): number;
}

/** What a writer needs. */
export interface WriterDeps {
  readonly write: (batch: WriteBatch) => Promise<WriteResults>;
  readonly locked: LockedRowFilter;
  /** How many transactions may be under way at once: one a connection. */
  readonly connections: number;
  /** Told of each item whose fate was decided. */
  readonly onWritten: (item: Item) => void;
}

const MAX_ITEMS = 200;
const MAX_BYTES = 1024 * 1024;
const PLACES_FOR_CLAIMS = 20;
// A second transaction begins only when the first one hangs (a row that another process keeps locked): two at once
// would share the same work among more commits.
const SPARE_AFTER_MS = 20;
// A transaction has a price of its own, about 100 µs. After one with so many items the next one begins at least so long
// later, or when enough items wait.
const CROWD = 4;
const GATHER_MS = 2;
const ENOUGH = 24;
const SWEEP_EVERY_MS = 20;
const CONFLICT_TRIES = 6;
// A lock wait takes longer than that: then the question is which rows are locked.
const CONFLICT_TIME_MS = 900;
const UNSETTLED_PAUSE_MS = 25;
const BUSY_PAUSE_MS = 20;

/**
 * Makes the writer. It takes what waits, writes it in one transaction, and takes what has arrived meanwhile: who is
 * alone waits for nobody. A bad row is split off until it stands alone, so that only its caller gets the error (one
 * over-long value would otherwise fail 200 calls). Rows that another process keeps locked are told apart and given back
 * to their callers, so that they keep nobody else waiting.
 */
export function createWriter({ write, locked, connections, onWritten }: WriterDeps): Writer {
  const queues: Queues = { outcomes: [], starts: [], postCalls: [], claims: [] };
  const inFlight = new Set<readonly Item[]>();
  let begunAtMs = 0;
  let lastCount = 0;
  let isScheduled = false;
  let sweeper: NodeJS.Timeout | undefined;
  let gathering: NodeJS.Timeout | undefined;

  const countWaiting = (): number => KINDS.reduce((sum, kind) => sum + queues[kind].length, 0);
  const isWaiting = (): boolean => countWaiting() > 0;
  const mayBegin = (): boolean =>
    inFlight.size === 0 || (inFlight.size < connections && performance.now() - begunAtMs > SPARE_AFTER_MS);

  // In the next turn of the event loop: all that arrives in this one shares the commit. Where many come, a little later.
  const schedule = (): void => {
    if (isScheduled || !mayBegin()) return;
    const isEnough = lastCount < CROWD || countWaiting() >= ENOUGH;
    const waitMs = isEnough ? 0 : begunAtMs + GATHER_MS - performance.now();
    if (waitMs > 0) gathering ??= setTimeout(due, waitMs);
    else {
      isScheduled = true;
      setImmediate(due);
    }
  };
  const due = (): void => {
    clearTimeout(gathering);
    gathering = undefined;
    isScheduled = false;
    if (mayBegin()) begin();
  };
  const begin = (): void => {
    const batch = takeBatch(queues);
    if (batch.length === 0) return;
    begunAtMs = performance.now();
    lastCount = batch.length;
    inFlight.add(batch);
    sweeper ??= setTimeout(sweep, SWEEP_EVERY_MS);
    void writeBatch(batch, true).finally(() => {
      inFlight.delete(batch);
      if (isWaiting()) schedule();
    });
  };
  // While a transaction hangs, items are withdrawn in time all the same.
  const sweep = (): void => {
    sweeper = undefined;
    for (const kind of KINDS) withdrawLate(queues, kind);
    if (isWaiting()) schedule();
    if (inFlight.size > 0) sweeper = setTimeout(sweep, SWEEP_EVERY_MS);
  };

  /** Writes items until each has its answer. `mayWithdraw`: false for those that waited for others' locks. */
  const writeBatch = async (batch: readonly Item[], mayWithdraw: boolean): Promise<void> => {
    const startedAtMs = performance.now();
    const isOverdue = (): boolean => performance.now() - startedAtMs > CONFLICT_TIME_MS;
    let items = locked.isAsking() ? await locked.giveBack(batch) : batch;
    for (let tries = 1; ; tries += 1) {
      if (mayWithdraw) items = items.filter((item) => !withdrawn(item));
      if (items.length === 0) return;
      const error = await tryWrite(items);
      if (error === undefined) return;
      const kind = kindOf(error);
      if (kind === 'away' || kind === 'full' || (kind === 'busy' && isOverdue()))
        return rejectAll(items, error);
      if (kind === 'busy') await wait(BUSY_PAUSE_MS);
      else if (kind === 'row') return splitOff(items, error, mayWithdraw);
      // Of an error that is not known, nobody knows what it left behind.
      else if (kind !== 'conflict') return splitOff(items, error, false);
      else if (tries < CONFLICT_TRIES && !isOverdue()) await wait(Math.random() * 5 * 2 ** tries);
      else return writeFree(items, error);
    }
  };

  const tryWrite = async (items: readonly Item[]): Promise<unknown> => {
    try {
      const results = await write(toBatch(items));
      const next = { outcomes: 0, starts: 0, postCalls: 0, claims: 0 };
      for (const item of items) {
        const result: unknown = results[item.kind][next[item.kind]++];
        if (isUnsettled(result)) repeat(item);
        else {
          onWritten(item);
          item.resolve(result);
        }
      }
      return undefined;
    } catch (error) {
      return error ?? new Error('the write failed');
    }
  };

  // It may be committed already, so it is not withdrawn any more.
  const repeat = (item: Item): void => {
    setTimeout(() => submit({ ...item, withdrawAtMs: Infinity }), UNSETTLED_PAUSE_MS);
  };

  const splitOff = async (items: readonly Item[], error: unknown, mayWithdraw: boolean): Promise<void> => {
    if (items.length === 1) return rejectAll(items, error);
    const middle = Math.ceil(items.length / 2);
    await writeBatch(items.slice(0, middle), mayWithdraw);
    await writeBatch(items.slice(middle), mayWithdraw);
  };

  const writeFree = async (items: readonly Item[], error: unknown): Promise<void> => {
    const free = await locked.giveBack(items);
    // Nothing tells whose locks these are: they may keep every row out, and finding out takes longer than callers wait.
    if (free.length === items.length) return splitOff(items, error, true);
    if (free.length > 0) await writeBatch(free, false);
  };

  const submit = (item: Item): void => {
    queues[item.kind].push({ item, sinceMs: performance.now() });
    schedule();
  };

  return {
    submit,
    ageMs: () => {
      const oldestMs = Math.min(...CALLERS.map((kind) => queues[kind][0]?.sinceMs ?? Infinity));
      return oldestMs === Infinity ? 0 : performance.now() - oldestMs;
    },
  };
}

const CALLERS = ['outcomes', 'starts', 'postCalls'] as const;

/** What waits for its turn, by kind, with the instant since which it does. */
type Queues = Record<Kind, { readonly item: Item; readonly sinceMs: number }[]>;

function takeBatch(queues: Queues): readonly Item[] {
  const batch: Item[] = [];
  let bytes = 0;
  // Reports get a few places, however many callers there are.
  const placesForCallers = MAX_ITEMS - Math.min(PLACES_FOR_CLAIMS, queues.claims.length);
  for (const kind of KINDS) {
    const queue = queues[kind];
    const maxItems = kind === 'claims' ? MAX_ITEMS : placesForCallers;
    for (let next = queue[0]; next !== undefined; next = queue[0]) {
      const { item } = next;
      if (withdrawn(item)) {
        queue.shift();
        continue;
      }
      if (batch.length > 0 && bytes + item.bytes > MAX_BYTES) return batch;
      if (batch.length >= maxItems) break;
      bytes += item.bytes;
      batch.push(item);
      queue.shift();
    }
  }
  return batch;
}

/** Withdraws an item whose time is over; reports whether it was. */
function withdrawn(item: Item): boolean {
  if (item.isGivenUp?.() === true) {
    item.reject(new DatabaseError('away', new Error('it was given up')));
    return true;
  }
  if (item.withdrawAtMs === Infinity) return false;
  const isLate = performance.now() > item.withdrawAtMs;
  if (!isLate && item.isCancelled?.() !== true) return false;
  item.reject(limitReached('too many writes wait for the database'));
  return true;
}

// Not the heads alone: behind one that is never withdrawn others may be late.
function withdrawLate(queues: Queues, kind: Kind): void {
  if (queues[kind].length > 0) queues[kind] = queues[kind].filter(({ item }) => !withdrawn(item));
}

function toBatch(items: readonly Item[]): WriteBatch {
  const batch: Record<Kind, unknown[]> = { outcomes: [], starts: [], postCalls: [], claims: [] };
  for (const { kind, value } of items) batch[kind].push(value);
  return batch as unknown as WriteBatch;
}

function isUnsettled(result: unknown): boolean {
  return result === 'unsettled' || (result as { kind?: unknown }).kind === 'unsettled';
}

function rejectAll(items: readonly Item[], error: unknown): void {
  for (const { reject } of items) reject(error);
}

function kindOf(error: unknown): DatabaseErrorKind | undefined {
  return error instanceof DatabaseError ? error.kind : undefined;
}
