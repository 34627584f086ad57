import { databaseUnavailable, DatabaseError, validationFailed } from '../../errors.ts';
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
import { createLockedRowFilter } from './batch-writer.ts';
import { retryWrite, withTimeout } from './retry-write.ts';
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
  /** Returns how many writes wait for their turn. */
  queued(): number;
  /** Returns how many claims of starts and accepts of post-calls were decided within the last 200 ms. */
  claimedLately(): number;
}

const ROW_BYTES = 300;
const LATELY_MS = 200;

/** What the writes need. */
export interface ExecutionWritesDeps {
  readonly store: ExecutionStore;
  /** How many transactions may be under way at once. */
  readonly maxConcurrentBatches: number;
  /** Is called with the number of writes of each batch. */
  readonly onWriteBatch: (rows: number) => void;
}

/** Makes the writes. */
export function createExecutionWrites({
  store,
  maxConcurrentBatches,
  onWriteBatch,
}: ExecutionWritesDeps): ExecutionWrites {
  const lately = createRecentCount(LATELY_MS);
  const writer = createWriter({
    write: store.write,
    lockedRows: createLockedRowFilter(store),
    maxConcurrentBatches,
    onWriteBatch,
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
    queued: writer.queued,
    claimedLately: lately.count,
  };
}

/**
 * How long the insert of a call may take. Its instants are of `performance.now()`, and come in this order:
 *
 *     begun ── withdrawAtMs ── lastUsefulAtMs ── giveUpAtMs ── answerByMs
 *
 * At `withdrawAtMs` (500 ms after the begin) the insert is withdrawn, if no statement has contained it yet. That never
 * comes after `lastUsefulAtMs`: a request that begins later has too little time to be answered. At `giveUpAtMs` the caller
 * gets its answer in any case. At `answerByMs` an answer still reaches the caller; when its deadline makes that early,
 * `giveUpAtMs` moves to the same instant.
 */
export interface InsertTimes {
  /** When the caller gets its answer, whatever the database has said until then. */
  readonly giveUpAtMs: number;
  /** After it the insert is of no use. It is withdrawn if no statement has contained it by then. */
  readonly lastUsefulAtMs: number;
  /** Reports whether the caller is gone: an insert that no statement has contained is withdrawn then. */
  readonly isCancelled: () => boolean;
}

/** An insert that is under way. */
export interface InsertUnderWay {
  /** Settles when no statement of the insert is under way any more. */
  readonly written: Promise<Inserted>;
  /** The same result, or a rejection at `giveUpAtMs`. */
  readonly inTime: Promise<Inserted>;
}

/** A caller that has waited for its turn for this long, in milliseconds, does better to repeat the call. */
const WITHDRAW_AFTER_MS = 500;

/** Begins the insert of a call's row. It is repeated with the same token until the database decides it or time is up. */
export function beginInsert<Row>(
  insert: (row: Row, options: InsertOptions) => Promise<Inserted>,
  row: Row,
  { giveUpAtMs, lastUsefulAtMs, isCancelled }: InsertTimes,
): InsertUnderWay {
  const withdrawAtMs = Math.min(performance.now() + WITHDRAW_AFTER_MS, lastUsefulAtMs);
  const written = retryWrite(
    (mayBeWritten) => insert(row, { mayBeWritten, withdrawAtMs, giveUpAtMs, isCancelled }),
    { giveUpAtMs },
  );
  return { written, inTime: withTimeout(written, giveUpAtMs) };
}

/**
 * Returns what a caller hears when its insert failed with `error`. `rowLength` is the length of the row's JSON text, and
 * `field` names the field of the request that fills it; it is empty when several fields do.
 */
export function toInsertError(error: unknown, rowLength: number, field: string): unknown {
  if (!(error instanceof DatabaseError) || error.kind === 'bug') return error;
  return error.kind === 'row' ? rowRefused(field, rowLength, error) : databaseUnavailable(error);
}

function rowRefused(field: string, length: number, cause: unknown): Error {
  const description = `must fit into one row of the database: it does not take these ${length} bytes`;
  const error = validationFailed([{ field, description }]);
  error.cause = cause;
  return error;
}

/** Counts the events of the last few milliseconds. */
interface RecentCount {
  add(): void;
  count(): number;
}

const BUCKETS = 10;

/** Makes a count over the last `spanMs` milliseconds, exact to a tenth of them. */
function createRecentCount(spanMs: number): RecentCount {
  const bucketMs = spanMs / BUCKETS;
  const counts = Array.from({ length: BUCKETS }, () => 0);
  let newest = Math.floor(performance.now() / bucketMs);
  const moveOn = (): void => {
    const current = Math.floor(performance.now() / bucketMs);
    const passed = Math.min(BUCKETS, current - newest);
    for (let at = 0; at < passed; at += 1) counts[(current - at) % BUCKETS] = 0;
    newest = current;
  };
  return {
    add: () => {
      moveOn();
      counts[newest % BUCKETS] = (counts[newest % BUCKETS] ?? 0) + 1;
    },
    count: () => {
      moveOn();
      return counts.reduce((sum, count) => sum + count, 0);
    },
  };
}
