import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { limitReached, REASONS } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { toErrorStatus } from '../status.ts';

/** The limit that refused an RPC at its arrival. */
export type ArrivalLimit = 'calls_waiting' | 'write_queue_age' | 'rpcs_per_connection';

/** Refuses RPCs at their HTTP/2 stream, before grpc-js knows of them and before their message is read. */
export interface Refusals {
  /** Answers `LIMIT_REACHED` and closes the stream. Its message is dropped. */
  refuse(stream: ServerHttp2Stream, limit: ArrivalLimit): void;
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
const MESSAGES: Readonly<Record<ArrivalLimit, string>> = {
  calls_waiting: 'more calls arrive than can be recorded',
  write_queue_age: 'calls cannot be recorded in time',
  rpcs_per_connection: 'too many RPCs are open on this connection',
};

/**
 * Makes the refusals of one server. A refusal through grpc-js and the adapter costs three times as much, and under
 * overload most RPCs are refused. So each answer is made only once, and the log gets one line a second.
 */
export function createRefusals({ logger, onRefused }: RefusalDeps): Refusals {
  const answers = {
    calls_waiting: answerOf('calls_waiting'),
    write_queue_age: answerOf('write_queue_age'),
    rpcs_per_connection: answerOf('rpcs_per_connection'),
  };
  const counts = new Map<ArrivalLimit, number>();
  let timer: NodeJS.Timeout | undefined;

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    for (const [limit, count] of counts)
      logger.info({ count, limit, code: REASONS.LIMIT_REACHED, reason: 'LIMIT_REACHED' }, 'rpc refused');
    counts.clear();
  };
  return {
    refuse: (stream, limit) => {
      answer(stream, answers[limit]);
      counts.set(limit, (counts.get(limit) ?? 0) + 1);
      timer ??= setTimeout(flush, LINE_EVERY_MS).unref();
      onRefused?.(limit);
    },
    flush,
  };
}

function answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  stream.on('error', ignore);
  // The client may have cancelled before this event; `respond` would throw.
  if (stream.closed) return;
  stream.respond(headers, { endStream: true });
  // This asks the client to stop sending (RFC 9113, 8.1). Without it, the rest of the message would be buffered.
  stream.close(constants.NGHTTP2_NO_ERROR);
}

/** Returns the headers of an answer without a message. They hold status and details, as grpc-js would send them. */
function answerOf(limit: ArrivalLimit): IncomingHttpHeaders {
  const { code, details, metadata } = toErrorStatus(limitReached(MESSAGES[limit]), '');
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
