import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect as tlsConnect, type SecureContext } from 'node:tls';
import type { Deadline, Ended } from '../client/deadline.ts';
import type { DialTarget } from '../egress/target-url.ts';

/**
 * Makes TLS over an open socket. The certificate is verified, always. Returns the error of a handshake that failed; the
 * socket is closed then.
 */
export async function secureSocket(
  socket: Socket,
  { host, literal }: Pick<DialTarget, 'host' | 'literal'>,
  secureContext: SecureContext,
  deadline: Deadline,
): Promise<{ readonly socket: Socket } | { readonly error: unknown } | Ended> {
  const secured = tlsConnect({
    socket,
    host,
    // The verified name is this one, whatever headers say. SNI holds no addresses (RFC 6066, 3): those are verified as `host`.
    servername: literal ? '' : host,
    rejectUnauthorized: true,
    secureContext,
    ALPNProtocols: ['http/1.1'],
  });
  // A late error of a socket that nobody waits for must not end the process. In TLS 1.3 the endpoint may refuse the client
  // after the handshake, before undici listens: the socket keeps that error.
  secured.on('error', (error: Error) => secured.destroy(error));
  const ready = once(secured, 'secureConnect').then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  const result = await deadline.race(ready);
  if (result === undefined) return { socket: secured };
  secured.destroy();
  return result;
}
