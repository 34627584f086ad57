import { DatabaseError } from '../../errors.ts';

/** How a batcher writes: all items in one commit, answered in their order, or rejected with a DatabaseError. */
export interface BatchOptions<T, R> {
  readonly write: (items: readonly T[]) => Promise<readonly R[]>;
  /** Roughly how many bytes an item adds to the statement. */
  readonly bytesOf: (item: T) => number;
  readonly maxItems?: number;
  readonly maxBytes?: number;
  /** Batches in flight at once; more than one only where the database has more than one connection. */
  readonly lanes?: number;
  /** Names the row of an item, and finds which of such rows somebody else holds. */
  readonly keyOf: (item: T) => string;
  readonly findHeld: (keys: readonly string[]) => Promise<readonly string[]>;
  /** What waits there when a batch is about to begin goes first; what comes later does not, so nobody starves. */
  readonly goesAfter?: readonly Queue[];
}

/** Items that wait for a batch. */
export interface Queue {
  /** Resolves when what waits now has been taken into a batch; undefined when nothing waits. */
  whenTaken(): Promise<void> | undefined;
}

/** Shares commits among what is submitted at the same time. */
export interface Batcher<T, R> extends Queue {
  /** Hands an item to the next batch; answers when its commit does. */
  submit(item: T): Promise<R>;
}

interface Waiting<T, R> {
  readonly item: T;
  /** Called when it is taken into a batch. */
  onTaken?: () => void;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

// So long after held rows were seen, it is asked which there are before a batch is written: each would wait for them.
const ASK_FOR_MS = 5_000;

/**
 * Shares commits: what arrives while a commit is in flight goes into the next one, and who is alone waits for nobody.
 * An error that is neither `away` nor a conflict splits the batch until the bad item stands alone, so that only its
 * caller gets the error (one over-long value would otherwise fail 200 calls). The store repeats conflicts; one that
 * stays is of rows that somebody holds (a replica that froze in its commit): these are told apart, and get into no batch
 * before they are free, so that they keep nobody but their own callers waiting. (Each written by itself, 20 held rows
 * took all connections, and calls that had nothing to do with them were refused.)
 */
export const createBatcher = <T, R>(options: BatchOptions<T, R>): Batcher<T, R> => {
  const { write, bytesOf, keyOf, findHeld, lanes = 1, goesAfter = [] } = options;
  const { maxItems = 200, maxBytes = 1024 * 1024 } = options;
  let askUntilMs = 0;
  let waiting: Waiting<T, R>[] = [];
  let busy = 0;

  const nextBatch = (): Waiting<T, R>[] => {
    let bytes = 0;
    let count = 0;
    for (const { item } of waiting) {
      bytes += bytesOf(item);
      if (count > 0 && (count === maxItems || bytes > maxBytes)) break;
      count += 1;
    }
    const batch = waiting.slice(0, count);
    waiting = waiting.slice(count);
    for (const { onTaken } of batch) onTaken?.();
    return batch;
  };

  const writeBatch = async (batch: readonly Waiting<T, R>[]): Promise<void> => {
    try {
      const results = await write(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, index) => resolve(results[index] as R));
    } catch (error) {
      if (isAboutTheDatabase(error)) return rejectAll(batch, error);
      if (isConflict(error) && (await writeFree(batch, error))) return;
      if (batch.length === 1) return rejectAll(batch, error);
      const middle = Math.ceil(batch.length / 2);
      await writeBatch(batch.slice(0, middle));
      await writeBatch(batch.slice(middle));
    }
  };

  /** Rejects those whose rows somebody holds; the others. */
  const rejectHeld = async (batch: readonly Waiting<T, R>[], error: unknown): Promise<Waiting<T, R>[]> => {
    const found = await findHeld(batch.map(({ item }) => keyOf(item))).catch(() => []);
    const keys = new Set(found);
    if (keys.size > 0) askUntilMs = performance.now() + ASK_FOR_MS;
    rejectAll(
      batch.filter(({ item }) => keys.has(keyOf(item))),
      error,
    );
    return batch.filter(({ item }) => !keys.has(keyOf(item)));
  };

  /** Writes those that nobody holds; false when somebody holds none of them. */
  const writeFree = async (batch: readonly Waiting<T, R>[], error: unknown): Promise<boolean> => {
    const free = await rejectHeld(batch, error);
    if (free.length === batch.length) return false;
    if (free.length > 0) await writeBatch(free);
    return true;
  };

  const writeNext = async (): Promise<void> => {
    const ahead = goesAfter.flatMap((queue) => queue.whenTaken() ?? []);
    if (ahead.length > 0) await Promise.all(ahead);
    const batch = nextBatch();
    // Another lane may have taken them all meanwhile.
    if (batch.length === 0) return;
    const isAsking = performance.now() < askUntilMs;
    const free = isAsking ? await rejectHeld(batch, new DatabaseError('conflict')) : batch;
    if (free.length > 0) await writeBatch(free);
  };

  const pump = async (): Promise<void> => {
    busy += 1;
    while (waiting.length > 0) await writeNext();
    busy -= 1;
  };

  return {
    submit: (item) =>
      new Promise<R>((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        if (busy < lanes) void pump();
      }),
    whenTaken: () => {
      const last = waiting.at(-1);
      if (last === undefined) return undefined;
      const others = last.onTaken;
      return new Promise((resolve) => {
        last.onTaken = () => {
          others?.();
          resolve();
        };
      });
    },
  };
};

const rejectAll = <T, R>(batch: readonly Waiting<T, R>[], error: unknown): void => {
  for (const { reject } of batch) reject(error);
};

const isAboutTheDatabase = (error: unknown): boolean =>
  error instanceof DatabaseError && (error.kind === 'away' || error.kind === 'full');

const isConflict = (error: unknown): boolean => error instanceof DatabaseError && error.kind === 'conflict';
