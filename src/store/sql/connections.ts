import { setTimeout as wait } from 'node:timers/promises';
import { isDatabaseError, MAX_CONFLICT_MS, MAX_CONFLICT_TRIES } from '../../errors.ts';
import type { Row, Value } from './dialect.ts';

/** One connection, for as long as it is lent. Rejects with DatabaseError. */
export interface Session {
  rows(sql: string, values?: readonly Value[]): Promise<readonly Row[]>;
  /** Returns the number of rows that an UPDATE or DELETE matched. (For an INSERT it means nothing.) */
  change(sql: string, values?: readonly Value[]): Promise<number>;
}

/** Connections of one kind. Work that ends in a conflict is repeated whole, so it must have no other effects. */
export interface Connections {
  /** Runs statements that stand alone, on one connection. */
  use<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** Runs statements that may run twice: they are repeated on another connection when theirs turns out to be lost. */
  read<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** Runs statements of which all take effect or none. What `work` throws rolls back and is thrown on. */
  transaction<T>(work: (session: Session) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** A statement that has ended. `values` are data of callers and must never be logged. */
export interface StatementReport {
  readonly sql: string;
  readonly values: readonly Value[];
  readonly durationMs: number;
}

/** Repeats work that was rolled back because of others, or that found the database busy, for less than a second. */
export async function repeatConflicts<T>(work: () => Promise<T>): Promise<T> {
  const startedAtMs = performance.now();
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isDatabaseError(error, 'conflict', 'busy')) throw error;
      if (tries === MAX_CONFLICT_TRIES || performance.now() - startedAtMs > MAX_CONFLICT_MS) throw error;
      await wait(Math.random() * 5 * 2 ** tries);
    }
  }
}
