import type { Dispatcher } from 'undici';
import { observedFailure, type Failure, type Sent } from '../../domain/failures.ts';
import type { TargetUrl } from '../egress/target-url.ts';
import type { OutgoingRequest, ReceivedResponse, SendOptions } from '../http-client.ts';
import { ConnectionGoneError, type Connection } from './connection.ts';
import type { ContentCodings } from './content-codings.ts';
import type { Deadline, EndReason } from './deadline.ts';
import type { TimingsSoFar } from '../dial/dial.ts';
import { breakText, endedFailure, NO_ROOM, NOT_SENT, refusedFailure, tooLarge } from './failures.ts';
import { alertText } from './tls-text.ts';
import { locationsOf, staysAtOrigin } from '../redirect-target.ts';
import { createResponseBody, readHead, type ResponseBody, type ResponseHead } from './response.ts';

/** One request, and the bounds of its exchange. */
export interface HttpExchangeInput {
  readonly request: OutgoingRequest;
  /** The headers that are sent: names and values by turns. */
  readonly headers: string[];
  readonly options: SendOptions;
  readonly deadline: Deadline;
  /** The exchange adds its own phase. */
  readonly timings: TimingsSoFar;
}

/** How an exchange ended. A failure may come with what was received of the response. */
export interface HttpExchangeResult {
  readonly failure?: Failure;
  readonly response?: ReceivedResponse;
  /** The content codings of the response's body, which are not undone yet. */
  readonly codings?: ContentCodings;
  /** The outcome depends on the body. */
  readonly needsBody?: boolean;
  /** The values of `location` of a redirect that may be followed. Then the response is its head alone. */
  readonly locations?: readonly string[];
  /** The connection was gone before a byte was written, so another one may be tried. */
  readonly isGone?: boolean;
  /** The connection had served a request before, and broke before a response head arrived. */
  readonly isReuseFailure?: boolean;
}

/**
 * Sends one request on one connection and reads its response. Never rejects. `onIdle` is called when the connection may
 * serve another request; in every other case the connection is closed.
 */
export function runHttpExchange(
  input: HttpExchangeInput,
  target: TargetUrl,
  connection: Connection,
  onIdle: () => void,
): Promise<HttpExchangeResult> {
  return new Promise((resolve) => {
    const { request, headers, deadline, options } = input;
    const exchange = createHttpExchange(input, connection, onIdle, resolve);
    deadline.onEnd(exchange.end);
    connection.dispatch(
      { path: target.path, method: request.method, headers, body: request.body ?? null },
      exchange,
      options.maxBodyBytes,
    );
  });
}

/** An exchange as undici drives it. It has one result; bytes that arrive after that are thrown away. */
interface HttpExchange extends Dispatcher.DispatchHandler {
  /** Ends the exchange before its response has ended. */
  end(reason: EndReason): void;
}

interface Received {
  readonly head: ResponseHead;
  readonly body: ResponseBody;
}

/** A body that is read for the record alone gets this much time after its head. */
const RECORD_MS = 250;
/** This much of an unneeded body is thrown away to keep its connection; a longer body costs the connection. */
const MAX_DISCARDED_BYTES = 65_536;
/** No server has a reason to send more interim responses (1xx). */
const MAX_INTERIM = 32;

