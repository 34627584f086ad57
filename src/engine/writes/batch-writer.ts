import { setTimeout as wait } from 'node:timers/promises';
import { DatabaseError, MAX_CONFLICT_MS, MAX_CONFLICT_TRIES, type DatabaseErrorKind } from '../../errors.ts';
import type { ExecutionStore } from '../../store/execution-store.ts';
import type {
  NewPostCall,
  NewStart,
  Outcome,
  PostCallClaim,
  WriteBatch,
  WriteResults,
} from '../../store/write-batch.ts';
import { withdrawIfLate, type WriteItem, type WriteKind } from './write-queue.ts';

/** What writing a batch needs. */
export interface BatchWriterDeps {
  readonly write: (batch: WriteBatch) => Promise<WriteResults>;
  readonly lockedRows: LockedRowFilter;
  /** Is called with each item that the database has decided. */
  readonly onWritten: (item: WriteItem) => void;
  /** Is called with each item that a node of a cluster could not decide yet, so that it is written again. */
  readonly onUndecided: (item: WriteItem) => void;
}

/** Writes a batch in one transaction. Resolves when each of its items is answered. It never rejects. */
export type WriteItems = (items: readonly WriteItem[]) => Promise<void>;

const BUSY_PAUSE_MS = 20;

/**
 * Makes the function that writes batches. A bad row is split off until it stands alone, so that only its caller gets the
 * error: one value that is too long would otherwise fail 200 calls. Items whose rows another process keeps locked are
 * rejected, so that they keep no other item waiting.
 */
export function createBatchWriter(deps: BatchWriterDeps): WriteItems {
  const { lockedRows } = deps;

  // `mayWithdraw` is false for items that may be committed already, and for items that have waited for locks of others.
  const write = async (batch: readonly WriteItem[], mayWithdraw: boolean): Promise<void> => {
    const startedAtMs = performance.now();
    const isOverdue = (): boolean => performance.now() - startedAtMs > MAX_CONFLICT_MS;
    let items = lockedRows.isActive() ? await lockedRows.rejectLocked(batch) : batch;
    for (let tries = 1; ; tries += 1) {
      if (mayWithdraw) items = items.filter((item) => !withdrawIfLate(item));
      if (items.length === 0) return;
      const error = await tryOnce(deps, items);
      if (error === undefined) return;
      const kind = kindOf(error);
      if (kind === 'away' || kind === 'full' || (kind === 'busy' && isOverdue()))
        return rejectAll(items, error);
      if (kind === 'busy') await wait(BUSY_PAUSE_MS);
      else if (kind === 'row') return split(items, error, mayWithdraw);
      // After an unknown error the transaction may be committed.
      else if (kind !== 'conflict') return split(items, error, false);
      else if (tries < MAX_CONFLICT_TRIES && !isOverdue()) await wait(Math.random() * 5 * 2 ** tries);
      else return writeUnlocked(items, error, mayWithdraw);
    }
  };

  const split = async (items: readonly WriteItem[], error: unknown, mayWithdraw: boolean): Promise<void> => {
    if (items.length === 1) return rejectAll(items, error);
    const middle = Math.ceil(items.length / 2);
    await write(items.slice(0, middle), mayWithdraw);
    await write(items.slice(middle), mayWithdraw);
  };

  const writeUnlocked = async (
    items: readonly WriteItem[],
    error: unknown,
    mayWithdraw: boolean,
  ): Promise<void> => {
    const unlocked = await lockedRows.rejectLocked(items);
    // Any row may be the locked one, and to find out which one takes longer than callers wait.
    if (unlocked.length === items.length) return split(items, error, mayWithdraw);
    if (unlocked.length > 0) await write(unlocked, false);
  };

  return (items) => write(items, true);
}

