import { DatabaseError } from '../../errors.ts';
import type { ExecutionStore } from '../../store/execution-store.ts';
import type { NewPostCall, NewStart, Outcome, PostCallClaim } from '../../store/write-batch.ts';
import type { WriteItem, WriteKind } from './write-queue.ts';

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
