import { constants, type ServerHttp2Stream } from 'node:http2';
import type { Arrival } from '../../engine/limits/call-gate.ts';
import type { ByteBudget, ByteReservation } from '../../engine/limits/byte-budget.ts';
import type { Refusals } from './refusals.ts';

/** The message of an RPC, whose bytes are reserved from the first one that comes, and the time of its answer. */
export interface ArrivingMessage {
  readonly call: Arrival;
  /** Notes that the message is here. From now on it has no time limit. */
  received(): void;
  /** Notes that the RPC is answered. From now on its caller has 10 s to read the answer. */
  answered(): void;
  /**
   * Sets how many bytes are reserved for the message. Returns false, and changes nothing, when more do not fit. Once the
   * stream has ended nothing is reserved any more, because nothing would release it.
   */
  reserve(bytes: number): boolean;
  /**
   * Sets how many bytes are reserved for a reply of a stream, in place of the message. All streams together get an eighth of
   * the budget at most, because their callers may let replies lie for as long as they like.
   */
  reserveForStream(bytes: number): boolean;
  /** Notes that the stream is closed, and releases all bytes. */
  end(): void;
}

/** Counts the bytes of messages while they arrive, and refuses those that come too slowly. */
export interface ArrivingMessages {
  /**
   * Begins to count the bytes of a stream. It refuses the stream as soon as it has more than `maxBytes`, or when they do
   * not fit into the budget. `isTimed` says whether its message has to come within 10 s.
   */
  begin(stream: ServerHttp2Stream, call: Arrival, maxBytes: number, isTimed: boolean): ArrivingMessage;
}

/** How long a message may take to arrive, and an answer to be read. */
const ARRIVAL_LIMIT_MS = 10_000;
const SWEEP_EVERY_MS = 1_000;
/** The flag and the length that gRPC puts before each message. */
const PREFIX_BYTES = 5;

/** Makes the count of a server. Without a budget it bounds only each message by itself. */
export function createArrivingMessages(budget: ByteBudget | undefined, refusals: Refusals): ArrivingMessages {
  // In the order of their time limits. An RPC is put at the end when it is answered.
  const arriving = new Map<
    ArrivingMessage,
    { readonly stream: ServerHttp2Stream; readonly dueAtMs: number; readonly isAnswered: boolean }
  >();
  const maxForStreams = (budget?.maxBytes ?? Infinity) / 8;
  let reservedForStreams = 0;
  let sweep: NodeJS.Timeout | undefined;

  // One timer for all, because a timer for each call would cost every call a little.
  const armSweep = (): void => {
    sweep ??= setTimeout(refuseOverdue, SWEEP_EVERY_MS).unref();
  };
  const refuseOverdue = (): void => {
    sweep = undefined;
    const nowMs = performance.now();
    for (const [message, { stream, dueAtMs, isAnswered }] of arriving) {
      if (dueAtMs > nowMs) break;
      arriving.delete(message);
      if (isAnswered) stream.close(constants.NGHTTP2_CANCEL);
      else refusals.refuse(stream, 'message_time');
    }
    if (arriving.size > 0) armSweep();
  };

  const time = (message: ArrivingMessage, stream: ServerHttp2Stream, isAnswered: boolean): void => {
    arriving.set(message, { stream, dueAtMs: performance.now() + ARRIVAL_LIMIT_MS, isAnswered });
    armSweep();
  };

  return {
    begin: (stream, call, maxBytes, isTimed) => {
      let reservation: ByteReservation | undefined;
      let reserved = 0;
      let isEnded = false;
      const reserve = (bytes: number): boolean => {
        if (isEnded) return true;
        reservation ??= budget?.reserve(0);
        if (bytes > reserved && reservation?.grow(bytes - reserved) === false) return false;
        reservation?.resize(bytes);
        reserved = bytes;
        return true;
      };
      let forStream = 0;
      const reserveForStream = (bytes: number): boolean => {
        if (isEnded) return true;
        const sum = reservedForStreams + bytes - forStream;
        if (sum > maxForStreams || !reserve(bytes)) return false;
        reservedForStreams = sum;
        forStream = bytes;
        return true;
      };
      const message: ArrivingMessage = {
        call,
        received: () => {
          arriving.delete(message);
          call.received();
        },
        answered: () => {
          // A stream that is closed already is not timed, because nothing would forget it.
          if (!stream.closed) time(message, stream, true);
        },
        reserve,
        reserveForStream,
        end: () => {
          arriving.delete(message);
          reserveForStream(0);
          isEnded = true;
        },
      };
      if (isTimed) time(message, stream, false);
      let arrived = 0;
      const count = (chunk: Buffer): void => {
        arrived += chunk.length;
        const isTooLarge = arrived > maxBytes + PREFIX_BYTES;
        if (!isTooLarge && reserve(reserved + chunk.length)) return;
        stream.removeListener('data', count);
        // It is closed before grpc-js gets this chunk, which then ignores it.
        if (isTooLarge) refusals.refuseSize(stream, maxBytes);
        else refusals.refuse(stream, 'message_bytes');
      };
      // A paused stream goes on only when grpc-js reads it, so this listener starts nothing. What grpc-js answers unread (an
      // unknown method) has to go on too, or the stream never closes.
      stream.pause();
      stream.once('finish', resume);
      stream.on('data', count);
      return message;
    },
  };
}

function resume(this: ServerHttp2Stream): void {
  this.resume();
}
