import type { Knex } from 'knex';
import { errorCode } from '../../errors.ts';
import { verifiesCertificate, type SslMode } from './database-url.ts';

/** The settings of TLS, as mysql2 takes them. */
interface Ssl {
  readonly ca?: string;
  readonly rejectUnauthorized: boolean;
  readonly verifyIdentity: boolean;
}

/**
 * Returns the settings of TLS for a mode, or undefined for none. `ca` are PEM certificates of the authorities that are
 * trusted; without them the public ones are.
 */
export function sslOf(mode: SslMode, ca: string | undefined): Ssl | undefined {
  if (mode === 'DISABLED') return undefined;
  const verifies = verifiesCertificate(mode);
  return {
    ...(verifies && ca !== undefined ? { ca } : {}),
    rejectUnauthorized: verifies,
    verifyIdentity: mode === 'VERIFY_IDENTITY',
  };
}

/** The part of knex's client that connects. It reads `connectionSettings` when it is called. */
interface Dialer {
  connectionSettings: object;
  acquireRawConnection(): Promise<unknown>;
}

/**
 * Lets a pool connect in plaintext, with other settings, to a server that offers no TLS. mysql2 can only be told to use TLS
 * or not to, so the first attempt ends at the server's greeting, before the user is named, and another follows.
 */
export function fallBackToPlaintext(pool: Knex, plaintextSettings: object): void {
  const client = pool.client as Dialer;
  const dial = client.acquireRawConnection.bind(client);
  const settings = client.connectionSettings;
  client.acquireRawConnection = async () => {
    try {
      return await dial();
    } catch (error) {
      if (errorCode(error) !== 'HANDSHAKE_NO_SSL_SUPPORT') throw error;
    }
    client.connectionSettings = plaintextSettings;
    const connection = dial();
    client.connectionSettings = settings;
    return connection;
  };
}
