import { databaseUnavailable, DatabaseError, validationFailed } from '../../errors.ts';
import type { Inserted, InsertOptions } from './execution-writes.ts';
import { retryWrite, withTimeout } from './retry-write.ts';

/** How long the insert of a call may take. Instants are of `performance.now()`. */
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

/** Returns what a caller hears when its insert failed with `error`. `rowLength` is the length of the row's JSON text. */
export function toInsertError(error: unknown, rowLength: number): unknown {
  if (!(error instanceof DatabaseError) || error.kind === 'bug') return error;
  return error.kind === 'row' ? rowRefused(rowLength, error) : databaseUnavailable(error);
}

function rowRefused(length: number, cause: unknown): Error {
  const description = `must fit into one row of the database: it does not take these ${length} bytes`;
  const error = validationFailed([{ field: 'dynamic_variables', description }]);
  error.cause = cause;
  return error;
}
