/** How a connection to the database is protected. The words are those of MySQL's own programs. */
export type SslMode = (typeof SSL_MODES)[number];

const SSL_MODES = ['DISABLED', 'PREFERRED', 'REQUIRED', 'VERIFY_CA', 'VERIFY_IDENTITY'] as const;

/** The parts of DATABASE_URL. */
export interface DatabaseAddress {
  /** A name or an address, without the brackets of IPv6. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** `PREFERRED` when the URL does not say it. */
  readonly sslMode: SslMode;
}

const DEFAULT_PORT = 3306;
const ENCODE = 'must have ?, #, / and @ in its user and password percent-encoded';

/**
 * Reads the URL of a MySQL or MariaDB database. The driver would ignore parameters that it does not know, so every other
 * parameter than `ssl-mode` is refused.
 * @throws RangeError with the problem. It never shows the URL, because it holds a password.
 */
export function parseDatabaseUrl(text: string): DatabaseAddress {
  const url = URL.parse(text);
  if (url?.protocol !== 'mysql:' && url?.protocol !== 'mariadb:')
    throw new RangeError('must be mysql://user:password@host:port/database');
  if (url.hostname === '' || url.pathname.length < 2) throw new RangeError('must name a host and a database');
  // A part of a password that was not encoded must not be taken for a parameter, and be shown.
  if (url.hash !== '' || url.search.includes('@')) throw new RangeError(ENCODE);
  const sslMode = parseSslMode(url.searchParams);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (sslMode === 'VERIFY_IDENTITY' && isAddress(host))
    throw new RangeError(
      'must name its host for ssl-mode=VERIFY_IDENTITY, not give an address: use the name in the certificate, or VERIFY_CA',
    );
  return {
    host,
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    user: decode(url.username),
    password: decode(url.password),
    database: decode(url.pathname.slice(1)),
    sslMode,
  };
}

function parseSslMode(parameters: URLSearchParams): SslMode {
  const unknown = [...parameters.keys()].filter((name) => name !== 'ssl-mode');
  const [given = 'PREFERRED', ...more] = parameters.getAll('ssl-mode');
  const mode = SSL_MODES.find((known) => known === given.toUpperCase());
  const problems = [
    unknown.length > 0 ? [`may have the parameter ssl-mode alone, and not ${unknown.join(', ')}`] : [],
    mode === undefined || more.length > 0 ? [`must have one ssl-mode of ${SSL_MODES.join(', ')}`] : [],
  ].flat();
  if (mode === undefined || problems.length > 0) throw new RangeError(problems.join(', and '));
  return mode;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new RangeError(ENCODE);
  }
}

function isAddress(host: string): boolean {
  return host.includes(':') || /^\d+\.\d+\.\d+\.\d+$/.test(host);
}

/** Reports whether a connection of this mode checks the certificate of the server. */
export function verifiesCertificate(mode: SslMode): boolean {
  return mode === 'VERIFY_CA' || mode === 'VERIFY_IDENTITY';
}
