import { failureOf, observedFailure, type Failure, type Sent } from '../../domain/failures.ts';
import { errorCode } from '../../errors.ts';
import type { Deadline, EndReason } from './deadline.ts';
import { framingProblem } from './framing-problem.ts';
import { ResponseLimitError } from './response-bytes.ts';

/** Returns the failure of a request of which no byte left. */
export function unsentFailure(
  code: 'EGRESS_DENIED' | 'DNS' | 'CONNECT' | 'TLS',
  message: string,
): { readonly failure: Failure } {
  return { failure: { code, message, sent: 'no' } };
}

/** Returns the failure of a request that reached its deadline. `state` says how far it had come (`no response head arrived`). */
export function endedFailure(reason: EndReason, state: string, deadline: Deadline, sent: Sent): Failure {
  return reason === 'shutdown'
    ? observedFailure('SHUTDOWN', sent, `the shutdown of callhooks ended the request: ${state} until then`)
    : observedFailure('TIMEOUT', sent, `${state} within ${formatMs(deadline.timeLimitMs)}`);
}

/** The state of a request of which no byte left. */
export const NOT_SENT = 'the request was not sent';

// Returns `350 ms` or `10.0 s`.
function formatMs(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  return whole < 1000 ? `${whole} ms` : `${(whole / 1000).toFixed(1)} s`;
}

const codeText = (error: unknown): string => errorCode(error) ?? 'unknown error';

const CONNECT_TEXTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'no answer from the host',
  EADDRNOTAVAIL: 'no local address or port to connect from',
  EMFILE: 'callhooks has too many open files',
};

/** Returns why a TCP connection could not be made, in words. */
export function connectText(error: unknown): string {
  const code = codeText(error);
  return CONNECT_TEXTS[code] ?? `cannot connect (${code})`;
}

// undici refuses these requests itself, which is a bug of ours. After any other error before the first byte, the
// connection is gone.
const REFUSED_BY_UNDICI = [
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
];

/** Returns the failure of a request that undici refuses to write, or undefined if the connection was gone before. */
export function refusedFailure(error: unknown): Failure | undefined {
  const code = codeText(error);
  if (!REFUSED_BY_UNDICI.includes(code)) return undefined;
  return observedFailure('INTERNAL', 'no', `the request could not be written (${code})`);
}

const NOT_HTTP = 'the response is not valid HTTP/1.1';

const BREAK_TEXTS: Readonly<Record<string, string>> = {
  UND_ERR_SOCKET: 'the endpoint closed the connection',
  ECONNRESET: 'the endpoint reset the connection',
  EPIPE: 'the endpoint closed the connection',
};

const SOCKET_TEXTS: Readonly<Record<string, string>> = {
  'bad response': 'the endpoint sent something that is no answer to this request',
  'bad upgrade': 'the endpoint switched to another protocol unasked',
};

/**
 * Returns how an exchange broke off after its first byte, in words that repeat no byte of the endpoint. `headBytes` are the
 * bytes of the response head in which the parser stopped, if it stopped there.
 */
export function breakText(error: Error, sent: Sent, headBytes: Uint8Array | undefined): string {
  const code = codeText(error);
  const inBody = sent === 'yes';
  const where = inBody ? 'in the middle of the response body' : 'before a response head arrived';
  if (error instanceof ResponseLimitError) return error.message;
  if (error.name === 'HTTPParserError') return `${NOT_HTTP} (${parserReason(error)}) ${where}`;
  if (code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH')
    return inBody ? WRONG_LENGTH : headText(headBytes, where);
  const socketText = code === 'UND_ERR_SOCKET' ? SOCKET_TEXTS[error.message] : undefined;
  return `${socketText ?? BREAK_TEXTS[code] ?? `the connection broke (${code})`} ${where}`;
}

const WRONG_LENGTH = 'the response body does not have the length that its head promised';

// undici gives the code of a wrong length for any parser error in a head that promised a length before.
function headText(bytes: Uint8Array | undefined, where: string): string {
  const problem = (bytes && framingProblem(bytes)) ?? 'a header line behind Content-Length is malformed';
  return `${NOT_HTTP} (${problem}) ${where}`;
}

// The parser's reasons are fixed texts in brackets, such as "Content-Length can't be present with Transfer-Encoding".
function parserReason({ message }: Error): string {
  return /\(([ -'*-~]{1,80})\)$/.exec(message)?.[1] ?? 'no reason given';
}

/** Returns the failure of a body over the limit. `when` says in which state it is that large. */
export function tooLarge(maxBodyBytes: number, when = ''): Failure {
  const size = `${maxBodyBytes} bytes ${when}`.trimEnd();
  return failureOf(
    'RESPONSE_TOO_LARGE',
    `the response body is larger than ${size} (CALLHOOKS_MAX_RESPONSE_BYTES)`,
  );
}

/** The failure of a response whose body may not take more memory. */
export const NO_ROOM = observedFailure(
  'OVERLOADED',
  'yes',
  'no memory is left for the response body (CALLHOOKS_MAX_BUFFERED_BYTES)',
);
