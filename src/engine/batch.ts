import { DatabaseError } from '../errors.ts';

/** How a batcher writes: all items in one commit, answered in their order, or rejected with a DatabaseError. */
export interface BatchOptions<T, R> {
  readonly write: (items: readonly T[]) => Promise<readonly R[]>;
  /** Roughly how many bytes an item adds to the statement. */
  readonly bytesOf: (item: T) => number;
  readonly maxItems?: number;
  readonly maxBytes?: number;
  /** Batches in flight at once; more than one only where the database has more than one connection. */
  readonly lanes?: number;
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

/**
 * Shares commits: what arrives while a commit is in flight goes into the next one, and who is alone waits for nobody.
 * An error that is neither `away` nor a conflict splits the batch until the bad item stands alone, so that only its
 * caller gets the error (one over-long value would otherwise fail 200 calls). The store repeats conflicts; one that
 * stays is a row that somebody holds (a replica that froze in its commit): then each item is written by itself, and
 * the caller of the held one repeats it, so that it keeps nobody else waiting.
 */
export const createBatcher = <T, R>(options: BatchOptions<T, R>): Batcher<T, R> => {
  const { write, bytesOf, maxItems = 200, maxBytes = 1024 * 1024, lanes = 1, goesAfter = [] } = options;
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
      if (batch.length === 1 || isAboutTheDatabase(error)) {
        for (const { reject } of batch) reject(error);
        return;
      }
      if (isConflict(error)) {
        await Promise.all(batch.map((one) => writeBatch([one])));
        return;
      }
      const middle = Math.ceil(batch.length / 2);
      await writeBatch(batch.slice(0, middle));
      await writeBatch(batch.slice(middle));
    }
  };

  const pump = async (): Promise<void> => {
    busy += 1;
    while (waiting.length > 0) {
      const ahead = goesAfter.flatMap((queue) => queue.whenTaken() ?? []);
      if (ahead.length > 0) await Promise.all(ahead);
      // Another lane may have taken them all meanwhile.
      if (waiting.length > 0) await writeBatch(nextBatch());
    }
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

const isAboutTheDatabase = (error: unknown): boolean =>
  error instanceof DatabaseError && (error.kind === 'away' || error.kind === 'full');

const isConflict = (error: unknown): boolean => error instanceof DatabaseError && error.kind === 'conflict';
