import type { JsonObject, JsonValue } from './types.ts';

/** What a path led to. */
export type Found = { readonly found: true; readonly value: JsonValue } | { readonly found: false };

const NOTHING: Found = { found: false };
const INDEX = /^(?:0|[1-9][0-9]*)$/;

const step = (value: JsonValue, segment: string): JsonValue | undefined => {
  if (Array.isArray(value)) return INDEX.test(segment) ? value[Number(segment)] : undefined;
  if (value === null || typeof value !== 'object') return undefined;
  return Object.hasOwn(value, segment) ? value[segment] : undefined;
};

/**
 * Follows a path into a value: objects by own key, arrays by index (`0|[1-9][0-9]*`), nothing else, so that neither
 * `length` nor anything inherited is ever found. No segments lead to the value itself; null counts as found.
 */
export const lookUp = (value: JsonValue, segments: readonly string[]): Found => {
  let current = value;
  for (const segment of segments) {
    const next = step(current, segment);
    if (next === undefined) return NOTHING;
    current = next;
  }
  return { found: true, value: current };
};

const childrenOf = (value: JsonValue): readonly JsonValue[] | undefined => {
  if (value === null || typeof value !== 'object') return undefined;
  return Array.isArray(value) ? value : Object.values(value);
};

/** How deeply objects and arrays are nested: a scalar has 0, `[]` has 1. Any depth is safe: it does not recurse. */
export const jsonDepth = (value: JsonValue): number => {
  let depth = 0;
  let level = childrenOf(value);
  while (level !== undefined) {
    depth += 1;
    let below: JsonValue[] | undefined;
    for (const child of level) {
      const children = childrenOf(child);
      if (children === undefined) continue;
      below ??= [];
      for (const grandchild of children) below.push(grandchild);
    }
    level = below;
  }
  return depth;
};

/** Bytes of the value as compact JSON in UTF-8. */
export const jsonBytes = (value: JsonValue): number => Buffer.byteLength(JSON.stringify(value));

const membersAsStored = (value: JsonObject): JsonObject => {
  const copy: JsonObject = {};
  for (const key of Object.keys(value)) {
    if (key !== '__proto__') copy[key] = asStored(value[key] as JsonValue);
  }
  return copy;
};

/**
 * A copy as it is read back later: without the key `__proto__` at any depth, and with 0 for -0, which ECMAScript's JSON
 * can't write, so that the first answer and every later one are equal. Recurses: check the depth first.
 */
export const asStored = (value: JsonValue): JsonValue => {
  if (value === null || typeof value !== 'object') return value === 0 ? 0 : value;
  return Array.isArray(value) ? value.map(asStored) : membersAsStored(value);
};
