import type { ExecutionStore } from '../../store/execution-store.ts';
import type {
  ClaimResult,
  InsertResult,
  NewPostCall,
  NewStart,
  Outcome,
  OutcomeResult,
  PostCallClaim,
} from '../../store/write-batch.ts';
import { createLockedRowFilter } from './locked-row-filter.ts';
import { createRecentCount } from './recent-count.ts';
import type { WriteKind } from './write-queue.ts';
import { createWriter } from './writer.ts';

/** What became of an insert, once the database has decided it. */
export type Inserted = Exclude<InsertResult, { kind: 'undecided' }>;
/** What became of an outcome, once the database has decided it. */
export type Recorded = Exclude<OutcomeResult, 'undecided'>;

/** How long an insert may wait for its turn. Instants are of `performance.now()`. */
export interface InsertOptions {
  /** Whether an earlier try may have been applied. The insert is not withdrawn then. */
  readonly mayBeWritten: boolean;
  /** After it the insert is withdrawn, unless it may be written. */
  readonly withdrawAtMs: number;
  /** After it no statement may contain the insert any more. */
  readonly giveUpAtMs: number;
  /** Reports whether the caller is gone: the insert is withdrawn, unless it may be written. */
  readonly isCancelled: () => boolean;
}

/**
 * Makes the engine's writes durable. Writes that wait at the same time share a transaction, and those that callers wait for
 * go before claims of post-calls. An insert rejects with LIMIT_REACHED when it was withdrawn.
 */
export interface ExecutionWrites {
  insertStart(start: NewStart, options: InsertOptions): Promise<Inserted>;
  insertPostCall(row: NewPostCall, options: InsertOptions): Promise<Inserted>;
  claimPostCall(claim: PostCallClaim): Promise<ClaimResult>;
  /** Records an outcome. `bytes` is roughly the size of what it records. */
  recordOutcome(outcome: Outcome, bytes: number): Promise<Recorded>;
  /** Returns how long the oldest write that a caller waits for has been waiting, in milliseconds. */
  ageMs(): number;
  /** Returns how many claims of starts and accepts of post-calls were decided within the last 200 ms. */
  claimedLately(): number;
}

const ROW_BYTES = 300;
const LATELY_MS = 200;

/** Makes the writes. At most `maxConcurrentBatches` transactions are under way at once. */
export function createExecutionWrites(store: ExecutionStore, maxConcurrentBatches: number): ExecutionWrites {
  const lately = createRecentCount(LATELY_MS);
  const writer = createWriter({
    write: store.write,
    lockedRows: createLockedRowFilter(store),
    maxConcurrentBatches,
    onWritten: ({ kind }) => {
      if (kind === 'starts' || kind === 'postCalls') lately.add();
    },
  });
  const submit = <R>(kind: WriteKind, value: unknown, bytes: number, options?: InsertOptions): Promise<R> =>
    new Promise<unknown>((resolve, reject) => {
      writer.submit({
        ...{ kind, value, resolve, reject },
        bytes: bytes + ROW_BYTES,
        withdrawAtMs: options === undefined || options.mayBeWritten ? Infinity : options.withdrawAtMs,
        giveUpAtMs: options?.giveUpAtMs ?? Infinity,
        ...(options && { isCancelled: options.isCancelled }),
      });
    }) as Promise<R>;
  return {
    insertStart: (start, options) => submit('starts', start, start.startJson.length, options),
    insertPostCall: (row, options) => submit('postCalls', row, row.detailsJson.length, options),
    claimPostCall: (claim) => submit('claims', claim, 0),
    recordOutcome: (outcome, bytes) => submit('outcomes', outcome, bytes),
    ageMs: writer.ageMs,
    claimedLately: lately.count,
  };
}
