import { DatabaseError } from '../../errors.ts';
import type { ExecutionStore } from '../../store/execution-store.ts';
import type { PostCallClaim, NewPostCall, NewStart, Outcome } from '../../store/write-batch.ts';
import type { Item, Kind } from './writer.ts';

/**
 * Filters out the items whose rows a transaction of another process keeps locked: that process froze in its commit, or
 * lost its network.
 */
export interface LockedRowFilter {
  /** Reports whether locked rows were seen so lately that each batch is filtered before it is written. */
  isAsking(): boolean;
  /** Rejects the items whose rows are locked, as a conflict, and returns the others. */
  giveBack(items: readonly Item[]): Promise<readonly Item[]>;
}

// Otherwise each batch with such a row would wait for its lock.
const ASK_FOR_MS = 5_000;

/** Makes the filter for locked rows. */
export function createLockedRowFilter(
  store: Pick<ExecutionStore, 'findUncommitted' | 'findLocked'>,
): LockedRowFilter {
  let askUntilMs = 0;
  const find = async (items: readonly Item[]): Promise<readonly string[]> => {
    const keysOf = (...kinds: readonly Kind[]): string[] =>
      items.filter(({ kind }) => kinds.includes(kind)).map(keyOf);
    const [starts, postCalls, claimed] = [
      keysOf('starts'),
      keysOf('postCalls'),
      keysOf('outcomes', 'claims'),
    ];
    const found = await Promise.all([
      starts.length > 0 ? store.findUncommitted('pre_call', starts) : [],
      postCalls.length > 0 ? store.findUncommitted('post_call', postCalls) : [],
      claimed.length > 0 ? store.findLocked(claimed) : [],
    ]);
    const [ofStarts, ofPostCalls, ofClaimed] = found;
    return [
      ...ofStarts.map((key) => `starts ${key}`),
      ...ofPostCalls.map((key) => `postCalls ${key}`),
      ...ofClaimed.flatMap((key) => [`outcomes ${key}`, `claims ${key}`]),
    ];
  };
  return {
    isAsking: () => performance.now() < askUntilMs,
    giveBack: async (items) => {
      const found = new Set(await find(items).catch(() => []));
      if (found.size === 0) return items;
      askUntilMs = performance.now() + ASK_FOR_MS;
      const isLocked = (item: Item): boolean => found.has(`${item.kind} ${keyOf(item)}`);
      for (const item of items) if (isLocked(item)) item.reject(new DatabaseError('conflict'));
      return items.filter((item) => !isLocked(item));
    },
  };
}

// An insert is told by its unique key, a row that is there by its own.
function keyOf({ kind, value }: Item): string {
  const row = value as NewStart & NewPostCall & Outcome & PostCallClaim;
  return kind === 'starts' || kind === 'postCalls' ? row.conversationUuid : row.executionUuid;
}