function createHttpExchange(
  { request, options, deadline, timings }: HttpExchangeInput,
  connection: Connection,
  onIdle: () => void,
  resolve: (result: HttpExchangeResult) => void,
): HttpExchange {
  let sent: Sent = 'no';
  let writtenAtMs = 0;
  let interimCount = 0;
  let received: Received | undefined;
  let discardedBytes = 0;
  let isResolved = false;
  let isOver = false;
  let recordTimer: NodeJS.Timeout | undefined;

  const resolveOnce = (result: HttpExchangeResult): void => {
    if (isResolved) return;
    isResolved = true;
    const { locations } = result;
    const whole = withReceived(result, received);
    resolve(locations === undefined ? whole : { ...whole, locations });
  };
  const stop = (result: HttpExchangeResult): void => {
    resolveOnce(result);
    clearTimeout(recordTimer);
    connection.destroy();
  };

  return {
    onRequestStart: (controller) => {
      const reason = deadline.reason();
      if (reason !== undefined) resolveOnce({ failure: endedFailure(reason, NOT_SENT, deadline, 'no') });
      if (isResolved) return controller.abort(new ConnectionGoneError());
      sent = 'maybe';
      writtenAtMs = performance.now();
    },
    onResponseStart: (controller, status) => {
      if (status < 200) {
        if (++interimCount > MAX_INTERIM) stop({ failure: tooManyInterim(sent) });
        return;
      }
      connection.noteProgress(0);
      if (isResolved) return;
      sent = 'yes';
      timings.firstByteMs = performance.now() - writtenAtMs;
      received = startReceiving(readHead(status, controller.rawHeaders, options), options);
      if (!received.head.needsBody) recordTimer = setTimeout(stop, RECORD_MS, {});
      const locations = options.redirects && locationsOf(status, controller.rawHeaders);
      if (locations === undefined) return;
      // The server may be closing this connection right now: a next request to the same origin takes another one.
      if (staysAtOrigin(locations, request.url)) stop({ locations });
      else resolveOnce({ locations });
    },
    onResponseData: (_controller, chunk) => {
      connection.noteProgress(chunk.length);
      if (received === undefined) return;
      if (isResolved) {
        discardedBytes += chunk.length;
        if (discardedBytes > MAX_DISCARDED_BYTES) stop({});
        return;
      }
      const added = received.body.add(chunk);
      if (added === 'ok') return;
      if (!received.head.needsBody) return resolveOnce({});
      stop({ failure: added === 'full' ? tooLarge(options.maxBodyBytes) : NO_ROOM });
    },
    onResponseEnd: () => {
      isOver = true;
      received?.body.end();
      resolveOnce({});
      clearTimeout(recordTimer);
      onIdle();
    },
    onResponseError: (_controller, error) => stop(brokenOff(error, sent, connection)),
    end: (reason) => {
      // After its response the connection may serve another request.
      if (isOver) return;
      stop({ failure: endedFailure(reason, stateOf(sent, received !== undefined), deadline, sent) });
    },
  };
}

function startReceiving(head: ResponseHead, options: SendOptions): Received {
  const limitBytes = head.needsBody ? options.maxBodyBytes : options.recordBytes;
  return { head, body: createResponseBody(limitBytes, options.reserveBytes) };
}

// If the head has decided the outcome, nothing that happens to the body changes it.
function withReceived(result: HttpExchangeResult, received: Received | undefined): HttpExchangeResult {
  if (received === undefined) return result;
  const { head, body } = received;
  const failure = head.failure ?? (head.needsBody ? result.failure : undefined);
  const response = toResponse(head, body);
  const coded = head.codings === undefined ? undefined : { codings: head.codings, needsBody: head.needsBody };
  return failure === undefined ? { response, ...coded } : { response, failure, ...coded };
}

function toResponse({ status, headers }: ResponseHead, body: ResponseBody): ReceivedResponse {
  const kept = body.kept();
  const bodyBytes = body.seenBytes();
  return { status, headers, body: kept, bodyBytes, truncated: !body.isWhole() || kept.length < bodyBytes };
}

function stateOf(sent: Sent, hasHead: boolean): string {
  if (hasHead) return 'the response body did not end';
  return sent === 'no' ? NOT_SENT : 'no response head arrived';
}

function tooManyInterim(sent: Sent): Failure {
  return observedFailure(
    'PROTOCOL',
    sent,
    `the endpoint sent more than ${MAX_INTERIM} interim responses (1xx)`,
  );
}

// Returns the result of an exchange whose connection broke, or whose response was not HTTP.
function brokenOff(error: Error, sent: Sent, connection: Connection): HttpExchangeResult {
  // In TLS 1.3 the client sends first, and hears after that what the endpoint thinks of its certificate.
  const alert = sent === 'yes' ? undefined : alertText(error);
  if (alert !== undefined) return { failure: observedFailure('TLS', sent, alert) };
  if (sent === 'no') return brokenUnsent(error);
  const text = breakText(error, sent, connection.headBytes());
  if (sent === 'yes' || connection.served === 0) return { failure: observedFailure('PROTOCOL', sent, text) };
  return { failure: observedFailure('PROTOCOL', sent, `reused connection: ${text}`), isReuseFailure: true };
}

function brokenUnsent(error: Error): HttpExchangeResult {
  const refused = refusedFailure(error);
  if (refused !== undefined) return { failure: refused };
  const message = 'the endpoint closed the connection before the request was sent';
  return { failure: observedFailure('PROTOCOL', 'no', message), isGone: true };
}
