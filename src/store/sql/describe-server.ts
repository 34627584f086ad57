import type { Connections } from './connections.ts';
import { verifiesCertificate, type SslMode } from './database-url.ts';
import type { Row } from './dialect.ts';

/** Returns the weakness of a connection in plaintext to a server that is not on this machine, if it is one. */
export async function checkEncryption(connections: Connections, host: string): Promise<readonly string[]> {
  if (LOOPBACK.test(host)) return [];
  const [row] = await connections.use((session) => session.rows(TLS_VERSION));
  return tlsVersionOf(row) === ''
    ? ['the connection is in plaintext: set up TLS at the server (docs/mysql.md)']
    : [];
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;
const TLS_VERSION = "SHOW SESSION STATUS LIKE 'Ssl_version'";

/**
 * Returns a line about a server and the connection to it: `MySQL 9.7.4 over TLSv1.3 (ssl-mode=PREFERRED: its certificate is
 * not verified)`.
 */
export async function describeServer(connections: Connections, sslMode: SslMode): Promise<string> {
  const [versions, ciphers] = await connections.use(async (session) => [
    await session.rows('SELECT VERSION() AS version'),
    await session.rows(TLS_VERSION),
  ]);
  const version = String(versions[0]?.version);
  const server = isMariadb(version) ? 'MariaDB' : 'MySQL';
  return `${server} ${version.split('-')[0]} ${describeTls(tlsVersionOf(ciphers[0]), sslMode)}`;
}

/** Returns the kind of a server. */
export async function systemName(connections: Connections): Promise<'mysql' | 'mariadb'> {
  const [row] = await connections.read((session) => session.rows('SELECT VERSION() AS version'));
  return isMariadb(String(row?.version)) ? 'mariadb' : 'mysql';
}

function isMariadb(version: string): boolean {
  return /mariadb/i.test(version);
}

const CLUSTER =
  "SHOW VARIABLES WHERE (Variable_name = 'wsrep_on' AND Value = 'ON') OR " +
  "(Variable_name = 'group_replication_group_name' AND Value <> '') OR " +
  "(Variable_name = 'group_replication_single_primary_mode' AND Value = 'OFF')";
const DDL_NOTES = {
  wsrep_on:
    'this is a Galera cluster: while a statement changes the schema, all its nodes stop writing, and calls get ' +
    'DATABASE_UNAVAILABLE when that takes longer than 2 s',
  group_replication_group_name:
    'this is a group of MySQL servers: the others apply each change after this one, and reads on them wait for it',
  group_replication_single_primary_mode:
    'all servers of this group take writes, and MySQL does not support it when a table is written on one of them while it ' +
    'is changed on another: let all replicas of callhooks use this server, or stop them, until the migration is done',
} as const;

/** Returns sentences about what a change of the schema does to a cluster, or none when the server is no node of one. */
export async function describeDdl(connections: Connections): Promise<readonly string[]> {
  const rows = await connections.use((session) => session.rows(CLUSTER));
  const names = new Set(rows.map((row) => String(Object.values(row)[0])));
  if (names.has('wsrep_on')) return [DDL_NOTES.wsrep_on];
  if (!names.has('group_replication_group_name')) return [];
  const { group_replication_group_name: group, group_replication_single_primary_mode: everywhere } =
    DDL_NOTES;
  return names.has('group_replication_single_primary_mode') ? [group, everywhere] : [group];
}

// The value is empty on a plaintext connection.
function tlsVersionOf(row: Row | undefined): string {
  return String(row?.Value ?? row?.VARIABLE_VALUE ?? '');
}

function describeTls(version: string, sslMode: SslMode): string {
  if (version === '') return `in plaintext (ssl-mode=${sslMode})`;
  const check = verifiesCertificate(sslMode) ? 'is verified' : 'is not verified';
  return `over ${version} (ssl-mode=${sslMode}: its certificate ${check})`;
}
