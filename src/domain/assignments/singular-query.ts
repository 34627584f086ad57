/**
 * One segment of a path into a JSON value. `key` finds a member of an object, `index` an item of an array; a negative index
 * counts from the end. A segment with both finds either.
 */
export interface PathSegment {
  readonly key?: string;
  readonly index?: number;
}

// The grammar of RFC 9535, sections 2.1.1, 2.3.1, 2.3.3 and 2.5.1. Each alternative begins with a character of its own, so
// that no text is read twice.
const BLANKS = String.raw`[ \t\n\r]*`;
const NAME_FIRST = String.raw`A-Za-z_\u{80}-\u{10FFFF}`;
const NAME = `[${NAME_FIRST}][${NAME_FIRST}0-9]*`;
const ESCAPE = String.raw`[bfnrt/\\]|u[0-9A-Fa-f]{4}`;
const INDEX = '0|-?[1-9][0-9]*';
const DOUBLE_QUOTED = String.raw`(?:[^"\\\u{0}-\u{1F}]|\\(?:"|${ESCAPE}))*`;
const SINGLE_QUOTED = String.raw`(?:[^'\\\u{0}-\u{1F}]|\\(?:'|${ESCAPE}))*`;
const SELECTOR = `(?<index>${INDEX})|"(?<double>${DOUBLE_QUOTED})"|'(?<single>${SINGLE_QUOTED})'`;
const SEGMENT = new RegExp(
  `${BLANKS}(?:\\.(?<member>${NAME})|\\[${BLANKS}(?:${SELECTOR})${BLANKS}\\])`,
  'uy',
);

/**
 * Reads a query that finds one value at most (RFC 9535, section 2.3.5.1): names and indices, but no wildcards, slices,
 * filters or descendants. Blanks may stand where any query may have them. The leading `$` may be left out. Returns
 * undefined for every other text.
 */
export function parseSingularQuery(text: string): readonly PathSegment[] | undefined {
  const query = withRoot(text);
  const segments: PathSegment[] = [];
  let at = 1;
  while (at < query.length) {
    SEGMENT.lastIndex = at;
    const segment = toSegment(SEGMENT.exec(query)?.groups ?? {});
    if (segment === undefined) return undefined;
    segments.push(segment);
    at = SEGMENT.lastIndex;
  }
  return segments;
}

function withRoot(text: string): string {
  if (text.startsWith('$')) return text;
  return text.startsWith('[') ? `$${text}` : `$.${text}`;
}

function toSegment(groups: Readonly<Record<string, string | undefined>>): PathSegment | undefined {
  const { member, index, double, single } = groups;
  if (member !== undefined) return { key: member };
  if (index !== undefined) return indexSegment(Number(index));
  if (double !== undefined) return keySegment(double);
  // JSON escapes the other quote.
  return single === undefined
    ? undefined
    : keySegment(single.replaceAll(/\\'|"/g, (it) => (it === '"' ? '\\"' : "'")));
}

function indexSegment(index: number): PathSegment | undefined {
  return Number.isSafeInteger(index) ? { index } : undefined;
}

// Half of a surrogate pair is no character, so it can't be a part of a key.
function keySegment(jsonText: string): PathSegment | undefined {
  const key = JSON.parse(`"${jsonText}"`) as string;
  return key.isWellFormed() ? { key } : undefined;
}

const MEMBER_NAME = new RegExp(`^${NAME}$`, 'u');

/** Returns the query of these segments, with its leading `$`: `$.records[-1]["Account.Name"]`. */
export function printSingularQuery(segments: readonly PathSegment[]): string {
  return `$${segments.map(printSegment).join('')}`;
}

function printSegment({ key = '', index }: PathSegment): string {
  if (index !== undefined) return `[${index}]`;
  return MEMBER_NAME.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}
