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
import { createWriter, type Kind } from './writer.ts';

/** What became of an insert, once it is known. */
export type Inserted = Exclude<InsertResult, { kind: 'unsettled' }>;
/** What became of an outcome, once it is known. */
export type Recorded = Exclude<OutcomeResult, 'unsettled'>;

/** How long an insert may wait. Instants are of `performance.now()`. */
export interface Patience {
  /** An earlier try may have been applied: the write is not withdrawn any more. */
  readonly isUnsure: boolean;
  readonly withdrawAtMs: number;
  /** Reports whether the caller is gone. */
  readonly isCancelled?: () => boolean;
  /** Reports whether the write was given up, so that no statement may hold it any more. */
  readonly isGivenUp?: () => boolean;
}

/**
 * The durable writes of the engine; all that wait at the same time share a commit. What calls wait for goes before
 * claims of post-calls. Inserts reject with LIMIT_REACHED when they were withdrawn.
 */
export interface ExecutionWrites {
  insertStart(start: NewStart, patience: Patience): Promise<Inserted>;
  insertPostCall(row: NewPostCall, patience: Patience): Promise<Inserted>;
  claimPostCall(claim: PostCallClaim): Promise<ClaimResult>;
  /** `bytes`: roughly the size of what it records. */
  recordOutcome(outcome: Outcome, bytes: number): Promise<Recorded>;
  /** How long the oldest write that a caller waits for has been waiting, in milliseconds. */
  ageMs(): number;
  /** How many claims of starts and accepts of post-calls were decided within the last 200 ms. */
  claimedLately(): number;
}

const ROW_BYTES = 300;
const LATELY_MS = 200;

/** Makes the writes; `connections` is how many transactions may be under way at once. */
export function createExecutionWrites(store: ExecutionStore, connections: number): ExecutionWrites {
  const lately = createRecentCount(LATELY_MS);
  const writer = createWriter({
    write: store.write,
    locked: createLockedRowFilter(store),
    connections,
    onWritten: ({ kind }) => {
      if (kind === 'starts' || kind === 'postCalls') lately.add();
    },
  });
  const submit = <R>(kind: Kind, value: unknown, bytes: number, patience?: Patience): Promise<R> =>
    new Promise<unknown>((resolve, reject) => {
      writer.submit({
        ...{ kind, value, resolve, reject },
        bytes: bytes + ROW_BYTES,
        withdrawAtMs: patience === undefined || patience.isUnsure ? Infinity : patience.withdrawAtMs,
        ...(patience?.isCancelled && { isCancelled: patience.isCancelled }),
        ...(patience?.isGivenUp && { isGivenUp: patience.isGivenUp }),
      });
    }) as Promise<R>;
  return {
    insertStart: (start, patience) => submit('starts', start, start.startJson.length, patience),
    insertPostCall: (row, patience) => submit('postCalls', row, row.detailsJson.length, patience),
    claimPostCall: (claim) => submit('claims', claim, 0),
    recordOutcome: (outcome, bytes) => submit('outcomes', outcome, bytes),
    ageMs: writer.ageMs,
    claimedLately: lately.count,
  };
}
