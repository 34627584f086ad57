import type { Socket, TcpNetConnectOpts } from 'node:net';
import type { FailureCode } from '../domain/failures.ts';
import { createConnectionPool, type ConnectionPool } from './client/connection-pool.ts';
import { createDeadlines } from './client/deadline.ts';
import { createBodyDecoder, type DecodeBody } from './client/decode-body.ts';
import { decodeForOutcome, decodeForRecord } from './client/decoded-response.ts';
import type { TimingsSoFar } from './dial/dial.ts';
import { endedFailure, NOT_SENT, unsentFailure } from './client/failures.ts';
import { runHttpExchange, type HttpExchangeInput, type HttpExchangeResult } from './client/http-exchange.ts';
import { createParseBudget } from './client/parse-budget.ts';
import { createClientContexts } from './dial/client-contexts.ts';
import { withExpiry } from './dial/expired-identity.ts';
import { createTlsContext } from './dial/tls-context.ts';
import type { Resolve } from './dns/resolver.ts';
import { createCheckedTargets, type CheckedTarget, type EgressPolicy } from './egress/egress-policy.ts';
import type { EgressProxy } from './egress/egress-proxy.ts';
import { followRedirects, type FollowDeps, type HopResult } from './follow-redirects.ts';
import type {
  ClientIdentity,
  EgressCheck,
  HttpExecutor,
  OutgoingRequest,
  SendResult,
} from './http-client.ts';

/** The parts and bounds of an executor. */
export interface ExecutorOptions {
  readonly policy: EgressPolicy;
  readonly resolve: Resolve;
  /** The proxy that requests go through. Without it they go directly. */
  readonly proxy?: EgressProxy | undefined;
  /** Certificates (PEM) of authorities that endpoints may use besides the usual ones. */
  readonly extraCa?: string | undefined;
  /** Called when a reused connection broke before a response head: the endpoint may have seen the request. */
  readonly onReusedConnectionFailure: () => void;
  readonly onRequest?: OnRequest;
  /** Called each time that the egress policy forbids a target. */
  readonly onEgressDenied?: (where: EgressDenial) => void;
  /** How long a connection serves requests, so that changes in DNS are followed: 5 min, shorter in tests. */
  readonly maxConnectionAgeMs?: number;
  /** How many connections to one origin may be dialled at a time: 64, fewer in tests. */
  readonly maxDialsPerOrigin?: number;
  /** Stands for `net.connect` in tests. */
  readonly connect?: (options: TcpNetConnectOpts) => Socket;
}

/**
 * Called with each request that has ended, every redirect by itself, also when it was not sent. `status` is undefined when no
 * response head came.
 */
export type OnRequest = (
  method: string,
  status: number | undefined,
  code: FailureCode | undefined,
  seconds: number,
) => void;

/** Where a target was forbidden: when it was saved or tested, before a request was sent to it, or in a redirect to it. */
export type EgressDenial = 'save' | 'dial' | 'redirect';

/** Sends requests at most once, before one deadline, and only where the egress policy allows it. It also checks URLs by it. */
export type GuardedExecutor = HttpExecutor & EgressCheck;

type CheckedDestination = CheckedTarget & { readonly clientIdentity?: ClientIdentity | undefined };

/** The age of a connection and the dials to one origin, where the options don't say otherwise. */
export const EXECUTOR_LIMITS = { maxConnectionAgeMs: 300_000, maxDialsPerOrigin: 64 } as const;

/**
 * Makes an executor. Its `send` rejects only for a request with a `host` header, which is a bug of its caller.
 * @throws RangeError if `extraCa` holds no certificate, or one that can't be read.
 */
