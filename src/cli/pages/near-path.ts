import { compileAttributePath, memberOf } from '../../domain/assignments/attribute-path.ts';
import { printSingularQuery, type PathSegment } from '../../domain/assignments/singular-query.ts';
import type { JsonValue } from '../../domain/json.ts';
import { editDistance } from '../../config/nearest-name.ts';
import { plainLine } from '../frame/plain-text.ts';
import { shortJson } from './page.ts';
import { countText } from './words.ts';

const MAX_KEYS = 8;
const MAX_KEY_CHARS = 60;
const MAX_PLACES = 3;
const MAX_VISITED = 5_000;
// A path in an assignment has no more segments.
const MAX_DEPTH = 16;

/** Says what stands in a response where a path found nothing, or found a value that was not taken. */
export function whatStandsAt(body: JsonValue, attributeName: string): string {
  const { literalKey, segments } = compileAttributePath(attributeName);
  if (literalKey !== undefined && memberOf(body, literalKey) !== undefined)
    return `${plainLine(attributeName)} is ${describe(memberOf(body, literalKey) as JsonValue, '')}`;
  let value = body;
  for (const [index, segment] of segments.entries()) {
    const next = step(value, segment);
    if (next === undefined) {
      const here = `${name(segments.slice(0, index))} is ${describe(value, keyOf(segment))}`;
      return [here, ...elsewhere(body, segments)].join('; ');
    }
    value = next;
  }
  return `${name(segments)} is ${describe(value, '')}`;
}

// It is a step of `readAttribute`.
function step(value: JsonValue, { key, index }: PathSegment): JsonValue | undefined {
  if (Array.isArray(value)) return index === undefined ? undefined : value.at(index);
  return key === undefined ? undefined : memberOf(value, key);
}

function keyOf({ key, index }: PathSegment): string {
  return key ?? String(index);
}

function name(segments: readonly PathSegment[]): string {
  return segments.length === 0 ? 'the response' : plainLine(print(segments));
}

function print(segments: readonly PathSegment[]): string {
  // A segment of a dotted path can be a key and an index.
  const query = printSingularQuery(
    segments.map(({ key, index }) => (key === undefined ? { index: index ?? 0 } : { key })),
  );
  return query.replace(/^\$\.?/, '');
}

/** Describes a value. The keys of an object are listed, the one that is most like `wanted` first. */
function describe(value: JsonValue, wanted: string): string {
  if (value === null) return 'null';
  if (Array.isArray(value))
    return value.length === 0 ? 'an empty list' : `a list of ${countText(value.length, 'item')}, from [0] on`;
  if (typeof value !== 'object') return shortJson(value);
  const keys = Object.keys(value);
  if (keys.length === 0) return 'an empty object';
  const shown = nearest(keys.slice(0, MAX_VISITED), wanted).map((key) =>
    plainLine(key.slice(0, MAX_KEY_CHARS)),
  );
  const more = keys.length - shown.length;
  const list = `${shown.join(', ')}${more > 0 ? `, and ${more} more` : ''}`;
  return `an object with the ${keys.length === 1 ? 'key' : 'keys'} ${list}`;
}

function nearest(keys: readonly string[], wanted: string): string[] {
  return keys
    .map((key) => ({ key, edits: editDistance(plain(wanted), plain(key)) }))
    .toSorted((a, b) => a.edits - b.edits)
    .slice(0, MAX_KEYS)
    .map(({ key }) => key);
}

function plain(key: string): string {
  return key.slice(0, MAX_KEY_CHARS).toLowerCase().replaceAll(/[_-]/g, '');
}

/** Says where else the last key of the path stands in the response. */
function elsewhere(body: JsonValue, segments: readonly PathSegment[]): string[] {
  const wanted = segments.at(-1)?.key;
  if (wanted === undefined) return [];
  const places: string[] = [];
  const queue: { value: JsonValue; path: readonly PathSegment[] }[] = [{ value: body, path: [] }];
  for (let at = 0; at < queue.length && at < MAX_VISITED && places.length < MAX_PLACES; at += 1) {
    const { value, path } = queue[at] as (typeof queue)[number];
    for (const [segment, child] of childrenOf(value)) {
      const next = [...path, segment];
      if (segment.key !== undefined && plain(segment.key) === plain(wanted))
        places.push(plainLine(print(next)));
      if (
        typeof child === 'object' &&
        child !== null &&
        next.length < MAX_DEPTH &&
        queue.length < MAX_VISITED
      )
        queue.push({ value: child, path: next });
    }
  }
  return places.length === 0 ? [] : [`there is ${places.slice(0, MAX_PLACES).join(' and ')}`];
}

function childrenOf(value: JsonValue): [PathSegment, JsonValue][] {
  if (Array.isArray(value)) return value.slice(0, MAX_KEYS).map((item, index) => [{ index }, item]);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).map(([key, child]) => [{ key }, child]);
}
