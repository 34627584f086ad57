import type { SecureContextOptions } from 'node:tls';
import { ServerCredentials } from '@grpc/grpc-js';
import type { TlsFiles } from '../access/tls-files.ts';

/** A client that opens a connection and then stays silent keeps it no longer than this. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * Holds the TLS credentials of a server, and replaces them while it runs. grpc-js hands new ones to its HTTP/2 server;
 * connections that are open keep theirs. (Its provider of certificates from files, which is experimental, takes any
 * files: after half-written ones no new connection succeeds.)
 */
export class ReplaceableCredentials extends ServerCredentials {
  constructor(files: TlsFiles) {
    const requestCert = files.clientCa !== undefined;
    const options = { requestCert, rejectUnauthorized: true, handshakeTimeout: HANDSHAKE_TIMEOUT_MS };
    super(options, contextOf(files));
  }

  /** Uses other files for new connections. Expects files that {@link tlsProblems} finds good. */
  replace(files: TlsFiles): void {
    this.updateSecureContextOptions(contextOf(files));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function contextOf({ certificate, key, clientCa }: TlsFiles): SecureContextOptions {
  return {
    cert: certificate,
    key,
    minVersion: 'TLSv1.2',
    ...(clientCa === undefined ? {} : { ca: clientCa }),
  };
}
