import { setTimeout as wait } from 'node:timers/promises';
import { DatabaseError, type DatabaseErrorKind } from '../../errors.ts';
import type { Row, Value } from './dialect.ts';

/** One connection, for as long as it is lent. Rejects with DatabaseError. */
export interface Session {
  rows(sql: string, values?: readonly Value[]): Promise<readonly Row[]>;
  /** The number of rows that an UPDATE or DELETE matched (of an INSERT it means nothing). */
  change(sql: string, values?: readonly Value[]): Promise<number>;
}

/** Connections of one kind. Work that ends in a conflict is repeated whole, so it must have no other effects. */
export interface Connections {
  /** Statements that stand alone, on one connection. */
  use<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** The same for statements that may run twice: they are repeated on another connection when theirs turns out to be lost. */
  read<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** All or nothing. What `work` throws rolls back and is thrown on. */
  transaction<T>(work: (session: Session) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** A statement that has ended. `values` are callers' data: never to be logged. */
export interface StatementReport {
  readonly sql: string;
  readonly values: readonly Value[];
  readonly durationMs: number;
}

const CONFLICT_TRIES = 6;
// One lock wait takes as long: a row that is locked longer is its writer's business, not of those in the same batch.
const CONFLICT_TIME_MS = 900;

/** Repeats work that was rolled back because of others, or found the database busy; for less than a second. */
export async function repeatConflicts<T>(work: () => Promise<T>): Promise<T> {
  const startedAtMs = performance.now();
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isOfKind(error, 'conflict', 'busy')) throw error;
      if (tries === CONFLICT_TRIES || performance.now() - startedAtMs > CONFLICT_TIME_MS) throw error;
      await wait(Math.random() * 5 * 2 ** tries);
    }
  }
}

/** Whether an error is the database's and of one of these kinds. */
export function isOfKind(error: unknown, ...kinds: readonly DatabaseErrorKind[]): error is DatabaseError {
  return error instanceof DatabaseError && kinds.includes(error.kind);
}
