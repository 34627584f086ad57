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
  const server = /mariadb/i.test(version) ? 'MariaDB' : 'MySQL';
  return `${server} ${version.split('-')[0]} ${describeTls(tlsVersionOf(ciphers[0]), sslMode)}`;
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
