import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { AccessRefusal } from '../../access/access-control.ts';
import { isMethod } from '../../access/roles.ts';
import { CallhooksError, limitReached, REASONS, type Reason } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { messageTooLarge } from '../decode-request.ts';
import { PUSHBACK_HEADER, pushbackOf } from '../retry-pushback.ts';
import { toErrorStatus } from '../status.ts';
import { createCountedLines } from '../../logging/counted-lines.ts';

/** The limit that refused an RPC at its arrival. */
export type ArrivalLimit =
  | 'calls_waiting'
  | 'write_queue_age'
  | 'rpcs_per_connection'
  | 'message_bytes'
  | 'message_time'
  | 'message_size';

/** The refusals that are the same for every method. */
type FixedRefusal = Exclude<ArrivalLimit, 'message_size'> | AccessRefusal;

/** Refuses RPCs at their HTTP/2 stream, before their message is whole and mostly before grpc-js knows of them. */
export interface Refusals {
  /**
   * Answers with the status of the refusal and closes the stream. Its message is dropped.
   * @param attempt what the log says of the first refused access of each second
   */
  refuse(stream: ServerHttp2Stream, refusal: FixedRefusal, attempt?: Attempt): void;
  /** Answers `VALIDATION_FAILED` for a message of more than `maxBytes`, and closes the stream. */
  refuseSize(stream: ServerHttp2Stream, maxBytes: number): void;
  /** Logs the refusals since the last line. */
  flush(): void;
}

/** An RPC that its caller may not call. */
interface Attempt {
  readonly path: string;
  /** The name of the token, if it is a valid one. */
  readonly caller: string | undefined;
}

/** The places that refusals are reported to. */
interface RefusalDeps {
  readonly logger: Logger;
  /** Called for each refusal with the reason in its answer, for the metrics. */
  readonly onRpcError?: ((reason: Reason) => void) | undefined;
  /** Called for each refusal by a limit, for the metrics. */
  readonly onRefused?: ((limit: ArrivalLimit) => void) | undefined;
  /** Called for each refused access, for the metrics. */
  readonly onAccessRefused?: ((refusal: AccessRefusal) => void) | undefined;
}

const ACCESS_ERRORS: Readonly<Record<AccessRefusal, CallhooksError>> = {
  no_token: new CallhooksError('UNAUTHENTICATED', 'a token is needed: send "authorization: Bearer <token>"'),
  unknown_token: new CallhooksError('UNAUTHENTICATED', 'the header "authorization" has no valid token'),
  role_not_allowed: new CallhooksError(
    'ROLE_NOT_ALLOWED',
    'the role of the token does not include this method',
  ),
};
const ERRORS: Readonly<Record<FixedRefusal, CallhooksError>> = {
  ...ACCESS_ERRORS,
  calls_waiting: limitReached('more calls arrive than can be recorded'),
  write_queue_age: limitReached('calls cannot be recorded in time'),
  rpcs_per_connection: limitReached('too many RPCs are open on this connection'),
  message_bytes: limitReached('too many bytes are reserved for calls in flight'),
  message_time: limitReached('the message did not arrive within 10 s'),
};

/**
 * Makes the refusals of one server. A refusal through grpc-js and the adapter costs three times as much, and under
 * overload most RPCs are refused. So each answer is made only once, and the log gets one line a second.
 */
export function createRefusals({ logger, onRpcError, onRefused, onAccessRefused }: RefusalDeps): Refusals {
  const report = (refusal: ArrivalLimit | AccessRefusal): void => {
    onRpcError?.(reasonOf(refusal));
    if (isAccess(refusal)) onAccessRefused?.(refusal);
    else onRefused?.(refusal);
  };
  const lines = createCountedLines<ArrivalLimit | AccessRefusal>((refusal, count, fields) => {
    const reason = reasonOf(refusal);
    const line = { count, code: REASONS[reason], reason, ...fields };
    if (isAccess(refusal)) logger.warn({ ...line, refusal }, 'access refused');
    else logger.info({ ...line, limit: refusal }, 'rpc refused');
  });
  const sizeAnswers = new Map<number, IncomingHttpHeaders>();
  return {
    refuse: (stream, refusal, attempt) => {
      answer(stream, answerTo(refusal));
      lines.count(refusal, () => (attempt === undefined ? {} : fieldsOf(stream, attempt)));
      report(refusal);
    },
    refuseSize: (stream, maxBytes) => {
      const headers = sizeAnswers.get(maxBytes) ?? answerOf(messageTooLarge(maxBytes));
      sizeAnswers.set(maxBytes, headers);
      answer(stream, headers);
      lines.count('message_size', () => ({}));
      report('message_size');
    },
    flush: lines.flush,
  };
}

function reasonOf(refusal: ArrivalLimit | AccessRefusal): Reason {
  return refusal === 'message_size' ? 'VALIDATION_FAILED' : ERRORS[refusal].reason;
}

function isAccess(refusal: ArrivalLimit | AccessRefusal): refusal is AccessRefusal {
  return refusal in ACCESS_ERRORS;
}

function fieldsOf({ session }: ServerHttp2Stream, { path, caller }: Attempt): object {
  const { remoteAddress = 'unknown', remotePort = 0 } = session?.socket ?? {};
  // A stranger may send any text as the path.
  const rpc = isMethod(path) ? path.slice(1) : 'unknown';
  return { rpc, peer: `${remoteAddress}:${remotePort}`, ...(caller === undefined ? {} : { caller }) };
}

function answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  stream.on('error', ignore);
  // The client may have cancelled before this event, or grpc-js may have answered; `respond` would throw.
  if (stream.closed) return;
  if (!stream.headersSent) stream.respond(headers, { endStream: true });
  // This asks the client to stop sending (RFC 9113, 8.1). Without it, the rest of the message would be buffered.
  stream.close(constants.NGHTTP2_NO_ERROR);
}

/** Returns the headers of an answer without a message. They hold status and details, as grpc-js would send them. */
function answerOf(error: CallhooksError): IncomingHttpHeaders {
  const { code, details, metadata } = toErrorStatus(error, '');
  return {
    ':status': '200',
    'content-type': 'application/grpc+proto',
    'grpc-status': String(code),
    'grpc-message': encodeURI(details),
    ...(metadata.toHttp2Headers() as Record<string, string>),
  };
}

const ANSWERS = Object.fromEntries(
  Object.entries(ERRORS).map(([refusal, error]) => [refusal, answerOf(error)]),
) as Readonly<Record<FixedRefusal, IncomingHttpHeaders>>;

/** Returns the answer that was made for a refusal, with a pushback of its own. */
function answerTo(refusal: FixedRefusal): IncomingHttpHeaders {
  const pushbackMs = pushbackOf(ERRORS[refusal]);
  if (pushbackMs === undefined) return ANSWERS[refusal];
  return { ...ANSWERS[refusal], [PUSHBACK_HEADER]: String(pushbackMs) };
}

// Only the end of the stream is left. An error of the stream (the client is gone) changes nothing.
function ignore(): void {}
