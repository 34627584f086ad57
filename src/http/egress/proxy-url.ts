import { parseIp } from './ip-address.ts';
import { hostOf, type TargetUrl } from './target-url.ts';

/** A forward proxy of the operator. */
export interface ProxyServer extends Pick<TargetUrl, 'protocol' | 'host' | 'literal' | 'port'> {
  /** The `proxy-authorization` header (RFC 7617), if the URL has a user or a password. It holds the password. */
  readonly authorization?: string;
}

const FORM =
  'http://host:port or https://host:port, with user:password@ before the host where the proxy asks for it';

/**
 * Reads the URL of a proxy. The port is required, because programs disagree about the one that a proxy has without it.
 * @throws RangeError with all problems, which never show the URL, because it may hold a password.
 */
export function parseProxyUrl(text: string): ProxyServer {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new RangeError(`must be ${FORM}`);
  const host = hostOf(url);
  const credentials = readCredentials(url);
  const problems = [...urlProblems(text, url, host), ...credentials.problems];
  if (problems.length > 0) throw new RangeError(`${problems.join(', and ')}: it must be ${FORM}`);
  const { protocol, port } = url;
  const literal = parseIp(host);
  return {
    protocol,
    host,
    ...(literal === undefined ? {} : { literal }),
    port: port === '' ? DEFAULT_PORTS[protocol] : Number(port),
    ...(credentials.header === undefined ? {} : { authorization: credentials.header }),
  };
}

const DEFAULT_PORTS = { 'http:': 80, 'https:': 443 } as const;

// The parser drops white space, turns backslashes into slashes, and hides a default port that was written.
function urlProblems(text: string, url: URL, host: string): readonly string[] {
  const problems: string[] = [];
  if (/[\s\\]/.test(text)) problems.push('has white space or a backslash, which are percent-encoded');
  if (url.pathname !== '/') problems.push('has a path');
  if (url.search !== '' || text.includes('?')) problems.push('has a query');
  if (url.hash !== '' || text.includes('#')) problems.push('has a fragment');
  if (host === '' || host.split('.').includes('')) problems.push('has a host with an empty label');
  if (url.port === '0') problems.push('has port 0');
  if (!/^https?:\/\/[^/?#]*:\d+([/?#]|$)/i.test(text)) problems.push('has no port');
  return problems;
}

function readCredentials({ username, password }: URL): { header?: string; problems: readonly string[] } {
  if (username === '' && password === '') return { problems: [] };
  const [user, secret] = [decode(username), decode(password)];
  if (user === undefined || secret === undefined)
    return { problems: ['has a % in its user or password that is not percent-encoded as %25'] };
  if (user.includes(':')) return { problems: ['has a user with a colon, which Basic can not carry'] };
  const pair = `${user}:${secret}`;
  // oxlint-disable-next-line no-control-regex -- RFC 7617, 2 forbids these
  if (/[\u0000-\u001f\u007f]/.test(pair))
    return { problems: ['has a control character in its user or password'] };
  return { header: `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`, problems: [] };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
