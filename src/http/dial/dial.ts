import { once } from 'node:events';
import { connect as netConnect, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as tlsConnect, type SecureContext } from 'node:tls';
import type { Timings } from '../../domain/execution.ts';
import type { Failure } from '../../domain/failures.ts';
import type { Resolve } from '../dns/resolver.ts';
import type { EgressPolicy } from '../egress/egress-policy.ts';
import type { TargetUrl } from '../egress/target-url.ts';
import type { Deadline, EndReason } from '../client/deadline.ts';
import { connectText, endedFailure, tlsText, unsentFailure } from '../client/failures.ts';

/** The phases measured so far. They are filled in while a request goes on. */
export type TimingsSoFar = { -readonly [Phase in keyof Timings]: Timings[Phase] };

/** What a dial needs. */
export interface DialDeps {
  readonly policy: EgressPolicy;
  readonly resolve: Resolve;
  readonly secureContext: SecureContext;
  /** Stands for `net.connect` in tests, which see or change where a connection goes. */
  readonly connect?: ((options: TcpNetConnectOpts) => Socket) | undefined;
}

type Dialled = { readonly socket: Socket } | { readonly failure: Failure };

const MAX_DIALLED = 8;
/** If an address is silent for this long, the next one is tried. */
const SILENT_ADDRESS_MS = 1_000;

/**
 * Opens a connection to the target before the deadline. The egress policy is asked three times: for the host, for every
 * address it resolves to, and for the address that the socket is really connected to, before TLS and before the first
 * byte. Failures are values with `sent` = `no`.
 */
export async function dial(
  deps: DialDeps,
  target: TargetUrl,
  deadline: Deadline,
  timings: TimingsSoFar,
): Promise<Dialled> {
  const found = await findAddresses(deps, target, deadline, timings);
  if ('failure' in found) return found;
  const refusal = deps.policy.checkDial(target, found.addresses);
  if (refusal !== undefined) return unsentFailure('EGRESS_DENIED', refusal);
  const opened = await timed(
    timings,
    'connectMs',
    openFirst(deps, target, found.addresses.slice(0, MAX_DIALLED), deadline),
  );
  if ('failure' in opened) return opened;
  const checked = checkPeer(deps, target, opened.socket);
  if ('failure' in checked || target.protocol === 'http:') return checked;
  return timed(timings, 'tlsMs', secure(deps, target, opened.socket, deadline));
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
  { resolve }: DialDeps,
  { host, literal }: TargetUrl,
  deadline: Deadline,
  timings: TimingsSoFar,
): Promise<{ addresses: readonly string[] } | { failure: Failure }> {
  if (literal !== undefined) return { addresses: [host] };
  const patience = new AbortController();
  const looked = deadline.race(resolve(host, patience.signal)).finally(() => patience.abort());
  const found = await timed(timings, 'dnsMs', looked);
  if ('ended' in found)
    return { failure: endedFailure(found.ended, `${host} was not resolved`, deadline, 'no') };
  return 'problem' in found ? unsentFailure('DNS', found.problem) : found;
}

async function openFirst(
  deps: DialDeps,
  target: TargetUrl,
  addresses: readonly string[],
  deadline: Deadline,
): Promise<Dialled> {
  let problem = 'no address';
  for (const [index, address] of addresses.entries()) {
    const isLast = index === addresses.length - 1;
    const patienceMs = isLast
      ? Infinity
      : Math.min(SILENT_ADDRESS_MS, deadline.leftMs() / (addresses.length - index));
    const opened = await openOne(deps, target, address, deadline, patienceMs);
    if (typeof opened !== 'string') return opened;
    problem = opened;
  }
  const among = addresses.length > 1 ? ` (the last of ${addresses.length} addresses)` : '';
  return unsentFailure('CONNECT', `${target.host}:${target.port}: ${problem}${among}`);
}

// A text says why this address did not answer; the next one should be tried.
async function openOne(
  { connect = netConnect }: DialDeps,
  target: TargetUrl,
  address: string,
  deadline: Deadline,
  patienceMs: number,
): Promise<Dialled | string> {
  const ended = deadline.reason();
  if (ended !== undefined) return notConnected(ended, target, deadline);
  const socket = connect({
    host: address,
    port: target.port,
    autoSelectFamily: false,
    noDelay: true,
    lookup: noLookup,
  });
  socket.on('error', ignore);
  const opened = once(socket, 'connect').then(() => undefined, connectText);
  const result = await deadline.race(withPatience(opened, patienceMs));
  if (result === undefined) return { socket };
  socket.destroy();
  return typeof result === 'string' ? result : notConnected(result.ended, target, deadline);
}

function notConnected(ended: EndReason, { host, port }: TargetUrl, deadline: Deadline): Dialled {
  return { failure: endedFailure(ended, `no connection to ${host}:${port} was made`, deadline, 'no') };
}

// A late error of a socket that nobody waits for must not end the process.
const ignore = () => undefined;

async function withPatience<T>(work: Promise<T>, patienceMs: number): Promise<T | string> {
  if (patienceMs === Infinity) return work;
  let timer: NodeJS.Timeout | undefined;
  const silent = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('no answer from the host'), Math.max(1, patienceMs));
  });
  return Promise.race([work, silent]).finally(() => clearTimeout(timer));
}

// Only addresses are dialled. A look-up here would find an address that was not checked.
const noLookup: NonNullable<TcpNetConnectOpts['lookup']> = (_host, _options, callback) =>
  callback(new Error('names are resolved before the dial'), '');

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
  { secureContext }: DialDeps,
  { host, literal }: TargetUrl,
  socket: Socket,
  deadline: Deadline,
): Promise<Dialled> {
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
  const result = await deadline.race(ready);
  if (result === undefined) return { socket: secured };
  secured.destroy();
  if (typeof result === 'string') return unsentFailure('TLS', result);
  const state = `the TLS handshake with ${host} did not end`;
  return { failure: endedFailure(result.ended, state, deadline, 'no') };
}
