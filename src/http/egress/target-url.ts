import { parseIp, type IpBytes } from './ip-address.ts';

/** Where a URL leads, parsed once by the WHATWG parser. */
export interface TargetUrl {
  readonly protocol: 'http:' | 'https:';
  /** Lower case, A-labels, without brackets or a trailing dot. */
  readonly host: string;
  /** The host as an address, where it is a literal. */
  readonly literal?: IpBytes;
  readonly port: number;
  readonly origin: string;
  /** Path and query as they go on the wire. */
  readonly path: string;
}

/** A URL that can't be a webhook's target at all, whatever the policy says. */
export interface BadUrl {
  readonly problem: string;
}

/** Reads a URL; every text gives a target or a problem in words, nothing throws. */
export const parseTargetUrl = (text: string): TargetUrl | BadUrl => {
  if (text.includes('\\'))
    return { problem: 'the URL has a backslash, which URL parsers read in different ways' };
  const url = URL.parse(text);
  if (url === null) return { problem: 'the URL is not valid' };
  const { protocol, port } = url;
  if (protocol !== 'http:' && protocol !== 'https:') return { problem: 'the URL is neither http nor https' };
  if (url.username !== '' || url.password !== '') {
    return { problem: 'the URL has a user name or password: put it into an Authorization header' };
  }
  if (port === '0') return { problem: 'the URL has port 0' };
  const host = canonicalName(url.hostname);
  if (host === '' || host.split('.').includes('')) return { problem: "the URL's host has an empty label" };
  const literal = parseIp(host);
  return {
    protocol,
    host,
    ...(literal ? { literal } : {}),
    port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
    origin: url.origin,
    path: url.pathname + url.search,
  };
};

/** A host as names and entries are compared: lower case, without brackets and trailing dot. */
export const canonicalName = (host: string): string => {
  const plain = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  return plain.toLowerCase().replace(/\.$/, '');
};

/** The special-use rule that a name falls under, for messages; undefined for an ordinary name. */
export const specialUse = (name: string): string | undefined => {
  if (name === 'localhost' || name.endsWith('.localhost')) return 'localhost';
  if (name.endsWith('.local')) return '.local';
  if (name.endsWith('.internal')) return '.internal';
  return name.includes('.') ? undefined : 'a single label';
};
