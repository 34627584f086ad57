/** A content coding that callhooks undoes (RFC 9110, 8.4.1; br: RFC 7932). */
export type ContentCoding = 'gzip' | 'deflate' | 'br';

/** The content codings of a body in the order in which they are undone, or why they can't be undone. */
export type ContentCodings = { readonly undo: readonly ContentCoding[] } | { readonly problem: string };

/** No endpoint has a reason to code a body more often. */
const MAX_CODINGS = 3;

const KNOWN: ReadonlyMap<string, ContentCoding> = new Map([
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['br', 'br'],
]);

// Endpoints write into this header what belongs into others: charsets, and values of Content-Transfer-Encoding.
const NO_CODING: ReadonlySet<string> = new Set([
  ...['', 'identity', 'none', 'null', 'utf-8', 'utf8', 'utf-16', 'us-ascii', 'iso-8859-1', 'windows-1252'],
  ...['7bit', '8bit', 'binary'],
]);

/**
 * Returns the content codings that a response names, or undefined if it names none. The names are in lower case and in the
 * order in which they were applied. A name that stands for no coding counts as none.
 */
export function readContentCodings(names: readonly string[]): ContentCodings | undefined {
  const codings = names.filter((name) => !NO_CODING.has(name));
  if (codings.length === 0) return undefined;
  const unknown = codings.find((name) => !KNOWN.has(name));
  if (unknown !== undefined) return { problem: unknownCoding(unknown) };
  if (codings.length > MAX_CODINGS)
    return {
      problem: `the response body has ${codings.length} content codings; at most ${MAX_CODINGS} are undone`,
    };
  return { undo: codings.toReversed().flatMap((name) => KNOWN.get(name) ?? []) };
}

function unknownCoding(name: string): string {
  return `the response body has the content coding "${shownCoding(name)}", which callhooks can't undo; the request asked for none`;
}

/** Returns the name of a coding as a message may show it: a strange name is not repeated. */
export function shownCoding(name: string): string {
  return /^[a-z0-9_-]{1,24}$/.test(name) ? name : 'unknown';
}
