import { DatabaseError, errorCode } from '../../errors.ts';
import type { SslMode } from './database-url.ts';

const READ_ONLY =
  'the database is read-only: let DATABASE_URL lead to a server that takes writes (the primary of a group)';
const WANTS_TLS =
  'the database only accepts connections over TLS: let DATABASE_URL end in ?ssl-mode=REQUIRED, or leave ssl-mode out';
const REFUSES_USER = 'the database refuses the user and password of DATABASE_URL';
// MariaDB says that access is denied where MySQL says that it insists on TLS, and both say it of an account that does.
const REFUSES_PLAINTEXT =
  'the database only accepts connections over TLS, or refuses the user and password of DATABASE_URL: ' +
  'leave ssl-mode=DISABLED out to find out';

/** What an operator has to change, by the error numbers of MySQL and MariaDB. */
const ADVICE: ReadonlyMap<number, string> = new Map([
  [1290, READ_ONLY],
  [1792, READ_ONLY],
  [1836, READ_ONLY],
  [3159, WANTS_TLS],
  [1044, 'the user of DATABASE_URL has no rights on its database'],
  [1045, REFUSES_USER],
  [1698, REFUSES_USER],
  [1049, 'the server has no database with the name in DATABASE_URL'],
]);

/**
 * Returns a sentence about what keeps the database from serving and who can mend it, when the error of mysql2 tells. It
 * shows no address, user or password. `sslMode` is the mode of the pool, where a connection could not be made.
 */
export function databaseAdvice(error: unknown, sslMode?: SslMode): string | undefined {
  const { errno, message = '' } = error as { errno?: unknown; message?: string };
  const code = errorCode(error);
  if (code === 'HANDSHAKE_NO_SSL_SUPPORT')
    return 'the database offers no TLS, which the ssl-mode of DATABASE_URL requires';
  if (code === 'HANDSHAKE_SSL_ERROR') return tlsAdvice(message);
  const advice = typeof errno === 'number' ? ADVICE.get(errno) : undefined;
  if (advice === REFUSES_USER && sslMode === 'DISABLED') return REFUSES_PLAINTEXT;
  // MySQL has this number for every option that forbids a statement.
  return errno === 1290 && !/read.only/i.test(message) ? undefined : advice;
}

const TABLE_ACCESS_DENIED = 1142;

/** Returns the privilege that the user of the database lacks for a statement (`CREATE`), if it failed for that reason. */
export function missingPrivilege(error: unknown): string | undefined {
  const { errno, message = '' } = (error instanceof DatabaseError ? error.cause : error) as {
    errno?: unknown;
    message?: string;
  };
  return errno === TABLE_ACCESS_DENIED ? /^([A-Z ,]+) command denied/.exec(message)?.[1] : undefined;
}

/** Reports whether a statement failed because its server takes no writes. */
export function isReadOnly(error: unknown): boolean {
  return error instanceof DatabaseError && error.advice === READ_ONLY;
}

function tlsAdvice(message: string): string {
  if (/altnames|does not match/i.test(message))
    return 'the certificate of the database is for another name than the host in DATABASE_URL: use that name, or ssl-mode=VERIFY_CA';
  if (/certificate/i.test(message))
    return (
      `the certificate of the database is not trusted (${message}): ` +
      'name the certificate of its authority with CALLHOOKS_DATABASE_CA_FILE'
    );
  return "the database and callhooks can't agree on TLS: look at its certificate and TLS versions, or set ssl-mode=DISABLED";
}
