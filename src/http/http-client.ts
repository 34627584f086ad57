import type { Failure } from '../domain/failures.ts';
import type { HttpHeader, Timings } from '../domain/execution.ts';

/** A request that is ready to leave: nothing in it is a template any more. */
export interface OutgoingRequest {
  readonly method: string;
  readonly url: string;
  /** Names in lower case, each once. Never `host`: the executor refuses it. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** How one request is sent. Times are milliseconds on the monotonic clock (`performance.now()`). */
export interface SendOptions {
  /** The instant at which everything ends, looked at again right before the first byte is written. */
  readonly expiresAtMs: number;
  /**
   * `whole`: the body is needed (assignments): up to `maxBodyBytes`, else RESPONSE_TOO_LARGE. `record`: the outcome
   * stands with the head; the body is read for the record only, at most `recordBytes` and 250 ms.
   * Only a 2xx body is ever read whole.
   */
  readonly read: 'whole' | 'record';
  readonly maxBodyBytes: number;
  readonly recordBytes: number;
  /** Ends the request early (shutdown); the failure is then SHUTDOWN with the true `sent`. */
  readonly signal?: AbortSignal;
  /** Asks for room for that many more response bytes; false ends the response as OVERLOADED. */
  readonly reserveBytes?: (bytes: number) => boolean;
}

/** A response as read. `body` holds what was kept, `bodyBytes` what is known to have arrived in all. */
export interface ReceivedResponse {
  readonly status: number;
  readonly headers: readonly HttpHeader[];
  readonly body: Uint8Array;
  readonly bodyBytes: number;
  readonly truncated: boolean;
}

/**
 * What came of a request, as a value: a failure of the endpoint is never an exception. `failure` covers the exchange
 * (TIMEOUT, DNS, CONNECT, TLS, PROTOCOL, EGRESS_DENIED, RESPONSE_TOO_LARGE, OVERLOADED, SHUTDOWN) and the status
 * (REDIRECT, HTTP_STATUS); what the body means is checked elsewhere.
 */
export interface SendResult {
  readonly failure?: Failure;
  readonly response?: ReceivedResponse;
  readonly timings: Timings;
}

/** Sends one request at most once. `send` never rejects because of the endpoint. */
export interface HttpExecutor {
  send(request: OutgoingRequest, options: SendOptions): Promise<SendResult>;
  close(): Promise<void>;
}

/** What the egress policy says to a URL that somebody wants to save: undefined lets it pass, a text says why not. */
export interface EgressCheck {
  checkUrl(url: string): string | undefined;
}
