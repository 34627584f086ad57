import { DatabaseError, limitReached } from '../../errors.ts';

/** The kinds of writes, most important first: callers on the phone go before reports. */
const KINDS = ['outcomes', 'starts', 'postCalls', 'claims'] as const;
// A claim of a post-call is background work: no caller waits for it.
const KINDS_OF_CALLERS = ['outcomes', 'starts', 'postCalls'] as const;

export type WriteKind = (typeof KINDS)[number];

/** One write, and the promise of the caller that waits for it. */
export interface WriteItem {
  readonly kind: WriteKind;
  readonly value: unknown;
  /** Roughly how many bytes it adds to the transaction. */
  readonly bytes: number;
  /**
   * Instant of `performance.now()` after which it is withdrawn: nothing of it is recorded, and a repeat of the call is as
   * good as new. Infinity for a write that an earlier statement may have applied: it is never withdrawn.
   */
  readonly withdrawAtMs: number;
  /** Instant after which no statement may contain it any more, whatever became of earlier tries. */
  readonly giveUpAtMs: number;
  /** Reports whether its caller is gone. It is then withdrawn too, if it can be withdrawn. */
  readonly isCancelled?: () => boolean;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Keeps the writes that wait for their turn. */
export interface WriteQueue {
  add(item: WriteItem): void;
  /** Takes up to 200 items and about 1 MiB out, the most important first. Items whose time is over are withdrawn. */
  takeBatch(): readonly WriteItem[];
  /** Withdraws the items whose time is over. */
  withdrawLate(): void;
  size(): number;
  /** Returns how long the oldest item that a caller waits for has been waiting, in milliseconds; 0 when there is none. */
  ageMs(): number;
}

const MAX_BATCH_ITEMS = 200;
const MAX_BATCH_BYTES = 1024 * 1024;
// Reports get a few places in each batch, however many callers there are.
const PLACES_FOR_CLAIMS = 20;

type Queues = Record<WriteKind, { readonly item: WriteItem; readonly sinceMs: number }[]>;

/** Makes an empty queue. */
export function createWriteQueue(): WriteQueue {
  const queues: Queues = { outcomes: [], starts: [], postCalls: [], claims: [] };
  return {
    add: (item) => {
      queues[item.kind].push({ item, sinceMs: performance.now() });
    },
    takeBatch: () => takeBatch(queues),
    // Not only the oldest items: others may be late behind one that is never withdrawn.
    withdrawLate: () => {
      for (const kind of KINDS)
        if (queues[kind].length > 0) queues[kind] = queues[kind].filter(({ item }) => !withdrawIfLate(item));
    },
    size: () => KINDS.reduce((sum, kind) => sum + queues[kind].length, 0),
    ageMs: () => {
      const oldestMs = Math.min(...KINDS_OF_CALLERS.map((kind) => queues[kind][0]?.sinceMs ?? Infinity));
      return oldestMs === Infinity ? 0 : performance.now() - oldestMs;
    },
  };
}

function takeBatch(queues: Queues): readonly WriteItem[] {
  const batch: WriteItem[] = [];
  let bytes = 0;
  const placesForCallers = MAX_BATCH_ITEMS - Math.min(PLACES_FOR_CLAIMS, queues.claims.length);
  for (const kind of KINDS) {
    const queue = queues[kind];
    const maxItems = kind === 'claims' ? MAX_BATCH_ITEMS : placesForCallers;
    for (let next = queue[0]; next !== undefined; next = queue[0]) {
      const { item } = next;
      if (withdrawIfLate(item)) {
        queue.shift();
        continue;
      }
      if (batch.length > 0 && bytes + item.bytes > MAX_BATCH_BYTES) return batch;
      if (batch.length >= maxItems) break;
      bytes += item.bytes;
      batch.push(item);
      queue.shift();
    }
  }
  return batch;
}

/** Rejects an item whose time is over or whose caller is gone. Reports whether it did. */
export function withdrawIfLate(item: WriteItem): boolean {
  if (item.withdrawAtMs === Infinity) return giveUpIfLate(item);
  const isLate = performance.now() > item.withdrawAtMs;
  if (!isLate && item.isCancelled?.() !== true) return giveUpIfLate(item);
  item.reject(limitReached('too many writes wait for the database'));
  return true;
}

function giveUpIfLate(item: WriteItem): boolean {
  if (performance.now() <= item.giveUpAtMs) return false;
  item.reject(new DatabaseError('away', new Error('the write was given up')));
  return true;
}
