import { MAX_ATTRIBUTE_NAME_BYTES, MAX_PATH_SEGMENTS } from '../limits.ts';
import { isDottedPath } from './attribute-path.ts';
import { parseSingularQuery, printSingularQuery, type PathSegment } from './singular-query.ts';

/**
 * Returns the rule that the name of an attribute breaks, or undefined for a good name. For a name that is no path, the rule
 * tells the nearest spelling that works.
 */
export function attributeNameProblem(name: string): string | undefined {
  if (name === '') return 'is required';
  if (Buffer.byteLength(name) > MAX_ATTRIBUTE_NAME_BYTES)
    return `must not be larger than ${MAX_ATTRIBUTE_NAME_BYTES} bytes`;
  const segments = segmentCount(name);
  if (segments === undefined) return [misspelling(name), ...nearestSpelling(name)].join(': write ');
  return segments > MAX_PATH_SEGMENTS
    ? `must not be a path of more than ${MAX_PATH_SEGMENTS} segments`
    : undefined;
}

/** Returns how many segments a path has, or undefined when the name is no path. */
function segmentCount(name: string): number | undefined {
  if (!isDottedPath(name)) return parseSingularQuery(name)?.length;
  const segments = name.split('.');
  return segments.includes('') || isPlaceholder(name) ? undefined : segments.length;
}

function isPlaceholder(name: string): boolean {
  return name.trimStart().startsWith('{{');
}

function misspelling(name: string): string {
  if (isPlaceholder(name)) return 'must name an attribute of the response, not a placeholder';
  if (name.startsWith('/')) return 'must not be a JSON pointer';
  if (SEVERAL_VALUES.test(name)) return 'must lead to one value, without wildcards, slices and filters';
  return 'must be a dotted path or a singular query of RFC 9535';
}

const SEVERAL_VALUES = /(?:^|[.[])\s*\*|\[\s*\?|\[[^'"\]]*[:,]|\.\./;

/** Returns the path that comes nearest to what a name wants to say, if a good one can be made of it. */
function nearestSpelling(name: string): string[] {
  const spelling = spell(readLoosely(name.trim()));
  const segments = segmentCount(spelling) ?? Infinity;
  const fits = segments <= MAX_PATH_SEGMENTS && Buffer.byteLength(spelling) <= MAX_ATTRIBUTE_NAME_BYTES;
  return fits ? [spelling] : [];
}

// A query that begins with a member name needs no `$`.
function spell(segments: readonly PathSegment[]): string {
  const query = printSingularQuery(segments);
  return query.startsWith('$.') ? query.slice(2) : query;
}

function readLoosely(text: string): PathSegment[] {
  if (isPlaceholder(text)) return looseSegments(text.replaceAll(/[{}\s]/g, ''));
  if (text.startsWith('/')) return text.slice(1).split('/').map(toPointerSegment);
  return looseSegments(text.replace(/^\$(?=[.[\s]|$)/, ''));
}

// RFC 6901, section 4.
function toPointerSegment(token: string): PathSegment {
  return toWordSegment(token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function toWordSegment(word: string): PathSegment {
  return /^-?[0-9]{1,15}$/.test(word) ? { index: Number(word) || 0 } : { key: word };
}

// A quoted name whose quote or bracket may be missing; a filter, which may hold brackets; anything else in brackets; a word.
const LOOSE_SEGMENT =
  /\[\s*(?:"(?<double>[^"]*)"?|'(?<single>[^']*)'?)\s*(?:,[^\]]*)?\]?|\[\s*\?(?<filter>(?:[^[\]]|\[[^\]]*\]?)*)\]?|\[(?<bracket>[^\]]*)\]?|(?<word>[^.[\]]+)/g;

function looseSegments(text: string): PathSegment[] {
  const segments = [...text.matchAll(LOOSE_SEGMENT)].map(({ groups = {} }) => toLooseSegment(groups));
  // Behind a wildcard at the end there is nothing to take from one item, so the whole list is meant.
  const last = segments.findLastIndex((segment) => segment !== 'some');
  return segments.slice(0, last + 1).map((segment) => (segment === 'some' ? { index: 0 } : segment));
}

// `some` stands for a part that finds several values. Its nearest spelling is the first of them.
function toLooseSegment(groups: Readonly<Record<string, string | undefined>>): PathSegment | 'some' {
  const { double, single, filter, bracket, word } = groups;
  const quoted = double ?? single;
  if (quoted !== undefined) return { key: quoted };
  if (filter !== undefined) return 'some';
  const text = (bracket ?? word ?? '').trim();
  if (text === '*' || text === '' || text.startsWith('(')) return 'some';
  if (bracket === undefined || !/[:,]/.test(text)) return toWordSegment(text);
  const first = /^[0-9]{1,15}/.exec(text)?.[0];
  return first === undefined ? 'some' : { index: Number(first) };
}
