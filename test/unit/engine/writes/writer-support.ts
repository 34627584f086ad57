import type { LockedRowFilter } from '../../../../src/engine/writes/batch-writer.ts';
import type { WriteItem, WriteKind } from '../../../../src/engine/writes/write-queue.ts';
import { createWriter } from '../../../../src/engine/writes/writer.ts';
import { CallhooksError, DatabaseError } from '../../../../src/errors.ts';
import type { WriteBatch, WriteResults } from '../../../../src/store/write-batch.ts';

/** Makes a database whose transactions end when the test ends them. */
export function createDatabase() {
  const commits: { values: readonly unknown[]; end: (error?: DatabaseError) => void }[] = [];
  const write = (batch: WriteBatch): Promise<WriteResults> =>
    new Promise((resolve, reject) => {
      const values = Object.values(batch).flat() as readonly unknown[];
      commits.push({ values, end: (error) => (error ? reject(error) : resolve(answersTo(batch))) });
    });
  return { commits, write };
}

/** Answers each item with its own value. */
export function answersTo(batch: WriteBatch): WriteResults {
  return batch as unknown as WriteResults;
}

const NOTHING_LOCKED: LockedRowFilter = { isActive: () => false, rejectLocked: async (items) => items };

/** Makes a writer whose `submit` returns what became of the item. */
export function writerOf(
  write: (batch: WriteBatch) => Promise<WriteResults>,
  options: { maxConcurrentBatches?: number; lockedRows?: LockedRowFilter } = {},
) {
  const writer = createWriter({
    write,
    lockedRows: NOTHING_LOCKED,
    maxConcurrentBatches: 1,
    onWritten: () => undefined,
    onWriteBatch: () => undefined,
    ...options,
  });
  const submit = (value: unknown, item: Partial<WriteItem> & { kind?: WriteKind } = {}): Promise<unknown> =>
    new Promise((resolve, reject) => {
      writer.submit({
        ...{ kind: 'starts', value, bytes: 1, withdrawAtMs: Infinity, giveUpAtMs: Infinity },
        ...{ resolve, reject },
        ...item,
      });
    });
  return { ...writer, submit };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Waits until the writer has begun the transaction that is due. */
export async function turns(): Promise<void> {
  for (let at = 0; at < 4; at += 1) await turn();
}

/** Returns what each promise ends with: its value, the kind of a database error, or the reason of a refusal. */
export async function endings(promises: readonly Promise<unknown>[]): Promise<readonly unknown[]> {
  return (await Promise.allSettled(promises)).map((result) => {
    if (result.status === 'fulfilled') return result.value;
    const error: unknown = result.reason;
    if (error instanceof DatabaseError) return error.kind;
    return error instanceof CallhooksError ? error.reason : error;
  });
}
