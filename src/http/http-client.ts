import type { HttpHeader, Timings } from '../domain/execution.ts';
import type { Failure } from '../domain/failures.ts';

/** A request that is ready to be sent. It holds no templates. */
export interface OutgoingRequest {
  readonly method: string;
  readonly url: string;
  /** Each name is in lower case and stands once. `host` is refused. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** What the TLS handshake shows when the endpoint asks for a certificate. */
  readonly clientIdentity?: ClientIdentity | undefined;
}

/**
 * A client certificate with its chain, and its private key, both as PEM. A connection is used again only for requests
 * with the same object, not an equal one: so a webhook keeps one as long as its secrets stay the same.
 */
export interface ClientIdentity {
  readonly certificate: string;
  readonly privateKey: string;
}

/** How one request is sent. Times are milliseconds on the monotonic clock (`performance.now()`). */
export interface SendOptions {
  /** The deadline of everything. It is checked again right before the first byte is written. */
  readonly expiresAtMs: number;
  /**
   * `whole`: the outcome needs the body (assignments). Up to `maxBodyBytes` are read; a longer body fails as
   * RESPONSE_TOO_LARGE. `record`: the head decides the outcome, and the body is read for the record alone, at most
   * `recordBytes` and 250 ms of it. Of other statuses than 2xx only those in `readStatuses` have a body that is read whole.
   */
  readonly read: 'whole' | 'record';
  /** The statuses other than 2xx whose body is read whole. The head decides the outcome all the same. */
  readonly readStatuses?: ReadonlySet<number>;
  readonly maxBodyBytes: number;
  readonly recordBytes: number;
  /** Ends the request at a shutdown. The failure is then SHUTDOWN with the true `sent`. */
  readonly signal?: AbortSignal;
  /** How redirects are followed. If it is absent, none is. */
  readonly redirects?: RedirectOptions | undefined;
  /** Asks for memory for this many more response bytes. If it returns false, the response fails as OVERLOADED. */
  readonly reserveBytes?: (bytes: number) => boolean;
}

/** How redirects (301, 302 and 303) are followed: with GET, without a body, and before the same deadline. */
export interface RedirectOptions {
  /** How many are followed at most. */
  readonly max: number;
  /**
   * The headers, in lower case, that prove who sends. They go to the first origin only, and not again to it after another
   * one.
   */
  readonly firstOriginHeaders: readonly string[];
  /** Moves the request to another origin. If it returns false, that origin is full, and the request fails as OVERLOADED. */
  readonly enterOrigin: (origin: string) => boolean;
}

/**
 * A response as it was read. `body` holds the bytes that were kept, without their content codings; `bodyBytes` counts all
 * that arrived.
 */
export interface ReceivedResponse {
  readonly status: number;
  readonly headers: readonly HttpHeader[];
  readonly body: Uint8Array;
  readonly bodyBytes: number;
  readonly truncated: boolean;
}

/**
 * How a request ended. A failure of the endpoint is a value and never an exception. `failure` covers the HTTP exchange
 * (TIMEOUT, DNS, CONNECT, TLS, PROTOCOL, EGRESS_DENIED, RESPONSE_TOO_LARGE, OVERLOADED, SHUTDOWN), the status
 * (REDIRECT, HTTP_STATUS) and a body that can't be decoded (INVALID_RESPONSE). The caller reads the body.
 */
export interface SendResult {
  readonly failure?: Failure;
  readonly response?: ReceivedResponse;
  /** The host, in lower case, of the redirect that the failure names. An endpoint chose it. */
  readonly redirectHost?: string;
  /** The phases of all hops together. */
  readonly timings: Timings;
}

/** Sends one request at most once, and follows its redirects if that is asked for. `send` never rejects because of the endpoint. */
export interface HttpExecutor {
  send(request: OutgoingRequest, options: SendOptions): Promise<SendResult>;
  close(): Promise<void>;
}

/** Checks URLs by the egress policy before they are saved. */
export interface EgressCheck {
  /** Returns why no request may go to this URL, or undefined if it may be saved. */
  checkUrl(url: string): string | undefined;
}
