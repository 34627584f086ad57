import { isIP } from 'node:net';
import { credentials, Metadata, type ChannelCredentials } from '@grpc/grpc-js';

/** The certificates of a connection, each as PEM. */
export interface ClientTls {
  /** The certificates of the authorities that sign the server's. The ones that Node.js trusts count when it is left out. */
  readonly ca?: string | Buffer | undefined;
  /** This client's certificate and its key, for servers that ask for one. */
  readonly certificate?: string | Buffer | undefined;
  readonly privateKey?: string | Buffer | undefined;
  /** The name that the server's certificate must have, where it is not that of the address. */
  readonly serverName?: string | undefined;
}

/** A token, or a function that returns the one to send now. */
export type TokenSource = string | (() => string | Promise<string>);

/** Addresses that no packet leaves the machine for. */
const LOCAL =
  /^unix:|^(?:(?:dns|ipv4|ipv6):(?:\/\/[^/]*\/)?)?(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?$/i;

/**
 * Returns the credentials of the channel. Throws when a token would go over an unencrypted connection to another machine
 * and the caller has not said `tls: false`.
 */
export function channelCredentials(
  address: string,
  tls: boolean | ClientTls | undefined,
  token: TokenSource | undefined,
): ChannelCredentials {
  if (tls === undefined && token !== undefined && !LOCAL.test(address))
    throw new Error(
      `The token would go to ${address} without encryption: set tls to true, or to false if a proxy encrypts.`,
    );
  if (tls === undefined || tls === false) return credentials.createInsecure();
  const { ca, certificate, privateKey } = tls === true ? ({} as ClientTls) : tls;
  return withoutAddressAsName(
    credentials.createSsl(toBuffer(ca), toBuffer(privateKey), toBuffer(certificate)),
  );
}

// TLS names a server by its host name only, never by an address (RFC 6066, 3): Node.js warns of an address there, and a strict
// server refuses it. The library sets the name, and no option of it leaves the name out. Without the name, the certificate is
// still compared with the address, which is also the `host`.
function withoutAddressAsName(tls: ChannelCredentials): ChannelCredentials {
  const create = tls._createSecureConnector.bind(tls);
  tls._createSecureConnector = (...args) => {
    const connector = create(...args);
    const { connectionOptions } = connector as { connectionOptions?: { servername?: string } };
    if (connectionOptions !== undefined && isIP(connectionOptions.servername ?? '') !== 0)
      connectionOptions.servername = '';
    return connector;
  };
  return tls;
}

/** Returns the gRPC headers of an RPC, with the token in `authorization`. */
export async function requestHeaders(
  token: TokenSource | undefined,
  headers: Readonly<Record<string, string>>,
): Promise<Metadata> {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  if (token !== undefined)
    metadata.set('authorization', `Bearer ${typeof token === 'string' ? token : await token()}`);
  return metadata;
}

function toBuffer(pem: string | Buffer | undefined): Buffer | null {
  return pem === undefined ? null : Buffer.from(pem);
}
