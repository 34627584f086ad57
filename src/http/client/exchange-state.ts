import type { Failure, Sent } from '../../domain/failures.ts';
import type { Connection } from './connection.ts';
import type { TimingsSoFar } from './dial.ts';
import { breakText, codeText, endedFailure } from './failures.ts';
import { createResponseBody, type ResponseBody } from './response-body.ts';
import { tooLarge, type ResponseHead } from './response-head.ts';
import type { EndReason, TimeLimit } from './deadline.ts';
import type { OutgoingRequest, ReceivedResponse, SendOptions } from '../http-client.ts';

/** What is sent, and within which bounds. */
export interface ExchangeInput {
  readonly request: OutgoingRequest;
  /** Names and values by turns: those of the request, and the defaults. */
  readonly headers: string[];
  readonly options: SendOptions;
  readonly limit: TimeLimit;
  readonly timings: TimingsSoFar;
  readonly maxHeadBytes: number;
}

/** What came of one request on one connection. */
export interface ExchangeResult {
  readonly failure?: Failure;
  readonly response?: ReceivedResponse;
  /** The connection was gone before a byte was written: another one may be tried. */
  readonly isGone?: boolean;
  /** The connection broke before a response head although it had served a request before. */
  readonly isReuseFailure?: boolean;
}

/** How far an exchange has come. It is settled once; what arrives later is thrown away or closes the connection. */
export interface ExchangeState {
  readonly input: ExchangeInput;
  readonly connection: Connection;
  readonly onIdle: () => void;
  readonly resolve: (result: ExchangeResult) => void;
  sent: Sent;
  writtenAtMs: number;
  interimCount: number;
  response?: { readonly head: ResponseHead; readonly body: ResponseBody };
  discardedBytes: number;
  isSettled: boolean;
  recordTimer?: NodeJS.Timeout;
}

/** A body that is read for the record only gets so long after its head. */
const RECORD_MS = 250;
/** What is thrown away of an unneeded body to keep its connection; a longer one costs the connection. */
const MAX_DISCARDED_BYTES = 65_536;
/** No server has a reason for more interim responses (1xx) than this. */
const MAX_INTERIM = 32;

/** An exchange of which nothing has been written. */
export const startExchange = (
  input: ExchangeInput,
  connection: Connection,
  onIdle: () => void,
  resolve: ExchangeState['resolve'],
): ExchangeState => ({
  input,
  connection,
  onIdle,
  resolve,
  sent: 'no',
  writtenAtMs: 0,
  interimCount: 0,
  discardedBytes: 0,
  isSettled: false,
});

const settle = (state: ExchangeState, failure: Failure | undefined, more: EndOfConnection = {}): void => {
  if (state.isSettled) return;
  state.isSettled = true;
  const response = state.response && received(state.response.head, state.response.body);
  state.resolve({ ...(response ? { response } : {}), ...(failure ? { failure } : {}), ...more });
};

type EndOfConnection = Pick<ExchangeResult, 'isGone' | 'isReuseFailure'>;

const stop = (state: ExchangeState, failure: Failure | undefined, more?: EndOfConnection): void => {
  settle(state, failure, more);
  clearTimeout(state.recordTimer);
  state.connection.destroy();
};

// Where the outcome stands with the head, nothing that happens to the body changes it.
const stopReading = (state: ExchangeState, failure: Failure): void => {
  const head = state.response?.head;
  stop(state, head && !head.needsBody ? head.failure : failure);
};

/** Right before the first byte: false where nothing may be written any more, because the time is over by the clock. */
export const begin = (state: ExchangeState): boolean => {
  const { limit } = state.input;
  const reason = limit.reason();
  if (reason !== undefined) settle(state, endedFailure(reason, NOT_BEGUN, limit, 'no'));
  if (state.isSettled) return false;
  state.sent = 'maybe';
  state.writtenAtMs = performance.now();
  return true;
};

