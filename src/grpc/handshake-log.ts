import type { TLSSocket } from 'node:tls';
import { errorCode } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { createCountedLines } from '../logging/counted-lines.ts';

/** Notes the clients that do not come through the TLS handshake: most often they lack a certificate, or speak no TLS. */
export interface HandshakeLog {
  readonly failed: (error: Error, socket: TLSSocket) => void;
  /** Writes what was counted since the last lines. */
  flush(): void;
}

/** Makes the log, which gets one line a second for each kind of failure. */
export function createHandshakeLog(logger: Logger, onFailure: (() => void) | undefined): HandshakeLog {
  const lines = createCountedLines<string>((error, count, fields) =>
    logger.info({ count, error, ...fields }, 'TLS handshake failed'),
  );
  return {
    // The codes come from a closed set, OpenSSL's and Node.js's.
    failed: (error, { remoteAddress = 'unknown' }) => {
      lines.count(errorCode(error) ?? 'unknown', () => ({ peer: remoteAddress }));
      onFailure?.();
    },
    flush: lines.flush,
  };
}
