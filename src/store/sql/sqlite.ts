import knex, { type Knex } from 'knex';
import type { Dialect, KnexPool, Row } from './dialect.ts';
import { isSqliteDuplicate, sqliteKindOf } from './driver-errors.ts';
import { marks, rowsAsTable } from './sql.ts';

const ACQUIRE_TIMEOUT_MS = 2_000;
const quiet = { warn() {}, error() {}, debug() {}, deprecate() {} };

interface SqliteConnection {
  readonly inTransaction: boolean;
  pragma(source: string): unknown;
  __knex__disposed?: unknown;
}

const SAME_KEY =
  'p.conversation_uuid = executions.conversation_uuid AND p.webhook_type = executions.webhook_type';

const nextWaiting = (after: string): string =>
  `SELECT MIN(waiting_webhook_uuid) FROM executions WHERE waiting_webhook_uuid > ${after}`;

const OLDEST_WAITING =
  'SELECT accepted_at FROM executions INDEXED BY executions_waiting WHERE waiting_webhook_uuid = uuid ' +
  'ORDER BY accepted_at LIMIT 1';

/** SQLite, as better-sqlite3 speaks it. */
export const sqlite: Dialect = {
  engine: 'sqlite',
  loopShareMs: 5,
  // A deferred transaction that reads and then writes can fail at once in spite of the busy timeout.
  begin: 'BEGIN IMMEDIATE',
  // Rounded: seconds are a double here, and 0.123 s less a bit would be a millisecond too few.
  now: "CAST(ROUND(unixepoch('subsec') * 1000) AS INTEGER)",
  forUpdate: '',
  forUpdateOfFree: '',
  useIndex: (name) => `INDEXED BY ${name}`,
  keepExisting: () => 'ON CONFLICT DO NOTHING',
  updateFromRows: ({ columns, rowCount, set, guard, unlessPurged }) =>
    `UPDATE executions SET ${set} FROM (${rowsAsTable(columns, rowCount)}) AS new_rows ` +
    `WHERE executions.execution_uuid = new_rows.${columns[0]} AND ${guard}` +
    (unlessPurged === true ? ` AND NOT EXISTS (SELECT 1 FROM purged_keys p WHERE ${SAME_KEY})` : ''),
  deleteByUuid: (table, count) => `DELETE FROM ${table} WHERE execution_uuid IN (${marks(count)})`,
  // Jumps from one webhook to the next: DISTINCT would walk all rows that wait.
  nextWaitingWebhooks:
    `WITH RECURSIVE found (uuid) AS (${nextWaiting('?')} UNION ALL ` +
    `SELECT (${nextWaiting('found.uuid')}) FROM found WHERE found.uuid IS NOT NULL) ` +
    `SELECT uuid, (${OLDEST_WAITING}) AS oldest FROM found WHERE uuid IS NOT NULL LIMIT ?`,
  jsonText: (column, path) => `json_extract(${column}, '${path}')`,
  tableExists: "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?",
  // Everything here runs on the event loop: one step has to end within 5 ms.
  listStep: 1_000,
  sweepStep: 25,
  // Without it a purge writes faster than the log is written back between its steps.
  sweepPauseMs: 10,

  rowsOf: (answer) => answer as readonly Row[],
  changesOf: (answer) => (answer as { changes?: number }).changes ?? 0,
  kindOf: sqliteKindOf,
  isDuplicateKey: isSqliteDuplicate,
  discard: (connection) => {
    (connection as SqliteConnection).__knex__disposed = 'discarded';
  },
  needsRollback: (connection) => (connection as SqliteConnection).inTransaction,
};

/** Opens a database file with one connection: with more, knex and SQLite break silently (knex #3176). */
export const openSqliteFile = (filename: string): KnexPool => ({
  knex: openFile(filename, prepareConnection),
});

/** Opens a file for its lock alone: nothing waits for it, and the connection stays until the end. */
export const openSqliteLockFile = (filename: string): Knex =>
  openFile(filename, (connection) => connection.pragma('busy_timeout = 0'));

const openFile = (filename: string, prepare: (connection: SqliteConnection) => void): Knex =>
  knex({
    client: 'better-sqlite3',
    connection: { filename },
    useNullAsDefault: true,
    compileSqlOnError: false,
    acquireConnectionTimeout: ACQUIRE_TIMEOUT_MS,
    log: quiet,
    pool: {
      min: 1,
      max: 1,
      afterCreate: (connection: SqliteConnection, done: (error?: unknown) => void) => {
        try {
          prepare(connection);
          done();
        } catch (error) {
          done(error);
        }
      },
    },
  });

const prepareConnection = (connection: SqliteConnection): void => {
  // Waiting blocks the event loop; only a tool of the operator can hold this file, so conflicts are repeated instead.
  connection.pragma('busy_timeout = 100');
  connection.pragma('journal_mode = WAL');
  connection.pragma('synchronous = FULL');
  connection.pragma('foreign_keys = OFF');
  // A longer log means that a page changed often is written back once; a timer writes back meanwhile.
  connection.pragma('wal_autocheckpoint = 20000');
  connection.pragma('cache_size = -32768');
  connection.pragma('temp_store = MEMORY');
};