/** An interim response (1xx): ignored, but not without end. */
export const countInterim = (state: ExchangeState): void => {
  state.interimCount++;
  if (state.interimCount <= MAX_INTERIM || state.isSettled) return;
  stop(state, {
    code: 'PROTOCOL',
    message: `more than ${MAX_INTERIM} interim responses (1xx)`,
    sent: state.sent,
  });
};

/** The final response head. */
export const takeHead = (state: ExchangeState, head: ResponseHead): void => {
  if (state.isSettled) return;
  const { options, timings } = state.input;
  state.sent = 'yes';
  timings.firstByteMs = performance.now() - state.writtenAtMs;
  const limitBytes = head.needsBody ? options.maxBodyBytes : options.recordBytes;
  state.response = { head, body: createResponseBody(limitBytes, options.reserveBytes) };
  if (!head.needsBody) state.recordTimer = setTimeout(() => stop(state, head.failure), RECORD_MS);
};

/** A part of the body. */
export const addData = (state: ExchangeState, chunk: Uint8Array): void => {
  if (state.response === undefined) return;
  if (state.isSettled) return discard(state, chunk.length);
  const { head, body } = state.response;
  const added = body.add(chunk);
  if (added === 'ok') return;
  if (!head.needsBody) return settle(state, head.failure);
  stop(state, added === 'full' ? tooLarge(state.input.options.maxBodyBytes) : NO_ROOM);
};

const discard = (state: ExchangeState, bytes: number): void => {
  state.discardedBytes += bytes;
  if (state.discardedBytes > MAX_DISCARDED_BYTES) stop(state, undefined);
};

/** The end of the response. */
export const complete = (state: ExchangeState): void => {
  state.response?.body.end();
  settle(state, state.response?.head.failure);
  clearTimeout(state.recordTimer);
  state.onIdle();
};

/** The time limit, or the process, ended before the response did. */
export const endEarly = (state: ExchangeState, reason: EndReason): void =>
  stopReading(state, endedFailure(reason, awaited(state), state.input.limit, state.sent));

const NOT_BEGUN = 'the request was not begun';

const awaited = ({ sent, response }: ExchangeState): string => {
  if (response !== undefined) return 'no end of the response body';
  return sent === 'no' ? NOT_BEGUN : 'no response head';
};

/** The connection broke, or what came over it was no HTTP. */
export const breakOff = (state: ExchangeState, error: Error): void => {
  const { sent, input } = state;
  if (sent === 'no') return stopUnsent(state, codeText(error));
  const text = breakText(error, sent, input.maxHeadBytes);
  if (sent === 'yes') return stopReading(state, { code: 'PROTOCOL', message: text, sent });
  const isReuseFailure = state.connection.served > 0;
  const message = `${isReuseFailure ? 'reused connection: ' : ''}${text}`;
  stop(state, { code: 'PROTOCOL', message, sent }, { isReuseFailure });
};

// Only a request that undici itself refuses is our bug; whatever else happens before the first byte, the socket is gone.
const REFUSED = ['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED', 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH'];

const stopUnsent = (state: ExchangeState, code: string): void => {
  if (REFUSED.includes(code)) {
    return stop(state, {
      code: 'INTERNAL',
      message: `the request could not be written (${code})`,
      sent: 'no',
    });
  }
  const message = 'the endpoint closed the connection before the request was sent';
  stop(state, { code: 'PROTOCOL', message, sent: 'no' }, { isGone: true });
};

const NO_ROOM: Failure = { code: 'OVERLOADED', message: 'no memory left for the response body', sent: 'yes' };

const received = ({ status, headers }: ResponseHead, body: ResponseBody): ReceivedResponse => {
  const kept = body.kept();
  const bodyBytes = body.seenBytes();
  return { status, headers, body: kept, bodyBytes, truncated: !body.isWhole() || kept.length < bodyBytes };
};
