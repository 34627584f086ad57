import { parseTargetUrl, type TargetUrl } from './egress/target-url.ts';

/** Where a redirect leads, or why nobody can say so. */
export type RedirectTarget =
  | { readonly url: string; readonly target: TargetUrl }
  | { readonly problem: string };

// They ask for a GET. 307 and 308 ask for the request to be sent again, which never happens.
const FOLLOWED: ReadonlySet<number> = new Set([301, 302, 303]);

/**
 * Returns the values of `location` if the status is that of a redirect that may be followed (301, 302 or 303), else
 * undefined. `rawHeaders` are names and values by turns.
 */
export function locationsOf(status: number, rawHeaders: unknown): readonly string[] | undefined {
  if (!FOLLOWED.has(status)) return undefined;
  const locations: string[] = [];
  if (!Array.isArray(rawHeaders)) return locations;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (textOf(rawHeaders[index]).toLowerCase() === 'location') locations.push(textOf(rawHeaders[index + 1]));
  }
  return locations;
}

function textOf(part: unknown): string {
  return Buffer.isBuffer(part) ? part.toString('latin1') : String(part);
}

const MAX_LOCATION_BYTES = 4096;

/**
 * Reads the `location` of a response to a request for the URL `from` (RFC 9110, 10.2.2): an absolute URL, or one that is
 * relative to `from`. Its fragment is dropped. The egress policy is not asked. A problem repeats nothing of the location.
 */
export function redirectTarget(locations: readonly string[], from: string): RedirectTarget {
  const [location = ''] = locations;
  if (location === '') return { problem: 'the response has no Location' };
  if (locations.length > 1) return { problem: 'the response has several Location headers' };
  const text = decoded(location);
  const problem = textProblem(location, text);
  if (text === undefined || problem !== undefined) return { problem: problem ?? 'its Location is not UTF-8' };
  const url = URL.parse(text, from);
  if (url === null) return { problem: 'its Location is not a valid URL' };
  if (url.username !== '' || url.password !== '')
    return { problem: 'its Location has a user name or password' };
  url.hash = '';
  if (url.href.length > MAX_LOCATION_BYTES) return { problem: TOO_LARGE };
  const target = parseTargetUrl(url.href);
  if ('problem' in target) return { problem: `its Location can't be used (${target.problem})` };
  if (target.protocol === 'http:' && from.startsWith('https:'))
    return { problem: 'its Location leads from https to http' };
  return { url: url.href, target };
}

/** Reports whether a redirect leads to another URL of the same origin. */
export function staysAtOrigin(locations: readonly string[], from: string): boolean {
  const found = redirectTarget(locations, from);
  return 'target' in found && found.target.origin === URL.parse(from)?.origin;
}

const TOO_LARGE = `its Location is larger than ${MAX_LOCATION_BYTES} bytes`;
// The URL parser would drop tabs and take a backslash for a slash.
// oxlint-disable-next-line no-control-regex -- control characters are what it is for
const NOT_IN_URLS = /[\\\u0000-\u001f\u007f]/;

function textProblem(location: string, text: string | undefined): string | undefined {
  if (location.length > MAX_LOCATION_BYTES) return TOO_LARGE;
  if (text !== undefined && NOT_IN_URLS.test(text))
    return 'its Location has a backslash or a control character';
  return undefined;
}

const BEYOND_ASCII = /[\u0080-\u00ff]/;
const decoder = new TextDecoder('utf-8', { fatal: true });

// Header bytes are read as Latin-1. A URL has ASCII only, but servers also write UTF-8, as browsers take it.
function decoded(location: string): string | undefined {
  if (!BEYOND_ASCII.test(location)) return location;
  try {
    return decoder.decode(Buffer.from(location, 'latin1'));
  } catch {
    return undefined;
  }
}
