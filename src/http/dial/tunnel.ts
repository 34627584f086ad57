import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { Failure } from '../../domain/failures.ts';
import type { Deadline, Ended } from '../client/deadline.ts';
import { endedFailure, unsentFailure } from '../client/failures.ts';
import { tlsText } from '../client/tls-text.ts';
import type { Resolve } from '../dns/resolver.ts';
import type { DialTarget } from '../egress/target-url.ts';
import type { ProxyServer } from '../egress/proxy-url.ts';
import { isTunnel, readConnectAnswer } from './connect-answer.ts';
import { lookUp } from './look-up.ts';
import { openSocket, type Connect } from './open-socket.ts';
import { secureSocket } from './secure-socket.ts';

/** What a tunnel needs. */
interface TunnelDeps {
  readonly resolve: Resolve;
  readonly secureContext: SecureContext;
  readonly connect?: Connect | undefined;
}

/** A step on the way to a tunnel: an open socket, or why there is none, in words that follow the target's host and port. */
type Step = { readonly socket: Socket } | { readonly problem: string } | Ended;

/**
 * Opens a tunnel to the target through a proxy, by CONNECT (RFC 9110, 9.3.6). The operator has named the proxy, so the
 * egress policy is not asked about its address. Whatever the proxy does, the failure is CONNECT or TIMEOUT with `sent` = `no`.
 */
export async function openTunnel(
  deps: TunnelDeps,
  server: ProxyServer,
  target: DialTarget,
  deadline: Deadline,
): Promise<{ readonly socket: Socket } | { readonly failure: Failure }> {
  const reached = await reach(deps, server, deadline);
  const step = 'socket' in reached ? await ask(reached.socket, server, target, deadline) : reached;
  if ('socket' in step) return step;
  const place = `${target.host}:${target.port}`;
  if ('problem' in step) return unsentFailure('CONNECT', `${place}: ${step.problem}`);
  return {
    failure: endedFailure(step.ended, `no tunnel through the proxy to ${place} was made`, deadline, 'no'),
  };
}

async function reach(
  { resolve, secureContext, connect }: TunnelDeps,
  server: ProxyServer,
  deadline: Deadline,
): Promise<Step> {
  const { host, literal, port, protocol } = server;
  const found = literal ? { addresses: [host] } : await lookUp(resolve, host, deadline);
  if ('problem' in found) return unreached(found.problem);
  if ('ended' in found) return found;
  const opened = await openSocket(found.addresses, port, deadline, connect);
  if ('problem' in opened) return unreached(opened.problem);
  if ('ended' in opened || protocol === 'http:') return opened;
  const secured = await secureSocket(opened.socket, server, secureContext, deadline);
  return 'error' in secured ? { problem: tlsProblem(secured.error, host) } : secured;
}

function unreached(problem: string): Step {
  return { problem: `the proxy can't be reached: ${problem}` };
}

// The texts about TLS are written for endpoints.
function tlsProblem(error: unknown, host: string): string {
  const text = tlsText(error, host).replaceAll('the endpoint', 'it');
  return `the TLS handshake with the proxy failed: ${text}`;
}

async function ask(
  socket: Socket,
  server: ProxyServer,
  target: DialTarget,
  deadline: Deadline,
): Promise<Step> {
  socket.write(connectRequest(server, target));
  const answer = await deadline.race(readConnectAnswer(socket));
  if ('status' in answer && isTunnel(answer.status)) return { socket };
  socket.destroy();
  return 'status' in answer ? { problem: refusal(answer.status) } : answer;
}

// CONNECT names the host and not its address, so that the proxy can filter by names.
function connectRequest({ authorization }: ProxyServer, { host, literal, port }: DialTarget): string {
  const authority = `${literal?.length === 16 ? `[${host}]` : host}:${port}`;
  const lines = [`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`];
  if (authorization !== undefined) lines.push(`Proxy-Authorization: ${authorization}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

// The reason phrase is ours: the proxy's may be any text.
function refusal(status: number): string {
  const text = `the proxy answered ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
  return status === 407 ? `${text}; CALLHOOKS_EGRESS_PROXY holds the user and password for it` : text;
}
