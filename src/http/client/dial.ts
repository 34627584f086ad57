import { once } from 'node:events';
import { connect as netConnect, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as tlsConnect, type SecureContext } from 'node:tls';
import type { Failure } from '../../domain/failures.ts';
import type { Timings } from '../../domain/execution.ts';
import type { EgressPolicy } from '../egress/egress-policy.ts';
import { connectText, endedFailure, tlsText } from './failures.ts';
import type { Resolve } from '../dns/resolver.ts';
import type { TargetUrl } from '../egress/target-url.ts';
import type { TimeLimit } from './deadline.ts';

/** Phases measured so far; filled in while a request goes on. */
export type TimingsSoFar = { -readonly [Phase in keyof Timings]: Timings[Phase] };

/** What a dial needs. `connect` is `net.connect`, for tests that must see or bend where a connection goes. */
export interface DialDeps {
  readonly policy: EgressPolicy;
  readonly resolve: Resolve;
  readonly secureContext: SecureContext;
  readonly connect?: (options: TcpNetConnectOpts) => Socket;
}

/** A connection that passed every check, or why there is none. */
export type Dialled = { readonly socket: Socket } | { readonly failure: Failure };

const MAX_DIALLED = 8;
/** An address that stays silent so long makes way for the next one, if there is one. */
const SILENT_ADDRESS_MS = 1_000;

/**
 * Opens a connection to the target within the limit. The egress policy is asked three times: about the host, about
 * every address it resolves to, and about the address that the socket is really connected to, before TLS and before
 * the first byte. Failures are values with `sent` = `no`.
 */
export const dial = async (
  deps: DialDeps,
  target: TargetUrl,
  limit: TimeLimit,
  timings: TimingsSoFar,
): Promise<Dialled> => {
  const found = await findAddresses(deps, target, limit, timings);
  if ('failure' in found) return found;
  const refusal = deps.policy.checkDial(target.host, target.port, found.addresses);
  if (refusal !== undefined) return denied(refusal);
  const opened = await timed(
    timings,
    'connectMs',
    openFirst(deps, target, found.addresses.slice(0, MAX_DIALLED), limit),
  );
  if ('failure' in opened) return opened;
  const checked = checkPeer(deps, target, opened.socket);
  if ('failure' in checked || target.protocol === 'http:') return checked;
  return timed(timings, 'tlsMs', secure(deps, target, opened.socket, limit));
};

const failed = (code: Failure['code'], message: string): { failure: Failure } => ({
  failure: { code, message, sent: 'no' },
});

const denied = (message: string) => failed('EGRESS_DENIED', message);

const timed = async <T>(timings: TimingsSoFar, phase: keyof Timings, work: Promise<T>): Promise<T> => {
  const start = performance.now();
  try {
    return await work;
  } finally {
    timings[phase] = performance.now() - start;
  }
};

const findAddresses = async (
  { resolve }: DialDeps,
  { host, literal }: TargetUrl,
  limit: TimeLimit,
  timings: TimingsSoFar,
): Promise<{ addresses: readonly string[] } | { failure: Failure }> => {
  if (literal !== undefined) return { addresses: [host] };
  const found = await timed(timings, 'dnsMs', limit.race(resolve(host)));
  if ('ended' in found)
    return { failure: endedFailure(found.ended, `${host} was not resolved`, limit, 'no') };
  return 'problem' in found ? failed('DNS', found.problem) : found;
};

const openFirst = async (
  deps: DialDeps,
  target: TargetUrl,
  addresses: readonly string[],
  limit: TimeLimit,
): Promise<Dialled> => {
  let problem = 'no address';
  for (const [index, address] of addresses.entries()) {
    const isLast = index === addresses.length - 1;
    const patienceMs = isLast
      ? Infinity
      : Math.min(SILENT_ADDRESS_MS, limit.leftMs() / (addresses.length - index));
    const opened = await openOne(deps, target, address, limit, patienceMs);
    if (typeof opened !== 'string') return opened;
    problem = opened;
  }
  const among = addresses.length > 1 ? ` (the last of ${addresses.length} addresses)` : '';
  return failed('CONNECT', `${target.host}:${target.port}: ${problem}${among}`);
};

// Resolves with a text where the next address should be tried.
const openOne = async (
  { connect = netConnect }: DialDeps,
  target: TargetUrl,
  address: string,
  limit: TimeLimit,
  patienceMs: number,
): Promise<Dialled | string> => {
  const ended = limit.reason();
  if (ended !== undefined) return { failure: noConnection(ended, target, limit) };
  const socket = connect({
    host: address,
    port: target.port,
    autoSelectFamily: false,
    noDelay: true,
    lookup: noLookup,
  });
  socket.on('error', ignore);
  const opened = once(socket, 'connect').then(() => undefined, connectText);
  const result = await limit.race(withPatience(opened, patienceMs));
  if (result === undefined) return { socket };
  socket.destroy();
  return typeof result === 'string' ? result : { failure: noConnection(result.ended, target, limit) };
};

const noConnection = (ended: 'timeout' | 'shutdown', { host, port }: TargetUrl, limit: TimeLimit): Failure =>
  endedFailure(ended, `no connection to ${host}:${port}`, limit, 'no');

// Keeps a late error of a socket that nobody waits for any more from ending the process.
const ignore = () => undefined;

const withPatience = async <T>(work: Promise<T>, patienceMs: number): Promise<T | string> => {
  if (patienceMs === Infinity) return work;
  let timer: NodeJS.Timeout | undefined;
  const silent = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('no answer from the host'), Math.max(1, patienceMs));
  });
  return Promise.race([work, silent]).finally(() => clearTimeout(timer));
};

// Only addresses are dialled, so a look-up here would be one that the policy has not seen.
const noLookup: NonNullable<TcpNetConnectOpts['lookup']> = (_host, _options, callback) =>
  callback(new Error('names are resolved before the dial'), '');

const checkPeer = ({ policy }: DialDeps, { host, port }: TargetUrl, socket: Socket): Dialled => {
  const { remoteAddress } = socket;
  if (remoteAddress === undefined) {
    socket.destroy();
    return failed('CONNECT', `${host}:${port}: the connection was closed at once`);
  }
  const refusal = policy.checkDial(host, port, [remoteAddress]);
  if (refusal === undefined) return { socket };
  socket.destroy();
  return denied(refusal);
};

const secure = async (
  { secureContext }: DialDeps,
  { host, literal }: TargetUrl,
  socket: Socket,
  limit: TimeLimit,
): Promise<Dialled> => {
  const secured = tlsConnect({
    socket,
    host,
    // The verified name is the URL's, whatever headers say. SNI holds no addresses (RFC 6066, 3): those are verified as `host`.
    servername: literal ? '' : host,
    rejectUnauthorized: true,
    secureContext,
    ALPNProtocols: ['http/1.1'],
  });
  secured.on('error', ignore);
  const ready = once(secured, 'secureConnect').then(
    () => undefined,
    (error: unknown) => tlsText(error, host),
  );
  const result = await limit.race(ready);
  if (result === undefined) return { socket: secured };
  secured.destroy();
  if (typeof result === 'string') return failed('TLS', result);
  return { failure: endedFailure(result.ended, `no TLS handshake with ${host}`, limit, 'no') };
};
