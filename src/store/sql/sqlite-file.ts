import SqliteDatabase from 'better-sqlite3';
import { DatabaseError } from '../../errors.ts';
import { repeatConflicts, type Connections, type Session, type StatementReport } from './connections.ts';
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

/** The one connection to a SQLite file, which its users share in turns. */
export interface SqliteConnections {
  /** For work that calls wait for. It gets its turn before all background work. */
  readonly callers: Connections;
  /** For lists, maintenance and changes of agents. */
  readonly background: Connections;
  /** Runs synchronous work that calls wait for. */
  run<T>(work: (file: SqliteFile) => T): Promise<T>;
}

/** Makes the connections of a file. */
export function createSqliteConnections(file: SqliteFile): SqliteConnections {
  const turns = createTurns();
  const session: Session = {
    rows: (sql, values) => promised(() => file.rows(sql, values)),
    change: (sql, values) => promised(() => file.change(sql, values)),
  };
  const connectionsOf = (isUrgent: boolean): Connections => {
    const use = <T>(work: (session: Session) => Promise<T>): Promise<T> =>
      repeatConflicts(() => turns.take(isUrgent, () => work(session)));
    return {
      use,
      read: use,
      transaction: (work) =>
        repeatConflicts(() => turns.take(isUrgent, () => transact(file, () => work(session)))),
      close: () => turns.take(isUrgent, () => promised(() => file.close())),
    };
  };
  return {
    callers: connectionsOf(true),
    background: connectionsOf(false),
    run: (work) => turns.take(true, () => promised(() => work(file))),
  };
}

function promised<T>(work: () => T): Promise<T> {
  try {
    return Promise.resolve(work());
  } catch (error) {
    return Promise.reject(error);
  }
}

// A deferred transaction that reads and then writes can fail at once in spite of the busy timeout, so it is immediate.
async function transact<T>(file: SqliteFile, work: () => Promise<T>): Promise<T> {
  file.change('BEGIN IMMEDIATE');
  try {
    const result = await work();
    file.change('COMMIT');
    return result;
  } catch (error) {
    if (file.isInTransaction()) file.change('ROLLBACK');
    throw error;
  }
}

/** Lends the connection to one piece of work after the other, urgent ones first. */
function createTurns() {
  const urgent: (() => void)[] = [];
  const others: (() => void)[] = [];
  let isTaken = false;
  const next = (): void => {
    const begin = urgent.shift() ?? others.shift();
    if (begin === undefined) isTaken = false;
    else begin();
  };
  // The next turn begins in the next turn of the event loop: more urgent work may have arrived by then.
  const giveBack = (): void => {
    if (urgent.length + others.length === 0) isTaken = false;
    else setImmediate(next);
  };
  const wait = (isUrgent: boolean): Promise<void> =>
    new Promise((resolve) => {
      (isUrgent ? urgent : others).push(resolve);
    });
  return {
    take: async <T>(isUrgent: boolean, work: () => Promise<T>): Promise<T> => {
      if (isTaken) await wait(isUrgent);
      isTaken = true;
      try {
        return await work();
      } finally {
        giveBack();
      }
    },
  };
}
