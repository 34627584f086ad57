import type { Connections } from './connections.ts';
import type { Row } from './dialect.ts';

const MIN_PACKET_BYTES = 16 * 1024 * 1024;

/** Returns the settings that weaken the durability of a SQLite database. */
export async function checkSqliteSettings(connections: Connections): Promise<readonly string[]> {
  const [journal, synchronous] = await connections.use(async (session) => [
    (await session.rows('PRAGMA journal_mode'))[0]?.journal_mode,
    (await session.rows('PRAGMA synchronous'))[0]?.synchronous,
  ]);
  return [
    ...(journal === 'wal' ? [] : [`journal_mode is ${String(journal)} instead of wal: slower writes`]),
    ...(synchronous === 2 ? [] : ['synchronous is not FULL: a power cut may lose commits']),
  ];
}

/** Returns the settings of a MySQL or MariaDB server that weaken durability or are too small, and whether it is too old. */
export async function checkMysqlSettings(connections: Connections): Promise<readonly string[]> {
  const [rows, versions] = await connections.use(async (session) => [
    await session.rows(SETTINGS),
    await session.rows('SELECT VERSION() AS version'),
  ]);
  const settings = new Map(rows.map((row) => [nameOf(row), valueOf(row)]));
  const problems = PROBLEMS.flatMap((problemOf) => problemOf(settings) ?? []);
  const version = String(versions[0]?.version);
  return isOldVersion(version)
    ? [...problems, `${version} is older than MySQL 8.4 and MariaDB 10.11`]
    : problems;
}

const SETTINGS =
  'SHOW GLOBAL VARIABLES WHERE Variable_name IN ' +
  "('innodb_flush_log_at_trx_commit', 'log_bin', 'sync_binlog', 'max_allowed_packet', 'innodb_doublewrite')";

// MySQL and MariaDB write the names of these columns differently.
function nameOf(row: Row): string {
  return String(row.Variable_name ?? row.VARIABLE_NAME).toLowerCase();
}
function valueOf(row: Row): string {
  return String(row.Value ?? row.VALUE ?? row.VARIABLE_VALUE);
}

const PROBLEMS: readonly ((settings: ReadonlyMap<string, string>) => string | undefined)[] = [
  (settings) =>
    settings.get('innodb_flush_log_at_trx_commit') === '1'
      ? undefined
      : 'innodb_flush_log_at_trx_commit is not 1: a crash of the server may lose commits, and a webhook be sent twice',
  (settings) =>
    settings.get('log_bin') === 'ON' && settings.get('sync_binlog') !== '1'
      ? 'sync_binlog is not 1: a crash of the server may leave replicas without commits'
      : undefined,
  (settings) =>
    Number(settings.get('max_allowed_packet')) < MIN_PACKET_BYTES
      ? 'max_allowed_packet is below 16 MiB: large batches fail'
      : undefined,
  (settings) =>
    settings.get('innodb_doublewrite') === 'OFF'
      ? 'innodb_doublewrite is OFF: a power cut may tear pages'
      : undefined,
];

// The oldest supported versions are MySQL 8.4 and MariaDB 10.11.
function isOldVersion(version: string): boolean {
  const [major = 0, minor = 0] = version.split(/[.-]/).map(Number);
  const [oldMajor, oldMinor] = /mariadb/i.test(version) ? [10, 11] : [8, 4];
  return major < oldMajor || (major === oldMajor && minor < oldMinor);
}
