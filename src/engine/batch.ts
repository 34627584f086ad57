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
}

/** Hands an item to the next batch; answers when its commit does. */
export type Submit<T, R> = (item: T) => Promise<R>;

interface Waiting<T, R> {
  readonly item: T;
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
export const createBatcher = <T, R>(options: BatchOptions<T, R>): Submit<T, R> => {
  const { write, bytesOf, maxItems = 200, maxBytes = 1024 * 1024, lanes = 1 } = options;
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
    while (waiting.length > 0) await writeBatch(nextBatch());
    busy -= 1;
  };

  return (item) =>
    new Promise<R>((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (busy < lanes) void pump();
    });
};

const isAboutTheDatabase = (error: unknown): boolean =>
  error instanceof DatabaseError && (error.kind === 'away' || error.kind === 'full');

const isConflict = (error: unknown): boolean => error instanceof DatabaseError && error.kind === 'conflict';