/** Writes once and answers the items. Returns the error instead when nothing was answered. */
async function tryOnce(
  { write, onWritten, onUndecided }: BatchWriterDeps,
  items: readonly WriteItem[],
): Promise<unknown> {
  try {
    const results = await write(toBatch(items));
    const next = { outcomes: 0, starts: 0, postCalls: 0, claims: 0 };
    for (const item of items) {
      const result: unknown = results[item.kind][next[item.kind]++];
      if (isUndecided(result)) onUndecided(item);
      else {
        onWritten(item);
        item.resolve(result);
      }
    }
    return undefined;
  } catch (error) {
    return error ?? new Error('the write failed');
  }
}

function toBatch(items: readonly WriteItem[]): WriteBatch {
  const batch: Record<WriteKind, unknown[]> = { outcomes: [], starts: [], postCalls: [], claims: [] };
  for (const { kind, value } of items) batch[kind].push(value);
  return batch as unknown as WriteBatch;
}

function isUndecided(result: unknown): boolean {
  return result === 'undecided' || (result as { kind?: unknown }).kind === 'undecided';
}

function rejectAll(items: readonly WriteItem[], error: unknown): void {
  for (const { reject } of items) reject(error);
}

function kindOf(error: unknown): DatabaseErrorKind | undefined {
  return error instanceof DatabaseError ? error.kind : undefined;
}

/**
 * Filters out the items whose rows a transaction of another process keeps locked: that process froze in its commit, or
 * lost its network.
 */
export interface LockedRowFilter {
  /** Reports whether locked rows were found within the last 5 s, so that each batch is filtered before it is written. */
  isActive(): boolean;
  /** Rejects the items whose rows are locked, as a conflict, and returns the others. */
  rejectLocked(items: readonly WriteItem[]): Promise<readonly WriteItem[]>;
}

// Without it each batch that contains such a row would wait for its lock.
const ACTIVE_FOR_MS = 5_000;

type LockedRows = Pick<ExecutionStore, 'findUncommitted' | 'findLocked'>;

/** Makes the filter. */
export function createLockedRowFilter(store: LockedRows): LockedRowFilter {
  let activeUntilMs = 0;
  return {
    isActive: () => performance.now() < activeUntilMs,
    rejectLocked: async (items) => {
      const found = new Set(await findLocked(store, items).catch(() => []));
      if (found.size === 0) return items;
      activeUntilMs = performance.now() + ACTIVE_FOR_MS;
      const isLocked = (item: WriteItem): boolean => found.has(`${item.kind} ${keyOf(item)}`);
      for (const item of items) if (isLocked(item)) item.reject(new DatabaseError('conflict'));
      return items.filter((item) => !isLocked(item));
    },
  };
}

/** Returns the kind and key of each item whose row is locked. */
async function findLocked(store: LockedRows, items: readonly WriteItem[]): Promise<readonly string[]> {
  const keysOf = (...kinds: readonly WriteKind[]): string[] =>
    items.filter(({ kind }) => kinds.includes(kind)).map(keyOf);
  const [starts, postCalls] = [keysOf('starts'), keysOf('postCalls')];
  const claimed = keysOf('outcomes', 'claims');
  const [lockedStarts, lockedPostCalls, lockedClaimed] = await Promise.all([
    starts.length > 0 ? store.findUncommitted('pre_call', starts) : [],
    postCalls.length > 0 ? store.findUncommitted('post_call', postCalls) : [],
    claimed.length > 0 ? store.findLocked(claimed) : [],
  ]);
  return [
    ...lockedStarts.map((key) => `starts ${key}`),
    ...lockedPostCalls.map((key) => `postCalls ${key}`),
    ...lockedClaimed.flatMap((key) => [`outcomes ${key}`, `claims ${key}`]),
  ];
}

// An insert has no row yet: the other transaction has inserted one under the same unique key.
function keyOf({ kind, value }: WriteItem): string {
  const row = value as NewStart & NewPostCall & Outcome & PostCallClaim;
  return kind === 'starts' || kind === 'postCalls' ? row.conversationUuid : row.executionUuid;
}
