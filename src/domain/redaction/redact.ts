import {
  FORM_ESCAPES,
  JSON_ESCAPES,
  PERCENT_ESCAPES,
  undoEscapes,
  XML_ESCAPES,
  type EscapeKind,
} from './decode-escapes.ts';
import { addSpan, createValueIndex, type SearchBudget, type Span, type ValueIndex } from './value-index.ts';

/** The text that stands in the place of a masked value, everywhere. */
export const MASK = '••••••';

/** Masks secrets and sensitive values. */
export interface Masker {
  /**
   * Masks them in a text. `endsEarly` says that the text was cut off before: then the beginning of a value at its very
   * end is masked too.
   */
  (text: string, endsEarly?: boolean): string;
  /**
   * Returns the name of a header in lower case. A name that holds a secret, in any case, is masked whole: servers change
   * the case of names. It is undefined where there is nothing to mask.
   */
  readonly headerName?: (name: string) => string;
}

// How often an echoed value may be escaped: a JSON text may lie inside of JSON, a URL inside of XML.
const MAX_LAYERS = 2;
// Values of fewer bytes are not looked for: masking them would spoil records and hide little.
const MIN_MASKED_BYTES = 8;

/**
 * Makes a masker of secrets and of the values of sensitive headers. Of such a value it also masks the part behind the
 * scheme word (of Basic: the decoded pair and its password). Values of at least 8 bytes are found raw, JSON-escaped,
 * percent-encoded, form-encoded and XML-escaped, however they are written, also where they overlap and where their UTF-8
 * was read as Latin-1. A text that takes too long to search, because it was made for that, is masked whole.
 */
export function createMasker(
  secretValues: readonly string[],
  sensitiveHeaderValues: readonly string[],
): Masker {
  const all = new Set([...secretValues, ...sensitiveHeaderValues.flatMap(partsOfHeader)]);
  const values = [...all].filter(isLongEnough).flatMap(readings);
  if (values.length === 0) return (text) => text;
  const kinds = kindsFor(values);
  let made: ValueIndex | undefined;
  const index = (): ValueIndex => (made ??= createValueIndex(values));
  const isAnyIn = createDetector(values, index);

  const find = (text: string, endsEarly: boolean, layers: number, budget: SearchBudget): Span[] => {
    const spans = [...index().findAll(text, budget)];
    if (endsEarly) spans.push(...findAtEnd(text, index(), budget));
    if (layers === 0) return spans;
    for (const kind of kinds) {
      const view = undoEscapes(text, kind);
      if (view === undefined) continue;
      const inside = find(view.text, endsEarly, layers - 1, budget);
      for (const [start, end] of inside) spans.push([view.sourceOf(start), view.sourceOf(end)]);
    }
    return spans;
  };
  const mask: Masker = (text, endsEarly = false) => {
    if (!endsEarly && !isAnyIn(text)) return text;
    const budget = budgetFor(text);
    const spans = find(text, endsEarly, MAX_LAYERS, budget);
    return budget.left < 0 ? MASK : replaced(text, merged(spans));
  };
  return Object.assign(mask, { headerName: createNameMasker(values, mask) });
}

/** Returns a masker that masks what either of two maskers masks. */
export function joinMaskers(one: Masker, other: Masker): Masker {
  const mask = (text: string, endsEarly?: boolean): string => other(one(text, endsEarly), endsEarly);
  const maskName = (name: string, { headerName }: Masker): string => headerName?.(name) ?? name.toLowerCase();
  return Object.assign(mask, { headerName: (name: string) => maskName(maskName(name, one), other) });
}

// RFC 9110, 5.6.2.
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

function createNameMasker(values: readonly string[], mask: Masker): (name: string) => string {
  const shortest = values.reduce((least, { length }) => Math.min(least, length), Infinity);
  let made: ValueIndex | undefined;
  return (name) => {
    const lower = name.toLowerCase();
    if (lower.length < shortest) return lower;
    made ??= createValueIndex(
      values.filter((value) => TOKEN.test(value)).map((value) => value.toLowerCase()),
    );
    if (made.isAnyIn(lower, budgetFor(lower))) return MASK;
    return lower.includes('%') ? mask(name).toLowerCase() : lower;
  };
}

// A text that nobody made for it takes a few comparisons for each value in it.
function budgetFor(text: string): SearchBudget {
  return { left: 4_096 + 8 * text.length };
}

function isLongEnough(value: string): boolean {
  return value.length >= MIN_MASKED_BYTES || Buffer.byteLength(value) >= MIN_MASKED_BYTES;
}

const BEYOND_ASCII = /[\u0080-\uffff]/;

