import { parseIp, type IpBytes } from './ip-address.ts';

/** Where a URL leads. The WHATWG parser reads it once. */
export interface TargetUrl {
  readonly protocol: 'http:' | 'https:';
  /** The host in lower case and A-labels, without brackets or a trailing dot. */
  readonly host: string;
  /** The host as an address, if it is a literal one. */
  readonly literal?: IpBytes;
  readonly port: number;
  readonly origin: string;
  /** Path and query as they go on the wire. */
  readonly path: string;
}

/** Where a dial leads: the host, the port, and the host as an address, if it is a literal one. */
export type DialTarget = Pick<TargetUrl, 'host' | 'literal' | 'port'>;

/** A URL that can't be the target of a webhook, whatever the egress policy says. */
export interface BadUrl {
  readonly problem: string;
}

/** Reads a URL. It returns a target or a problem in words for every text, and never throws. */
export function parseTargetUrl(text: string): TargetUrl | BadUrl {
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
  const host = hostOf(url);
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
}

/** Returns the host of a URL as it is compared with entries: in lower case, without brackets and trailing dot. */
export function hostOf({ hostname: host }: URL): string {
  const plain = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  return plain.toLowerCase().replace(/\.$/, '');
}

/** Returns the special-use rule that a name falls under, for messages, or undefined for an ordinary name. */
export function specialUse(name: string): string | undefined {
  if (name === 'localhost' || name.endsWith('.localhost')) return 'localhost';
  if (name.endsWith('.local')) return '.local';
  if (name.endsWith('.internal')) return '.internal';
  return name.includes('.') ? undefined : 'a single label';
}
