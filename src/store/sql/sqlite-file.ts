import SqliteDatabase from 'better-sqlite3';
import { DatabaseError } from '../../errors.ts';
import type { StatementReport } from './connections.ts';
import type { Row, Value } from './dialect.ts';
import { sqliteKindOf } from './driver-errors.ts';

/** A SQLite file with one connection. Its functions are synchronous, and throw DatabaseError. */
export interface SqliteFile {
  rows(sql: string, values?: readonly Value[]): readonly Row[];
  /** Returns the number of rows that an INSERT, UPDATE or DELETE changed. */
  change(sql: string, values?: readonly Value[]): number;
  isInTransaction(): boolean;
  close(): void;
}

// Texts differ only by the length of their lists. The statement that was prepared first leaves first.
const MAX_PREPARED = 1_000;

/** Opens the database file with the settings that make its commits durable. */
export function openSqliteFile(
  filename: string,
  onStatement?: (report: StatementReport) => void,
): SqliteFile {
  return openFile(filename, prepareConnection, onStatement);
}

/** Opens a file that is only used as a lock. A statement does not wait for the lock. */
export function openSqliteLockFile(filename: string): SqliteFile {
  return openFile(filename, (connection) => connection.pragma('busy_timeout = 0'));
}

function openFile(
  filename: string,
  prepare: (connection: SqliteDatabase.Database) => void,
  onStatement?: (report: StatementReport) => void,
): SqliteFile {
  const connection = translated(() => new SqliteDatabase(filename));
  translated(() => prepare(connection));
  const prepared = createPrepared(connection);
  const run = <T>(
    sql: string,
    values: readonly Value[],
    act: (statement: SqliteDatabase.Statement) => T,
  ): T => {
    const startedAtMs = performance.now();
    try {
      return translated(() => act(prepared(sql)));
    } finally {
      onStatement?.({ sql, values, durationMs: performance.now() - startedAtMs });
    }
  };
  return {
    rows: (sql, values = []) => run(sql, values, (statement) => statement.all(...values) as Row[]),
    change: (sql, values = []) => run(sql, values, (statement) => changesOf(statement, values)),
    isInTransaction: () => connection.inTransaction,
    close: () => connection.close(),
  };
}

// Some PRAGMAs return rows, and then only `all` runs them.
function changesOf(statement: SqliteDatabase.Statement, values: readonly Value[]): number {
  if (!statement.reader) return statement.run(...values).changes;
  statement.all(...values);
  return 0;
}

function translated<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new DatabaseError(sqliteKindOf(error), error);
  }
}

/** Prepares each text once. To prepare it anew costs twice as much as to run it. */
function createPrepared(connection: SqliteDatabase.Database): (sql: string) => SqliteDatabase.Statement {
  const statements = new Map<string, SqliteDatabase.Statement>();
  return (sql) => {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const statement = connection.prepare(sql);
    const [oldest] = statements.keys();
    if (statements.size >= MAX_PREPARED && oldest !== undefined) statements.delete(oldest);
    statements.set(sql, statement);
    return statement;
  };
}

function prepareConnection(connection: SqliteDatabase.Database): void {
  // Only a tool of the operator can lock this file.
  connection.pragma('busy_timeout = 100');
  connection.pragma('journal_mode = WAL');
  connection.pragma('synchronous = FULL');
  connection.pragma('foreign_keys = OFF');
  // Checkpoints run between batches (sqlite-writes.ts): a commit that makes one would keep its callers waiting.
  connection.pragma('wal_autocheckpoint = 0');
  connection.pragma('cache_size = -32768');
  connection.pragma('temp_store = MEMORY');
}
