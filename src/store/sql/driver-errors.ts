import { DatabaseError, type DatabaseErrorKind } from '../../errors.ts';

type Known = Exclude<DatabaseErrorKind, 'bug'>;

/** The errors of MySQL and MariaDB by number. (Their names differ, and mysql2 names those of MariaDB wrongly.) */
export const MYSQL_KINDS: ReadonlyMap<number, Known> = new Map<number, Known>([
  [1213, 'conflict'], // deadlock
  [1205, 'conflict'], // lock wait timeout
  [1020, 'conflict'], // record has changed since last read
  [1180, 'conflict'], // error during commit
  [1206, 'conflict'], // more locks than the lock table holds
  [1412, 'conflict'], // table definition has changed
  [1969, 'conflict'], // statement took too long (MariaDB)
  [3024, 'conflict'], // statement took too long (MySQL)
  [3100, 'conflict'], // group replication could not handle the commit
  [3101, 'conflict'], // group replication rolled the transaction back
  [1040, 'away'], // too many connections
  [1203, 'away'], // too many connections of this user
  [1047, 'away'], // unknown command: a Galera node without its cluster
  [1053, 'away'], // server shutdown
  [1290, 'away'], // read-only option: an old primary
  [1792, 'away'], // read-only transaction: a server whose transactions are read-only by default
  [1836, 'away'], // read-only mode
  [1317, 'away'], // query interrupted
  [1927, 'away'], // connection killed (MariaDB)
  [2006, 'away'], // server has gone away
  [2013, 'away'], // connection lost during a query
  [3169, 'away'], // session killed (MySQL)
  [3796, 'away'], // group replication: this read can't be made consistent here
  [3797, 'away'], // group replication: waiting for what was committed before failed
  [3798, 'away'], // group replication: waiting for an earlier transaction failed
  [3799, 'away'], // group replication: the node is no member of its group
  [4031, 'away'], // idle too long (MySQL)
  [1021, 'full'], // disk full
  [1114, 'full'], // table is full
  [1153, 'row'], // packet too large
  [1264, 'row'], // number out of range
  [1265, 'row'], // data truncated: what MySQL says of a text that is too long where rows are selected into a table
  [1366, 'row'], // incorrect value
  [1406, 'row'], // data too long
  [3140, 'row'], // invalid JSON text
]);

/** MySQL's number for a duplicate key. */
const MYSQL_DUPLICATE = 1062;

/** The errors of SQLite by the first part of their code (`SQLITE_IOERR_WRITE` counts as `SQLITE_IOERR`). */
export const SQLITE_KINDS: ReadonlyMap<string, Known> = new Map<string, Known>([
  // Another process has locked the whole file, whatever the rows are.
  ['SQLITE_BUSY', 'busy'],
  ['SQLITE_LOCKED', 'conflict'],
  ['SQLITE_PROTOCOL', 'conflict'],
  ['SQLITE_FULL', 'full'],
  ['SQLITE_TOOBIG', 'row'],
  ['SQLITE_IOERR', 'away'],
  ['SQLITE_CANTOPEN', 'away'],
  ['SQLITE_NOMEM', 'away'],
  ['SQLITE_READONLY', 'away'],
]);

/** Returns how a statement failed, from an error of mysql2. */
export function mysqlKindOf(error: unknown): DatabaseErrorKind {
  const { errno, fatal, code, sqlState } = fieldsOf(error);
  // Errors of the system (ECONNRESET …) have negative numbers, and those of mysql2 none. Both mean a lost connection.
  if (typeof errno === 'number' && errno > 0) return MYSQL_KINDS.get(errno) ?? kindByClass(sqlState, fatal);
  const isSystemError = typeof code === 'string' && !code.startsWith('ERR_');
  return fatal === true || isSystemError ? 'away' : 'bug';
}

// Proxies and newer servers have numbers of their own. The class of the SQLSTATE decides (08: connection, 40: rollback).
function kindByClass(sqlState: unknown, fatal: unknown): DatabaseErrorKind {
  const sqlClass = typeof sqlState === 'string' ? sqlState.slice(0, 2) : '';
  if (sqlClass === '40') return 'conflict';
  return sqlClass === '08' || fatal === true ? 'away' : 'bug';
}

/** Returns how a statement failed, from an error of better-sqlite3. */
export function sqliteKindOf(error: unknown): DatabaseErrorKind {
  const { code } = fieldsOf(error);
  const primary = typeof code === 'string' ? /^SQLITE_[A-Z]+/.exec(code)?.[0] : undefined;
  return SQLITE_KINDS.get(primary ?? '') ?? 'bug';
}

/** Reports whether better-sqlite3 refused a row because its primary or another unique key is taken. */
export function isSqliteDuplicate(error: unknown): boolean {
  const { code } = fieldsOf(error);
  return code === 'SQLITE_CONSTRAINT_PRIMARYKEY' || code === 'SQLITE_CONSTRAINT_UNIQUE';
}

/** Reports whether mysql2 refused a row because one of its unique keys is taken. */
export function isMysqlDuplicate(error: unknown): boolean {
  return fieldsOf(error).errno === MYSQL_DUPLICATE;
}

// A table exists, a column exists, an index exists, and what should be dropped does not exist.
const MYSQL_REPEATED_DDL: ReadonlySet<unknown> = new Set([1050, 1060, 1061, 1091]);

/**
 * Reports whether mysql2's error is of a change of the schema that has been made before. MySQL has no IF NOT EXISTS for
 * columns and indexes. The error may be a DatabaseError.
 */
export function isMysqlRepeatedDdl(error: unknown): boolean {
  const { errno } = fieldsOf(error instanceof DatabaseError ? error.cause : error);
  return MYSQL_REPEATED_DDL.has(errno);
}

function fieldsOf(error: unknown): { errno?: unknown; code?: unknown; fatal?: unknown; sqlState?: unknown } {
  return typeof error === 'object' && error !== null ? error : {};
}
