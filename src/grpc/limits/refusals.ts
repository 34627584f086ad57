import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { limitReached, REASONS, type CallhooksError, type Reason } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { messageTooLarge } from '../decode-request.ts';
import { toErrorStatus } from '../status.ts';

/** The limit that refused an RPC at its arrival. */
export type ArrivalLimit =
  | 'calls_waiting'
  | 'write_queue_age'
  | 'rpcs_per_connection'
  | 'message_bytes'
  | 'message_time'
  | 'message_size';

/** Refuses RPCs at their HTTP/2 stream, before their message is whole and mostly before grpc-js knows of them. */
export interface Refusals {
  /** Answers `LIMIT_REACHED` and closes the stream. Its message is dropped. */
  refuse(stream: ServerHttp2Stream, limit: Exclude<ArrivalLimit, 'message_size'>): void;
  /** Answers `VALIDATION_FAILED` for a message of more than `maxBytes`, and closes the stream. */
  refuseSize(stream: ServerHttp2Stream, maxBytes: number): void;
  /** Logs the refusals since the last line. */
  flush(): void;
}

/** The places that refusals are reported to. */
interface RefusalDeps {
  readonly logger: Logger;
  /** Called for each refusal, for the metrics. */
  readonly onRefused?: (limit: ArrivalLimit) => void;
}

const LINE_EVERY_MS = 1_000;
const MESSAGES: Readonly<Record<Exclude<ArrivalLimit, 'message_size'>, string>> = {
  calls_waiting: 'more calls arrive than can be recorded',
  write_queue_age: 'calls cannot be recorded in time',
  rpcs_per_connection: 'too many RPCs are open on this connection',
  message_bytes: 'too many bytes are reserved for calls in flight',
  message_time: 'the message did not arrive within 10 s',
};

/**
 * Makes the refusals of one server. A refusal through grpc-js and the adapter costs three times as much, and under
 * overload most RPCs are refused. So each answer is made only once, and the log gets one line a second.
 */
export function createRefusals({ logger, onRefused }: RefusalDeps): Refusals {
  const answers = new Map<string, IncomingHttpHeaders>();
  const answerFor = (key: string, error: () => CallhooksError): IncomingHttpHeaders => {
    const known = answers.get(key) ?? answerOf(error());
    answers.set(key, known);
    return known;
  };
  const counts = new Map<ArrivalLimit, number>();
  let timer: NodeJS.Timeout | undefined;

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    for (const [limit, count] of counts) logger.info({ count, limit, ...reasonOf(limit) }, 'rpc refused');
    counts.clear();
  };
  const refuse = (stream: ServerHttp2Stream, limit: ArrivalLimit, headers: IncomingHttpHeaders): void => {
    answer(stream, headers);
    counts.set(limit, (counts.get(limit) ?? 0) + 1);
    timer ??= setTimeout(flush, LINE_EVERY_MS).unref();
    onRefused?.(limit);
  };
  return {
    refuse: (stream, limit) =>
      refuse(
        stream,
        limit,
        answerFor(limit, () => limitReached(MESSAGES[limit])),
      ),
    refuseSize: (stream, maxBytes) =>
      refuse(
        stream,
        'message_size',
        answerFor(String(maxBytes), () => messageTooLarge(maxBytes)),
      ),
    flush,
  };
}

function reasonOf(limit: ArrivalLimit): { readonly code: string; readonly reason: Reason } {
  const reason = limit === 'message_size' ? 'VALIDATION_FAILED' : 'LIMIT_REACHED';
  return { code: REASONS[reason], reason };
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

// Only the end of the stream is left. An error of the stream (the client is gone) changes nothing.
function ignore(): void {}