export function createExecutor(options: ExecutorOptions): GuardedExecutor {
  const { policy, resolve, proxy, extraCa, onReusedConnectionFailure, onEgressDenied, connect } = options;
  const { maxConnectionAgeMs, maxDialsPerOrigin } = { ...EXECUTOR_LIMITS, ...options };
  const secureContext = createTlsContext(extraCa);
  const pool = createConnectionPool({
    policy,
    resolve,
    proxy,
    secureContext,
    clientContext: createClientContexts(extraCa),
    connect,
    maxConnectionAgeMs,
    maxDialsPerOrigin,
    budget: createParseBudget(),
  });
  const checkedTarget = createCheckedTargets(policy);
  const deadlines = createDeadlines();
  const decode = createBodyDecoder();
  const send = measured((target, input) => sendOnce(pool, target, input), options.onRequest);
  const following: FollowDeps = { policy, send, headerList };
  return {
    checkUrl: (url) => {
      const problem = policy.checkUrl(url);
      if (problem !== undefined) onEgressDenied?.('save');
      return problem;
    },
    send: async (request, sendOptions) => {
      const startedAtMs = performance.now();
      const headers = headerList(request.headers);
      const timings: TimingsSoFar = {};
      const deadline = deadlines.start(sendOptions.expiresAtMs, sendOptions.signal);
      try {
        const input = { request, headers, options: sendOptions, deadline, timings };
        const target = withIdentity(checkedTarget(request.url), request.clientIdentity);
        const first = await send(target, input);
        const result =
          first.locations === undefined || 'problem' in target
            ? first
            : await followRedirects(following, { target, result: first }, input);
        if (result.isReuseFailure === true) onReusedConnectionFailure();
        if (result.failure?.code === 'EGRESS_DENIED')
          onEgressDenied?.(result === first ? 'dial' : 'redirect');
        const decoded =
          result.codings === undefined || 'problem' in target
            ? result
            : await withoutCodings(decode, target.origin, result, input);
        timings.totalMs = performance.now() - startedAtMs;
        return toSendResult(explained(decoded, request.clientIdentity), timings, result.redirectHost);
      } finally {
        deadline.stop();
      }
    },
    close: async () => {
      deadlines.endAll('shutdown');
      pool.close();
    },
  };
}

// Returns names and values by turns. A host header is refused, because undici would take the name in it for SNI and for the
// check of the certificate.
function headerList(headers: OutgoingRequest['headers']): string[] {
  const list: string[] = [];
  if (headers['accept-encoding'] === undefined) list.push('accept-encoding', 'identity');
  for (const [name, value] of Object.entries(headers)) {
    if (name.length === 4 && name.toLowerCase() === 'host')
      throw new TypeError('an outgoing request has a host header');
    list.push(name, value);
  }
  return list;
}

// Most webhooks have no certificate: their targets are used as they are.
function withIdentity(target: CheckedTarget, clientIdentity: ClientIdentity | undefined): CheckedDestination {
  return clientIdentity === undefined || 'problem' in target ? target : { ...target, clientIdentity };
}

type SendOnce = (target: CheckedDestination, input: HttpExchangeInput) => Promise<HopResult>;

function measured(send: SendOnce, onRequest: OnRequest | undefined): SendOnce {
  if (onRequest === undefined) return send;
  return async (target, input) => {
    const startedAtMs = performance.now();
    const result = await send(target, input);
    const { method } = input.request;
    onRequest(
      method,
      result.response?.status,
      result.failure?.code,
      (performance.now() - startedAtMs) / 1_000,
    );
    return result;
  };
}

async function sendOnce(
  pool: ConnectionPool,
  target: CheckedDestination,
  input: HttpExchangeInput,
): Promise<HopResult> {
  if ('problem' in target) return unsentFailure('EGRESS_DENIED', target.problem);
  const { deadline, timings } = input;
  const reason = deadline.reason();
  if (reason !== undefined) return { failure: endedFailure(reason, NOT_SENT, deadline, 'no') };
  for (let idle = pool.takeIdle(target); ; idle = undefined) {
    const connection = idle ?? (await pool.open(target, deadline, timings));
    if ('failure' in connection) return connection;
    const isReused = connection.served > 0;
    const result = await runHttpExchange(input, target, connection, () => pool.giveBack(target, connection));
    // Nothing was written on a connection that is gone, so a request on another one is no second attempt.
    if (result.isGone !== true || !isReused) return result;
  }
}

async function withoutCodings(
  decode: DecodeBody,
  origin: string,
  { response, codings, failure, needsBody }: HttpExchangeResult,
  { options, deadline }: HttpExchangeInput,
): Promise<HttpExchangeResult> {
  if (response === undefined || codings === undefined) return failure === undefined ? {} : { failure };
  const coded = { origin, response, codings, failure };
  if (needsBody !== true || response.truncated) return decodeForRecord(decode, coded, options, deadline);
  const decoded = await decodeForOutcome(decode, coded, options, deadline);
  // Where the head has failed already, that stays the failure.
  return failure === undefined ? decoded : { ...decoded, failure };
}

function explained(
  result: HttpExchangeResult,
  clientIdentity: ClientIdentity | undefined,
): HttpExchangeResult {
  const { failure, response } = result;
  if (clientIdentity === undefined || failure === undefined || response !== undefined) return result;
  return { ...result, failure: withExpiry(failure, clientIdentity, Date.now()) };
}

function toSendResult(
  { failure, response }: HttpExchangeResult,
  timings: TimingsSoFar,
  redirectHost: string | undefined,
): SendResult {
  if (failure === undefined) return response === undefined ? { timings } : { response, timings };
  const named = redirectHost === undefined ? { failure, timings } : { failure, timings, redirectHost };
  return response === undefined ? named : { ...named, response };
}
