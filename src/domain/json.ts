import { MAX_JSON_DEPTH } from './limits.ts';

/** Any JSON value. Numbers are doubles, and keys keep their order. */
export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;

/** A JSON object. It never holds the key `__proto__`. */
export interface JsonObject {
  [key: string]: JsonValue;
}

/** The value that a path leads to, if there is one. */
export type Found = { readonly found: true; readonly value: JsonValue } | { readonly found: false };

const NOT_FOUND: Found = { found: false };

/**
 * Follows a path into a value: into objects by own key, into arrays by index (`0|[1-9][0-9]*`), and into nothing else,
 * so that neither `length` nor anything inherited is ever found. A path without segments leads to the value itself.
 * Null counts as found.
 */
export function lookUp(value: JsonValue, segments: readonly string[]): Found {
  let current = value;
  for (const segment of segments) {
    const next = step(current, segment);
    if (next === undefined) return NOT_FOUND;
    current = next;
  }
  return { found: true, value: current };
}

const INDEX = /^(?:0|[1-9][0-9]*)$/;

function step(value: JsonValue, segment: string): JsonValue | undefined {
  if (Array.isArray(value)) return INDEX.test(segment) ? value[Number(segment)] : undefined;
  if (value === null || typeof value !== 'object') return undefined;
  return Object.hasOwn(value, segment) ? value[segment] : undefined;
}

/**
 * Returns how deeply objects and arrays are nested: 0 for a scalar, 1 for `[]`. Any depth is safe: it does not recurse.
 */
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

function childrenOf(value: JsonValue): readonly JsonValue[] | undefined {
  if (value === null || typeof value !== 'object') return undefined;
  return Array.isArray(value) ? value : Object.values(value);
}

/**
 * Returns a copy as it is read back later: without the key `__proto__` at any depth, and with 0 for -0, which
 * ECMAScript's JSON can't write. So the first answer and every later one are equal. It recurses: check the depth first.
 */
export function asStored(value: JsonValue): JsonValue {
  if (value === null || typeof value !== 'object') return value === 0 ? 0 : value;
  return Array.isArray(value) ? value.map(asStored) : membersAsStored(value);
}

function membersAsStored(value: JsonObject): JsonObject {
  const copy: JsonObject = {};
  for (const key of Object.keys(value)) {
    if (key !== '__proto__') copy[key] = asStored(value[key] as JsonValue);
  }
  return copy;
}

/** Reports whether two JSON values are the same, in any order of keys. It recurses: check their depth first. */
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

/** Returns the bytes of a value as compact JSON in UTF-8. */
export function jsonBytes(value: JsonValue): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/**
 * Reports whether a value is larger than this as compact JSON. It looks at no more of the value than fits, so a large
 * value takes no longer than one of `maxBytes`. It recurses: the value must not be nested much deeper than 64.
 */
export function isLargerThan(value: JsonValue, maxBytes: number, keysOf: KeysOf = Object.keys): boolean {
  return jsonBound(value, maxBytes, keysOf) > maxBytes && bytesLeft(value, maxBytes, keysOf) < 0;
}

/**
 * Returns the keys of an object. To list 150,000 keys takes 20 ms. A caller that measures values which lie in one another
 * can remember the lists.
 */
export type KeysOf = (value: object) => readonly string[];

// Returns how many of these bytes the value leaves; where it takes them all, some negative number.
function bytesLeft(value: JsonValue, bytes: number, keysOf: KeysOf): number {
  if (typeof value === 'string' && value.length + 2 > bytes) return -1;
  if (value === null || typeof value !== 'object') return bytes - jsonBytes(value);
  return Array.isArray(value)
    ? bytesLeftByItems(value, bytes, keysOf)
    : bytesLeftByMembers(value, bytes, keysOf);
}

// Two brackets surround the items, and a comma follows each item but the last. Each item is counted with a comma. The
// comma too many stands for one bracket; an empty value has no item, so both of its brackets are counted here.
function bytesLeftByItems(items: readonly JsonValue[], bytes: number, keysOf: KeysOf): number {
  let left = items.length === 0 ? bytes - 2 : bytes - 1;
  for (let i = 0; i < items.length && left >= 0; i += 1)
    left = bytesLeft(items[i] as JsonValue, left - 1, keysOf);
  return left;
}

function bytesLeftByMembers(value: JsonObject, bytes: number, keysOf: KeysOf): number {
  const names = keysOf(value);
  let left = names.length === 0 ? bytes - 2 : bytes - 1;
  for (const name of names) {
    if (left < 0) break;
    left = bytesLeft(value[name] as JsonValue, bytesLeft(name, left - 2, keysOf), keysOf);
  }
  return left;
}

// A UTF-16 unit as JSON in UTF-8 takes 6 bytes at most, such as \u001f; a number 25, such as -0.0000012345678901234567.
const MAX_UNIT_BYTES = 6;
const MAX_NUMBER_BYTES = 25;
const MAX_LITERAL_BYTES = 'false'.length;

/** Returns an upper bound of the bytes of a text as JSON, with its quotes. */
export function textBound(text: string): number {
  return text.length * MAX_UNIT_BYTES + 2;
}

/**
 * Returns an upper bound of the bytes of a value as compact JSON. It returns Infinity where the value needs a closer
 * look: the bound is over `limit`, or the value is not plain JSON of the allowed depth that is read back as it is (a
 * number that is not finite or -0, a kind that JSON lacks, the key `__proto__`). It takes a fraction of the time of
 * writing the value, and no longer for a value over the limit. Any value is safe.
 */
export function jsonBound(value: unknown, limit: number, keysOf: KeysOf = Object.keys): number {
  const bytes = boundOf(value, limit, MAX_JSON_DEPTH, keysOf);
  return bytes > limit ? Infinity : bytes;
}

function boundOf(value: unknown, limit: number, depthLeft: number, keysOf: KeysOf): number {
  if (typeof value === 'string') return textBound(value);
  if (typeof value === 'number')
    return Number.isFinite(value) && !Object.is(value, -0) ? MAX_NUMBER_BYTES : Infinity;
  if (typeof value === 'boolean' || value === null) return MAX_LITERAL_BYTES;
  if (typeof value !== 'object' || depthLeft === 0) return Infinity;
  return Array.isArray(value)
    ? itemsBound(value, limit, depthLeft - 1, keysOf)
    : membersBound(value, limit, depthLeft - 1, keysOf);
}

function itemsBound(items: readonly unknown[], limit: number, depthLeft: number, keysOf: KeysOf): number {
  let bytes = 2;
  for (let i = 0; i < items.length; i += 1) {
    bytes += boundOf(items[i], limit, depthLeft, keysOf) + 1;
    if (bytes > limit) return Infinity;
  }
  return bytes;
}

function membersBound(value: object, limit: number, depthLeft: number, keysOf: KeysOf): number {
  if (Object.getPrototypeOf(value) !== Object.prototype) return Infinity;
  let bytes = 2;
  for (const key of keysOf(value)) {
    if (key === '__proto__') return Infinity;
    bytes += textBound(key) + boundOf((value as Record<string, unknown>)[key], limit, depthLeft, keysOf) + 2;
    if (bytes > limit) return Infinity;
  }
  return bytes;
}