// Header bytes are read and written as Latin-1 (RFC 9110, 5.5), but most servers write and read UTF-8. To them, a byte of
// ours that is no UTF-8 is U+FFFD.
function readings(value: string): string | string[] {
  if (!BEYOND_ASCII.test(value)) return value;
  const asLatin1 = Buffer.from(value).toString('latin1');
  return [value, asLatin1, Buffer.from(value, 'latin1').toString('utf8')];
}

// It masks "abc" of "Bearer abc" too, the decoded pair and password of "Basic …", and the value of each pair of a cookie.
function partsOfHeader(headerValue: string): string[] {
  const [, scheme = '', credentials = ''] = /^([^\s]+)[ \t]+(.+)$/s.exec(headerValue) ?? [];
  const pairs = [headerValue, credentials]
    .flatMap((list) => list.split(';'))
    .map((pair) => pair.slice(pair.indexOf('=') + 1).trim());
  const parts = [headerValue, credentials, ...pairs];
  if (scheme.toLowerCase() !== 'basic') return parts;
  const pair = Buffer.from(credentials, 'base64').toString('utf8');
  return [...parts, pair, pair.slice(pair.indexOf(':') + 1)];
}

/** Returns the kinds of escapes behind which these values may stand in a text. */
function kindsFor(values: readonly string[]): readonly EscapeKind[] {
  // No encoder escapes letters and digits: such values are written in one way only.
  if (values.every((value) => /^[A-Za-z0-9]*$/.test(value))) return [];
  const kinds = [JSON_ESCAPES, PERCENT_ESCAPES, XML_ESCAPES];
  return values.some((value) => value.includes(' ')) ? [...kinds, FORM_ESCAPES] : kinds;
}

// A plain value is ASCII without quotes, slashes, backslashes and control characters, which JSON writes as `\"`, `\/` or
// `\n`. So only a code (`\u0041`) or a backslash before a large letter (`\N`) can stand for a character of a plain value.
const PLAIN = /^[ !#-.0-[\]-~]*$/;

const PLAIN_ESCAPE = /\\(?:[Uu]00[0-7]|[BFNRT])/;

/**
 * Makes the quick test that most texts end at: it reports whether any of these values is in a text at all. It looks for
 * fewer values than a search does, behind fewer kinds of escapes, and keeps no places.
 */
function createDetector(values: readonly string[], index: () => ValueIndex): (text: string) => boolean {
  const wanted = innermost(values);
  const kinds = kindsFor(wanted);
  const isPlain = wanted.every((value) => PLAIN.test(value));
  const isOneIn = (text: string): boolean => {
    if (wanted.length * text.length > MAX_QUICK_LOOK) return index().isAnyIn(text, budgetFor(text));
    for (const value of wanted) if (text.includes(value)) return true;
    return false;
  };
  const isIn = (text: string, layers: number): boolean => {
    if (isOneIn(text)) return true;
    if (layers === 0) return false;
    for (const kind of kinds) {
      if (!text.includes(kind.mark)) continue;
      if (kind === JSON_ESCAPES && isPlain && !PLAIN_ESCAPE.test(text)) continue;
      const view = undoEscapes(text, kind);
      if (view !== undefined && isIn(view.text, layers - 1)) return true;
    }
    return false;
  };
  return (text) => isIn(text, MAX_LAYERS);
}

// For few values and short texts, `includes` is faster than the index by a factor of up to ten.
const MAX_QUICK_LOOK = 32 * 1024;

// More values than this are not compared with each other.
const MAX_COMPARED = 64;

// Returns the values that contain no other of the values. Each of the rest contains one of these, so a text without any of
// these contains none of the rest.
function innermost(values: readonly string[]): readonly string[] {
  return values.length > MAX_COMPARED
    ? values
    : values.filter((value) => !values.some((other) => other !== value && value.includes(other)));
}

const UNFINISHED = /(?:\\(?:u[0-9a-f]{0,3})?|(?:%[89a-f][0-9a-f]){0,3}(?:%[0-9a-f]?)?|&[#0-9a-z]{0,8})$/i;
const MAX_UNFINISHED = 12;

function findAtEnd(text: string, index: ValueIndex, budget: SearchBudget): Span[] {
  const unfinished = UNFINISHED.exec(text.slice(-MAX_UNFINISHED))?.[0].length ?? 0;
  return [text, text.slice(0, text.length - unfinished)].flatMap((kept): Span[] => {
    const start = index.findAtEnd(kept, budget);
    return start === undefined ? [] : [[start, text.length]];
  });
}

function merged(spans: readonly Span[]): Span[] {
  const result: [number, number][] = [];
  for (const span of spans.toSorted((a, b) => a[0] - b[0])) addSpan(result, span);
  return result;
}

function replaced(text: string, spans: readonly Span[]): string {
  let result = '';
  let done = 0;
  for (const [start, end] of spans) {
    result += text.slice(done, start) + MASK;
    done = end;
  }
  return result + text.slice(done);
}
