/** Any JSON value; numbers are doubles, keys keep their order. */
export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;

/** A JSON object. Never holds the key `__proto__`. */
export interface JsonObject {
  [key: string]: JsonValue;
}

/** What a path led to. */
export type Found = { readonly found: true; readonly value: JsonValue } | { readonly found: false };

const NOTHING: Found = { found: false };
const INDEX = /^(?:0|[1-9][0-9]*)$/;

function step(value: JsonValue, segment: string): JsonValue | undefined {
  if (Array.isArray(value)) return INDEX.test(segment) ? value[Number(segment)] : undefined;
  if (value === null || typeof value !== 'object') return undefined;
  return Object.hasOwn(value, segment) ? value[segment] : undefined;
}

/**
 * Follows a path into a value: objects by own key, arrays by index (`0|[1-9][0-9]*`), nothing else, so that neither
 * `length` nor anything inherited is ever found. No segments lead to the value itself; null counts as found.
 */
export function lookUp(value: JsonValue, segments: readonly string[]): Found {
  let current = value;
  for (const segment of segments) {
    const next = step(current, segment);
    if (next === undefined) return NOTHING;
    current = next;
  }
  return { found: true, value: current };
}

function childrenOf(value: JsonValue): readonly JsonValue[] | undefined {
  if (value === null || typeof value !== 'object') return undefined;
  return Array.isArray(value) ? value : Object.values(value);
}

/** How deeply objects and arrays are nested: a scalar has 0, `[]` has 1. Any depth is safe: it does not recurse. */
export function jsonDepth(value: JsonValue): number {
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
}

/** Bytes of the value as compact JSON in UTF-8. */
export function jsonBytes(value: JsonValue): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function membersAsStored(value: JsonObject): JsonObject {
  const copy: JsonObject = {};
  for (const key of Object.keys(value)) {
    if (key !== '__proto__') copy[key] = asStored(value[key] as JsonValue);
  }
  return copy;
}

/**
 * A copy as it is read back later: without the key `__proto__` at any depth, and with 0 for -0, which ECMAScript's JSON
 * can't write, so that the first answer and every later one are equal. Recurses: check the depth first.
 */
export function asStored(value: JsonValue): JsonValue {
  if (value === null || typeof value !== 'object') return value === 0 ? 0 : value;
  return Array.isArray(value) ? value.map(asStored) : membersAsStored(value);
}

/** Whether two JSON values are the same; the order of keys does not matter. Recurses: check their depth first. */
export function sameJson(one: JsonValue | undefined, other: JsonValue | undefined): boolean {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => sameMember(one, other, name));
}

function sameMember(one: object, other: object, name: string): boolean {
  return (
    Object.hasOwn(other, name) &&
    sameJson((one as Record<string, JsonValue>)[name], (other as Record<string, JsonValue>)[name])
  );
}
