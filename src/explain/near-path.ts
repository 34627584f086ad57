import { compileAttributePath, memberOf } from '../domain/assignments/attribute-path.ts';
import { printSingularQuery, type PathSegment } from '../domain/assignments/singular-query.ts';
import type { JsonObject, JsonValue } from '../domain/json.ts';
import { nearestKeys, plainKey } from './nearest-keys.ts';
import { findPlacesOfKeys } from './places-of-keys.ts';
import { countText, shortJson } from './words.ts';

const MAX_KEYS = 8;
const MAX_KEY_CHARS = 60;
const MAX_COMPARED = 5_000;
// It takes about 5 ms to spend it.
const COMPARE_BUDGET = 250_000;

/** What a value is. The keys of an object are listed, 8 at most, the one that is most like the missing one first. */
export type Standing =
  | { readonly kind: 'object'; readonly keys: readonly string[]; readonly moreKeys: number }
  | { readonly kind: 'list'; readonly length: number }
  /** `json` is cut when it is long. */
  | { readonly kind: 'value'; readonly json: string };

/** What stands in a response where a path found nothing, or found a value that was not taken. */
export interface NearPath {
  /** The path as far as it was found, such as `customer`. It is empty for the response itself. */
  readonly path: string;
  /** Reports whether the whole path was found. */
  readonly isFound: boolean;
  /** What stands at `path`. */
  readonly standing: Standing;
  /** Where else the last key of the path stands, 3 places at most. */
  readonly elsewhere: readonly string[];
}

/**
 * Makes a function that says what stands in a response at the path of an attribute. What it learns of the response it uses
 * again for the next path.
 */
export function createNearPath(body: JsonValue): (attributeName: string) => NearPath {
  const near = createNearestOf();
  let places: ReturnType<typeof findPlacesOfKeys> | undefined;
  const elsewhere = (segments: readonly PathSegment[]): readonly string[] => {
    const wanted = segments.at(-1)?.key;
    if (wanted === undefined) return [];
    return ((places ??= findPlacesOfKeys(body))(wanted) ?? []).map(print);
  };
  const found = (path: string, value: JsonValue): NearPath => ({
    ...{ path, isFound: true, standing: standingOf(value, '', near), elsewhere: [] },
  });
  return (attributeName) => {
    const { literalKey, segments } = compileAttributePath(attributeName);
    const literal = literalKey === undefined ? undefined : memberOf(body, literalKey);
    if (literal !== undefined) return found(attributeName, literal);
    let value = body;
    for (const [index, segment] of segments.entries()) {
      const next = step(value, segment);
      if (next === undefined) {
        const path = print(segments.slice(0, index));
        const standing = standingOf(value, keyOf(segment), near);
        return { path, isFound: false, standing, elsewhere: elsewhere(segments) };
      }
      value = next;
    }
    return found(print(segments), value);
  };
}

/** Returns the words for what stands at a path, without a full stop. */
export function nearPathText({ path, standing, elsewhere }: NearPath): string {
  const here = `${path === '' ? 'the response' : path} is ${standingText(standing)}`;
  return elsewhere.length === 0 ? here : `${here}; there is ${elsewhere.join(' and ')}`;
}

function standingText(standing: Standing): string {
  if (standing.kind === 'value') return standing.json;
  if (standing.kind === 'list') {
    const { length } = standing;
    return length === 0 ? 'an empty list' : `a list of ${countText(length, 'item')}, from [0] on`;
  }
  const { keys, moreKeys } = standing;
  if (keys.length === 0) return 'an empty object';
  const more = moreKeys > 0 ? `, and ${moreKeys} more` : '';
  return `an object with the ${keys.length + moreKeys === 1 ? 'key' : 'keys'} ${keys.join(', ')}${more}`;
}

// It is a step of `readAttribute`.
function step(value: JsonValue, { key, index }: PathSegment): JsonValue | undefined {
  if (Array.isArray(value)) return index === undefined ? undefined : value.at(index);
  return key === undefined ? undefined : memberOf(value, key);
}

function keyOf({ key, index }: PathSegment): string {
  return key ?? String(index);
}

function print(segments: readonly PathSegment[]): string {
  // A segment of a dotted path can be a key and an index.
  const query = printSingularQuery(
    segments.map(({ key, index }) => (key === undefined ? { index: index ?? 0 } : { key })),
  );
  return query.replace(/^\$\.?/, '');
}

type NearestOf = (value: JsonObject, wanted: string) => { keys: readonly string[]; moreKeys: number };

function standingOf(value: JsonValue, wanted: string, nearestOf: NearestOf): Standing {
  if (Array.isArray(value)) return { kind: 'list', length: value.length };
  if (typeof value !== 'object' || value === null) return { kind: 'value', json: shortJson(value) };
  const { keys, moreKeys } = nearestOf(value, wanted);
  return { kind: 'object', keys: keys.map(cut), moreKeys };
}

function cut(key: string): string {
  return key.length > MAX_KEY_CHARS ? `${key.slice(0, MAX_KEY_CHARS)}…` : key;
}

interface ComparedKeys {
  readonly keys: readonly string[];
  readonly plainKeys: readonly string[];
  /** How many keys the object has. Not all of them are compared. */
  readonly count: number;
  /** What it costs to compare them once: their characters, and 10 for each key. */
  readonly cost: number;
}

// The assignments of a webhook often miss in the same object. A response that was made to be slow has its keys compared until
// the budget is spent, and then listed in their order.
function createNearestOf(): NearestOf {
  const known = new Map<JsonObject, ComparedKeys>();
  let budget = COMPARE_BUDGET;
  return (value, wanted) => {
    const compared = known.get(value) ?? comparedKeys(value);
    known.set(value, compared);
    const { keys, plainKeys, count, cost } = compared;
    const isCompared = cost <= budget;
    if (isCompared) budget -= cost;
    const shown = isCompared ? nearestKeys(keys, plainKeys, wanted, MAX_KEYS) : keys.slice(0, MAX_KEYS);
    return { keys: shown, moreKeys: count - shown.length };
  };
}

function comparedKeys(value: JsonObject): ComparedKeys {
  const all = Object.keys(value);
  const keys = all.slice(0, MAX_COMPARED);
  const plainKeys = keys.map(plainKey);
  return {
    keys,
    plainKeys,
    count: all.length,
    cost: plainKeys.reduce((sum, key) => sum + key.length + 10, 0),
  };
}
