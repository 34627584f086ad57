import knex, { type Knex } from 'knex';
import type { Dialect, Value } from './dialect.ts';
import { parseDatabaseUrl, type DatabaseAddress, type SslMode } from './database-url.ts';
import { isMysqlDuplicate, isMysqlRepeatedDdl } from './driver-errors.ts';
import { fallBackToPlaintext, sslOf } from './mysql-tls.ts';
import { rowsAsTable } from './sql.ts';

/** Where the server is, and how its pool is used. */
export interface MysqlOptions {
  /** `mysql://user:password@host:port/database?ssl-mode=…`. */
  readonly url: string;
  /** PEM certificates of the authorities that are trusted at the server. The default is the public ones. */
  readonly certificates?: string | undefined;
  readonly poolSize: number;
  /** How long one statement may take, in milliseconds. */
  readonly limitMs: number;
  /** Whether reads wait until this node of a cluster has applied what was committed on the others before. */
  readonly causal: boolean;
  /** Whether one text may have several statements. By default it may not. */
  readonly scripts?: boolean;
  /** Is shared by the pools of a database. */
  readonly failover?: Failover;
  /** Whether a statement waits without a limit for a table that others have locked. By default it waits for a second. */
  readonly waitsForTables?: boolean;
}

/**
 * Says when a server last turned out to take no writes. Connections of all pools that are older lead to a server that is no
 * primary any more, where reads are old.
 */
export interface Failover {
  readOnlyAtMs: number;
}

/** A pool of connections of one kind. */
export interface MysqlPool {
  readonly knex: Knex;
  readonly sslMode: SslMode;
  readonly failover: Failover | undefined;
  /** How long one statement may take, in milliseconds. */
  readonly limitMs: number;
}

// An attempt to connect ends before its caller stops waiting for a connection. If it failed later, the pool would hand the
// error to the next caller.
const CONNECT_TIMEOUT_MS = 1_500;
const ACQUIRE_TIMEOUT_MS = 2_000;
const SESSION_TIMEOUT_MS = 1_500;
// Shorter than the session's wait_timeout: the server must not close a connection that the pool still lends.
const IDLE_TIMEOUT_MS = 20_000;
const quiet = { warn() {}, error() {}, debug() {}, deprecate() {} };

/** A connection of mysql2, as a pool lends it. */
export interface MysqlConnection {
  readonly stream: { destroy(error: Error): void };
  query(sql: string, values: readonly Value[], done: (error: Error | null, answer?: unknown) => void): void;
  __knex__disposed?: unknown;
  /** The instant of `performance.now()` at which it was connected. */
  connectedAtMs?: number;
  /** The kind of cluster that its server is a node of. */
  cluster?: 'galera' | 'group_replication' | undefined;
}

/** Destroys a connection at once, whatever it is doing. The pool then makes another. */
export function discard(connection: MysqlConnection): void {
  connection.__knex__disposed = 'discarded';
  connection.stream.destroy(new Error('connection discarded'));
}

/** The dialect of MySQL and MariaDB. */
export const mysql: Dialect = {
  engine: 'mysql',
  now: 'CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)',
  forUpdate: 'FOR UPDATE',
  forUpdateOfFree: 'FOR UPDATE SKIP LOCKED',
  readUncommitted: 'SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED',
  useIndex: (name) => `FORCE INDEX (${name})`,
  usePrimaryKey: 'FORCE INDEX (PRIMARY)',
  // INSERT IGNORE would hide every other error too.
  keepExisting: (primaryKey) => `ON DUPLICATE KEY UPDATE ${primaryKey} = ${primaryKey}`,
  // The given rows lead, so that theirs alone are looked up and locked, whatever the statistics say: of a small table
  // the optimizer would scan all, and wait for rows that others are just inserting.
  updateFromRows: ({ columns, rowCount, set, guard }) =>
    `UPDATE (${rowsAsTable(columns, rowCount)}) AS new_rows ` +
    `STRAIGHT_JOIN executions FORCE INDEX (PRIMARY) ON executions.execution_uuid = new_rows.${columns[0]} ` +
    `SET ${set} WHERE ${guard}`,
  deleteByUuid: (table, count) =>
    `DELETE ${table} FROM (${rowsAsTable(['gone_uuid'], count)}) AS gone ` +
    `STRAIGHT_JOIN ${table} FORCE INDEX (PRIMARY) ON ${table}.execution_uuid = gone.gone_uuid`,
  // A loose index scan reads one entry for each webhook. (A recursive query would scan the index from its start.)
  nextPendingWebhooks:
    'SELECT waiting_webhook_uuid AS uuid, MIN(accepted_at) AS oldest FROM executions FORCE INDEX (executions_waiting) ' +
    'WHERE waiting_webhook_uuid > ? GROUP BY waiting_webhook_uuid ORDER BY waiting_webhook_uuid LIMIT ?',
  jsonText: (column, path) => `JSON_UNQUOTE(JSON_EXTRACT(${column}, '${path}'))`,
  tableExists: 'SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?',
  listStep: 5_000,
  endedKeys: 1_000,
  endedRows: 200,
  maintenanceStep: 200,
  maintenancePauseMs: 0,

  isDuplicateKey: isMysqlDuplicate,
  wasAppliedBefore: isMysqlRepeatedDdl,
};

