import type { Socket, TcpNetConnectOpts } from 'node:net';
import type { Failure } from '../domain/failures.ts';
import type { TimingsSoFar } from './client/dial.ts';
import { createEgressAgent, type EgressAgent } from './client/connection-pool.ts';
import type { EgressPolicy } from './egress/egress-policy.ts';
import type { ExchangeInput, ExchangeResult } from './client/exchange-state.ts';
import { exchange } from './client/http-exchange.ts';
import { endedFailure } from './client/failures.ts';
import { createCheckedTargets, type CheckedTarget } from './egress/checked-targets.ts';
import { createResolver, type Resolve } from './dns/resolver.ts';
import { createTimeLimits } from './client/deadline.ts';
import { createTlsContext } from './client/tls-context.ts';
import type { EgressCheck, HttpExecutor, OutgoingRequest, SendResult } from './http-client.ts';

/** What an executor is made of. */
export interface ExecutorOptions {
  readonly policy: EgressPolicy;
  /** Absent: the hosts file, then the system's name servers. */
  readonly resolve?: Resolve;
  /** Certificates (PEM) of authorities that endpoints may use besides the usual ones. Throws where it holds none. */
  readonly extraCa?: string | undefined;
  /** `user-agent` of requests that bring none. */
  readonly userAgent?: string;
  /** Limit of a response head with all its line ends, and of trailers. Default: 16 KiB. */
  readonly maxResponseHeadBytes?: number;
  /** How long a connection may serve requests before a new one is opened, so that DNS changes are followed. Default: 5 min. */
  readonly maxConnectionAgeMs?: number;
  /** How many connections to one origin may be dialled at a time. Default: 64. */
  readonly maxDialsPerOrigin?: number;
  /** Called when a reused connection broke before a response head: the request may have been seen. To be counted. */
  readonly onReusedConnectionFailure?: () => void;
  /** `net.connect`, for tests. */
  readonly connect?: (options: TcpNetConnectOpts) => Socket;
}

/** Sends requests at most once within one time limit, only where the policy lets them go; also says what it would say. */
export type GuardedExecutor = HttpExecutor & EgressCheck;

/** The usual limits of a response head, of a connection's age, and of dials to one origin. */
export const EXECUTOR_LIMITS = {
  maxResponseHeadBytes: 16_384,
  maxConnectionAgeMs: 300_000,
  maxDialsPerOrigin: 64,
} as const;

/** Makes an executor. Its `send` rejects only for a request with a `host` header, which is a bug of its caller. */
export const createExecutor = (options: ExecutorOptions): GuardedExecutor => {
  const { policy, resolve = createResolver(), extraCa, connect } = options;
  const limitsOf = { ...EXECUTOR_LIMITS, ...options };
  const { maxResponseHeadBytes: maxHeadBytes, maxConnectionAgeMs, maxDialsPerOrigin } = limitsOf;
  const agent = createEgressAgent({
    policy,
    resolve,
    secureContext: createTlsContext(extraCa),
    maxHeadBytes,
    maxConnectionAgeMs,
    maxDialsPerOrigin,
    ...(connect ? { connect } : {}),
  });
  const checkedTarget = createCheckedTargets(policy);
  const limits = createTimeLimits();
  return {
    checkUrl: (url) => policy.checkUrl(url),
    send: async (request, sendOptions) => {
      const startedAtMs = performance.now();
      const headers = headerList(request.headers, options.userAgent);
      const timings: TimingsSoFar = {};
      const limit = limits.start(sendOptions.expiresAtMs, sendOptions.signal);
      try {
        const target = checkedTarget(request.url);
        const result = await sendOnce(agent, target, {
          request,
          headers,
          options: sendOptions,
          limit,
          timings,
          maxHeadBytes,
        });
        if (result.isReuseFailure === true) options.onReusedConnectionFailure?.();
        timings.totalMs = performance.now() - startedAtMs;
        return toSendResult(result, timings);
      } finally {
        limit.stop();
      }
    },
    close: async () => {
      limits.endAll('shutdown');
      agent.close();
    },
  };
};

// undici would move SNI and the verified name to whatever a host header says. Names and values go by turns.
const headerList = (headers: OutgoingRequest['headers'], userAgent: string | undefined): string[] => {
  const list: string[] = [];
  if (headers['accept-encoding'] === undefined) list.push('accept-encoding', 'identity');
  if (userAgent !== undefined && headers['user-agent'] === undefined) list.push('user-agent', userAgent);
  for (const [name, value] of Object.entries(headers)) {
    if (name.length === 4 && name.toLowerCase() === 'host')
      throw new TypeError('an outgoing request has a host header');
    list.push(name, value);
  }
  return list;
};

const toSendResult = ({ failure, response }: ExchangeResult, timings: TimingsSoFar): SendResult => {
  if (failure === undefined) return response === undefined ? { timings } : { response, timings };
  return response === undefined ? { failure, timings } : { failure, response, timings };
};

const sendOnce = async (
  agent: EgressAgent,
  target: CheckedTarget,
  input: ExchangeInput,
): Promise<ExchangeResult> => {
  if ('problem' in target) return unsent('EGRESS_DENIED', target.problem);
  const { limit, timings } = input;
  const reason = limit.reason();
  if (reason !== undefined)
    return { failure: endedFailure(reason, 'the request was not begun', limit, 'no') };
  for (let idle = agent.takeIdle(target); ; idle = undefined) {
    const connection = idle ?? (await agent.open(target, limit, timings));
    if ('failure' in connection) return connection;
    const isReused = connection.served > 0;
    const result = await exchange(input, target, connection, () => agent.giveBack(target, connection));
    // Nothing was written on a connection that is gone, so a request on another one is no second attempt.
    if (result.isGone !== true || !isReused) return result;
  }
};

const unsent = (code: Failure['code'], message: string): ExchangeResult => ({
  failure: { code, message, sent: 'no' },
});
