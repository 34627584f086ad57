import { undoEscapes } from './decode-escapes.ts';
import { partAtEnd, periodOf } from './text-search.ts';
import { createDetector, kindsFor, MAX_LAYERS } from './value-detector.ts';

/** What a masked value reads as, everywhere. */
export const MASK = '••••••';

/**
 * Masks what must not be shown in a text. `endsEarly` says that the text was cut off before: then the beginning of a
 * value at its very end is masked too.
 */
export type Masker = (text: string, endsEarly?: boolean) => string;

/** Values of fewer bytes are not looked for: masking them would spoil records and hide little. */
export const MIN_MASKED_BYTES = 8;

type Span = readonly [start: number, end: number];

// A beginning shorter than this at the end of a text that was cut gives nothing away.
const MIN_PART = 4;
const UNFINISHED = /(?:\\(?:u[0-9a-f]{0,3})?|(?:%[89a-f][0-9a-f]){0,3}(?:%[0-9a-f]?)?|&[#0-9a-z]{0,8})$/i;

function findAll(text: string, value: string): Span[] {
  const spans: Span[] = [];
  let period: number | undefined;
  for (let at = text.indexOf(value); at !== -1;) {
    spans.push([at, at + value.length]);
    period ??= periodOf(value);
    at = text.indexOf(value, at + period);
  }
  return spans;
}

function findAtEnd(text: string, values: readonly string[]): Span[] {
  return [text, text.replace(UNFINISHED, '')].flatMap((kept): Span[] => {
    const longest = Math.max(...values.map((value) => partAtEnd(kept, value)));
    return longest < MIN_PART ? [] : [[kept.length - longest, text.length]];
  });
}

function merged(spans: readonly Span[]): Span[] {
  const result: [number, number][] = [];
  for (const [start, end] of spans.toSorted((a, b) => a[0] - b[0])) {
    const last = result.at(-1);
    if (last !== undefined && start < last[1]) last[1] = Math.max(last[1], end);
    else result.push([start, end]);
  }
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

// "Bearer abc" hides "abc" too; "Basic …" its decoded pair and password; a cookie the value of each pair.
function hiddenParts(headerValue: string): string[] {
  const [, scheme = '', credentials = ''] = /^([^\s]+)[ \t]+(.+)$/s.exec(headerValue) ?? [];
  const pairs = [headerValue, credentials]
    .flatMap((list) => list.split(';'))
    .map((pair) => pair.slice(pair.indexOf('=') + 1).trim());
  const parts = [headerValue, credentials, ...pairs];
  if (scheme.toLowerCase() !== 'basic') return parts;
  const pair = Buffer.from(credentials, 'base64').toString('utf8');
  return [...parts, pair, pair.slice(pair.indexOf(':') + 1)];
}

/**
 * Makes a masker of secrets and of the values of sensitive headers, of which also what follows the scheme word (of
 * Basic: the decoded pair and its password) is masked. Values of {@link MIN_MASKED_BYTES} or more are found raw,
 * JSON-escaped, percent-encoded, form-encoded and XML-escaped, in whatever spelling, also where they overlap.
 */
export function createMasker(
  secretValues: readonly string[],
  sensitiveHeaderValues: readonly string[],
): Masker {
  const all = new Set([...secretValues, ...sensitiveHeaderValues.flatMap(hiddenParts)]);
  const values = [...all].filter((value) => Buffer.byteLength(value) >= MIN_MASKED_BYTES);
  if (values.length === 0) return (text) => text;
  const kinds = kindsFor(values);
  const isAnyIn = createDetector(values);

  const find = (text: string, endsEarly: boolean, layers: number): Span[] => {
    const spans = values.flatMap((value) => findAll(text, value));
    if (endsEarly) spans.push(...findAtEnd(text, values));
    if (layers === 0) return spans;
    for (const kind of kinds) {
      const view = undoEscapes(text, kind);
      if (view === undefined) continue;
      const inside = find(view.text, endsEarly, layers - 1);
      for (const [start, end] of inside) spans.push([view.sourceOf(start), view.sourceOf(end)]);
    }
    return spans;
  };
  return (text, endsEarly = false) =>
    endsEarly || isAnyIn(text) ? replaced(text, merged(find(text, endsEarly, MAX_LAYERS))) : text;
}