/** Opens a pool. No connection is made before the first statement, and none is kept idle for longer than 20 s. */
export function openMysqlPool(options: MysqlOptions): MysqlPool {
  const { failover } = options;
  const address = parseDatabaseUrl(options.url);
  const settings = { ...connectionOf(address), multipleStatements: options.scripts === true };
  const ssl = sslOf(address.sslMode, options.certificates);
  const pool = knex({
    client: 'mysql2',
    version: '8.0', // spares a query without a time limit on the first connection
    connection: ssl === undefined ? settings : { ...settings, ssl },
    compileSqlOnError: false,
    acquireConnectionTimeout: ACQUIRE_TIMEOUT_MS,
    log: quiet,
    pool: {
      min: 0,
      max: options.poolSize,
      createTimeoutMillis: CONNECT_TIMEOUT_MS + SESSION_TIMEOUT_MS,
      idleTimeoutMillis: IDLE_TIMEOUT_MS,
      validate: ({ connectedAtMs = 0 }: MysqlConnection) => connectedAtMs >= (failover?.readOnlyAtMs ?? 0),
      afterCreate: (connection: MysqlConnection, done: (error?: unknown) => void) => {
        connection.connectedAtMs = performance.now();
        prepareConnection(connection, options).then(() => done(), done);
      },
    },
  });
  if (address.sslMode === 'PREFERRED') fallBackToPlaintext(pool, settings);
  return { knex: pool, limitMs: options.limitMs, sslMode: address.sslMode, failover };
}

function connectionOf(address: DatabaseAddress): Knex.MySql2ConnectionConfig {
  const { host, port, user, password, database } = address;
  return {
    ...{ host, port, user, password, database },
    charset: 'utf8mb4',
    timezone: 'Z',
    supportBigNumbers: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
  };
}

const SESSION = [
  // mysql2 writes values into the text and escapes them with backslashes, so the sql_mode must not be the server's.
  "sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
  "time_zone = '+00:00'",
  'innodb_lock_wait_timeout = 1',
  'wait_timeout = 30',
].join(', ');
// A dump or a change of a table locks it. Without this limit a statement waits until its own limit is over, and that looks
// as if the server were silent.
const TABLE_LOCKS = 'lock_wait_timeout = 1';

async function prepareConnection(
  connection: MysqlConnection,
  { causal, waitsForTables }: MysqlOptions,
): Promise<void> {
  const timer = setTimeout(() => discard(connection), SESSION_TIMEOUT_MS);
  try {
    // REPEATABLE READ deadlocks where inserts and claims mix.
    await query(connection, 'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
    await query(
      connection,
      `SET SESSION ${waitsForTables === true ? SESSION : `${SESSION}, ${TABLE_LOCKS}`}`,
    );
    await query(connection, 'SET NAMES utf8mb4 COLLATE utf8mb4_bin');
    if (causal) for (const sql of CAUSAL) await query(connection, sql).catch(ignoreUnknownVariable);
    connection.cluster = await clusterOf(connection);
    if (connection.cluster === 'group_replication') await refuseReadOnly(connection);
  } catch (error) {
    discard(connection);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

// A read waits until this node has applied what was committed on the others before. Each kind of cluster has its variable.
const CAUSAL = ['SET SESSION wsrep_sync_wait = 1', "SET SESSION group_replication_consistency = 'BEFORE'"];

async function clusterOf(connection: MysqlConnection): Promise<MysqlConnection['cluster']> {
  const rows = await query(
    connection,
    "SHOW VARIABLES WHERE (Variable_name = 'wsrep_on' AND Value = 'ON') OR " +
      "(Variable_name = 'group_replication_group_name' AND Value <> '')",
  );
  const [row] = rows as readonly Readonly<Record<string, unknown>>[];
  if (row === undefined) return undefined;
  return String(Object.values(row)[0]) === 'wsrep_on' ? 'galera' : 'group_replication';
}

// A server that has not joined its group yet, or has left it, answers reads from old data. It is read-only.
async function refuseReadOnly(connection: MysqlConnection): Promise<void> {
  const rows = await query(connection, 'SELECT @@GLOBAL.super_read_only AS is_read_only');
  if ((rows as readonly { is_read_only: unknown }[])[0]?.is_read_only === 0) return;
  throw Object.assign(new Error('the server is read-only'), {
    errno: 1290,
    code: 'ER_OPTION_PREVENTS_STATEMENT',
  });
}

// A server that can't be a node of such a cluster does not have its variable.
function ignoreUnknownVariable(error: unknown): void {
  if ((error as { errno?: number }).errno !== 1193) throw error;
}

function query(connection: MysqlConnection, sql: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    connection.query(sql, [], (error, answer) => (error === null ? resolve(answer) : reject(error)));
  });
}
