const LOOPBACK = /^(127\.\d+\.\d+\.\d+|\[::1\]|localhost)$/;

/** The address that a server listens on. */
export interface ListenAddress {
  /** `host:port`, with an IPv6 host in brackets. Port 0 means a free port. */
  readonly address: string;
  readonly isLoopback: boolean;
}

/**
 * Reads `host:port`. The host is a name, an IPv4 address, or an IPv6 address in brackets.
 * @throws RangeError with the problem
 */
export function toListenAddress(text: string): ListenAddress {
  const { host, port } = splitHostPort(text);
  if (host === '' || port === undefined) throw new RangeError(`must be host:port, not "${text}"`);
  return { address: `${host}:${port}`, isLoopback: LOOPBACK.test(host) };
}

/** Splits `host:port`. The host is empty when the text is something else. */
export function splitHostPort(text: string): { host: string; port?: number } {
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match?.[1] === undefined || port > 65_535) return { host: '' };
  return { host: match[1], port };
}
