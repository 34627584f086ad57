import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { Timings } from '../../domain/execution.ts';
import type { Failure } from '../../domain/failures.ts';
import type { Deadline } from '../client/deadline.ts';
import { endedFailure, unsentFailure } from '../client/failures.ts';
import { tlsText } from '../client/tls-text.ts';
import type { Resolve } from '../dns/resolver.ts';
import type { EgressPolicy } from '../egress/egress-policy.ts';
import { goesDirect, leavesNameTo, type EgressProxy } from '../egress/egress-proxy.ts';
import type { TargetUrl } from '../egress/target-url.ts';
import type { ClientIdentity } from '../http-client.ts';
import { lookUp } from './look-up.ts';
import { openSocket, type Connect } from './open-socket.ts';
import { secureSocket } from './secure-socket.ts';
import { openTunnel } from './tunnel.ts';

/** The phases measured so far. They are filled in while a request goes on. */
export type TimingsSoFar = { -readonly [Phase in keyof Timings]: Timings[Phase] };

/** What a dial needs. */
export interface DialDeps {
  readonly policy: EgressPolicy;
  readonly resolve: Resolve;
  readonly secureContext: SecureContext;
  /** Returns the TLS settings with a client certificate. */
  readonly clientContext: (identity: ClientIdentity) => SecureContext | { readonly problem: string };
  /** Without it, every target is dialled directly. */
  readonly proxy?: EgressProxy | undefined;
  /** Stands for `net.connect` in tests, which see or change where a connection goes. */
  readonly connect?: Connect | undefined;
}

/** Where a connection leads, and with which client certificate. */
export interface Destination extends TargetUrl {
  readonly clientIdentity?: ClientIdentity | undefined;
}

type Dialled = { readonly socket: Socket } | { readonly failure: Failure };

/**
 * Opens a connection to the target before the deadline, through the proxy where there is one. The egress policy is asked
 * three times: for the host, for every address it resolves to, and for the address that the socket is really connected to,
 * before TLS and before the first byte. Behind a proxy, the third check is the proxy's business, and the second one too if
 * it resolves the name. Failures are values with `sent` = `no`.
 */
export async function dial(
  deps: DialDeps,
  target: Destination,
  deadline: Deadline,
  timings: TimingsSoFar,
): Promise<Dialled> {
  const opened = await openChecked(deps, target, deadline, timings);
  if ('failure' in opened || target.protocol === 'http:') return opened;
  return timed(timings, 'tlsMs', secure(deps, target, opened.socket, deadline));
}

async function openChecked(
  deps: DialDeps,
  target: TargetUrl,
  deadline: Deadline,
  timings: TimingsSoFar,
): Promise<Dialled> {
  const { policy, proxy } = deps;
  const throughProxy = ({ server }: EgressProxy) =>
    timed(timings, 'connectMs', openTunnel(deps, server, target, deadline));
  if (proxy !== undefined && leavesNameTo(proxy, target)) {
    const refusal = policy.checkUnresolved(target);
    return refusal === undefined ? throughProxy(proxy) : unsentFailure('EGRESS_DENIED', refusal);
  }
  const found = await findAddresses(deps, target, deadline, timings);
  if ('failure' in found) return found;
  const refusal = policy.checkDial(target, found.addresses);
  if (refusal !== undefined) return unsentFailure('EGRESS_DENIED', refusal);
  if (proxy !== undefined && !goesDirect(proxy, target, found.addresses)) return throughProxy(proxy);
  const opened = await timed(timings, 'connectMs', openTo(deps, target, found.addresses, deadline));
  return 'failure' in opened ? opened : checkPeer(deps, target, opened.socket);
}

async function timed<T>(timings: TimingsSoFar, phase: keyof Timings, work: Promise<T>): Promise<T> {
  const start = performance.now();
  try {
    return await work;
  } finally {
    timings[phase] = performance.now() - start;
  }
}

async function findAddresses(
  { resolve, proxy }: DialDeps,
  { host, literal }: TargetUrl,
  deadline: Deadline,
  timings: TimingsSoFar,
): Promise<{ addresses: readonly string[] } | { failure: Failure }> {
  if (literal !== undefined) return { addresses: [host] };
  const found = await timed(timings, 'dnsMs', lookUp(resolve, host, deadline));
  if ('ended' in found)
    return { failure: endedFailure(found.ended, `${host} was not resolved`, deadline, 'no') };
  if (!('problem' in found)) return found;
  const hint = proxy?.resolvesNames === false ? LEAVE_NAMES_TO_PROXY : '';
  return unsentFailure('DNS', found.problem + hint);
}

// Behind a proxy, the network often has a DNS that knows inner names alone.
const LEAVE_NAMES_TO_PROXY =
  '; where only the proxy can resolve names, set CALLHOOKS_EGRESS_PROXY_RESOLVES=true';

async function openTo(
  { connect }: DialDeps,
  { host, port }: TargetUrl,
  addresses: readonly string[],
  deadline: Deadline,
): Promise<Dialled> {
  const opened = await openSocket(addresses, port, deadline, connect);
  if ('problem' in opened) return unsentFailure('CONNECT', `${host}:${port}: ${opened.problem}`);
  if ('socket' in opened) return opened;
  const state = `no connection to ${host}:${port} was made`;
  return { failure: endedFailure(opened.ended, state, deadline, 'no') };
}

function checkPeer({ policy }: DialDeps, target: TargetUrl, socket: Socket): Dialled {
  const { remoteAddress } = socket;
  if (remoteAddress === undefined) {
    socket.destroy();
    return unsentFailure('CONNECT', `${target.host}:${target.port}: the connection was closed at once`);
  }
  const refusal = policy.checkDial(target, [remoteAddress]);
  if (refusal === undefined) return { socket };
  socket.destroy();
  return unsentFailure('EGRESS_DENIED', refusal);
}

async function secure(
  { secureContext, clientContext }: DialDeps,
  target: Destination,
  socket: Socket,
  deadline: Deadline,
): Promise<Dialled> {
  const { host, clientIdentity } = target;
  const context = clientIdentity === undefined ? secureContext : clientContext(clientIdentity);
  if ('problem' in context) {
    socket.destroy();
    return unsentFailure('TLS', context.problem);
  }
  const secured = await secureSocket(socket, target, context, deadline);
  if ('socket' in secured) return secured;
  if ('error' in secured) return unsentFailure('TLS', tlsText(secured.error, host));
  const state = `the TLS handshake with ${host} did not end`;
  return { failure: endedFailure(secured.ended, state, deadline, 'no') };
}
