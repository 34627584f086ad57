import { STATUS_CODES } from 'node:http';
import type { Failure, Sent } from '../../domain/failures.ts';
import { errorCode } from '../../errors.ts';
import { formatMs, type EndReason, type TimeLimit } from './deadline.ts';

/** Returns the code of a Node.js or undici error, or words for an error without one. */
export function codeText(error: unknown): string {
  return errorCode(error) ?? 'unknown error';
}

/** The failure of a request whose limit ended while it waited for `awaited` (`no response head`). */
export const endedFailure = (reason: EndReason, awaited: string, limit: TimeLimit, sent: Sent): Failure =>
  reason === 'shutdown'
    ? { code: 'SHUTDOWN', message: `ended by the shutdown of callhooks: ${awaited} until then`, sent }
    : { code: 'TIMEOUT', message: `${awaited} within ${formatMs(limit.budgetMs)}`, sent };

const CONNECT_TEXTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'no answer from the host',
  EADDRNOTAVAIL: 'no local address or port to connect from',
  EMFILE: 'callhooks has too many open files',
};

/** Why a TCP connection could not be made, in words. */
export const connectText = (error: unknown): string =>
  CONNECT_TEXTS[codeText(error)] ?? `cannot connect (${codeText(error)})`;

const TLS_TEXTS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'the certificate has expired',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate comes from an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate comes from an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT: 'the certificate comes from an unknown authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'the certificate comes from an unknown authority, or the endpoint leaves out its chain',
  CERT_REVOKED: 'the certificate is revoked',
  ECONNRESET: 'the endpoint closed the connection during the TLS handshake',
  EPROTO: 'the endpoint does not speak TLS here',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the endpoint does not speak TLS here',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'the endpoint does not speak TLS here',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the endpoint offers no TLS version from 1.2 on',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'the endpoint offers no TLS version from 1.2 on',
};

/** Why a TLS handshake with `host` failed, in words. */
export const tlsText = (error: unknown, host: string): string => {
  const code = codeText(error);
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `the certificate is not valid for ${host}`;
  return TLS_TEXTS[code] ?? `the TLS handshake failed (${code})`;
};

const BREAK_TEXTS: Readonly<Record<string, string>> = {
  UND_ERR_SOCKET: 'the endpoint closed the connection',
  ECONNRESET: 'the endpoint reset the connection',
  EPIPE: 'the endpoint closed the connection',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the body does not have the length that the response head promises',
};

const SOCKET_TEXTS: Readonly<Record<string, string>> = {
  'bad response': 'the endpoint sent something that is no answer to this request',
  'bad upgrade': 'the endpoint switched to another protocol unasked',
};

/** How an exchange broke off, in words; the endpoint's own bytes are never part of it. */
export const breakText = (error: unknown, sent: Sent, maxHeadBytes: number): string => {
  const code = codeText(error);
  const where = sent === 'yes' ? 'in the middle of the response body' : 'before a response head arrived';
  if (code === 'UND_ERR_HEADERS_OVERFLOW')
    return `the response ${sent === 'yes' ? 'has trailers or chunk extensions of more' : 'head is larger'} than ${maxHeadBytes} bytes`;
  if (error instanceof Error && error.name === 'HTTPParserError')
    return `${NOT_HTTP} (${parserReason(error)}) ${where}`;
  // undici gives this for any parser error in a head that promised a length before.
  if (code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' && sent !== 'yes') return `${NOT_HTTP} ${where}`;
  const ofSocket =
    code === 'UND_ERR_SOCKET' && error instanceof Error ? SOCKET_TEXTS[error.message] : undefined;
  return `${ofSocket ?? BREAK_TEXTS[code] ?? `the connection broke (${code})`} ${where}`;
};

const NOT_HTTP = 'the response is not valid HTTP/1.1';

// The parser's reasons are fixed texts in brackets, such as "Invalid character in chunk size".
const parserReason = ({ message }: Error): string =>
  /\(([\w ,/-]{1,80})\)$/.exec(message)?.[1] ?? 'no reason given';

/** What a final status means for the execution: undefined for 2xx. Redirects are never followed. */
export const statusFailure = (status: number): Failure | undefined => {
  if (status >= 200 && status < 300) return undefined;
  const text = `HTTP ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
  return status >= 300 && status < 400
    ? { code: 'REDIRECT', message: `${text}: redirects are not followed`, sent: 'yes' }
    : { code: 'HTTP_STATUS', message: text, sent: 'yes' };
};
