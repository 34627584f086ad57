import { MAX_JSON_DEPTH } from './limits.ts';
import type { JsonValue } from './json.ts';

/** Returns the bytes of a value as compact JSON in UTF-8. */
export function jsonBytes(value: JsonValue): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** Reports whether a value is larger than this as compact JSON. It is written only where its bound leaves that open. */
export function isLargerThan(value: JsonValue, maxBytes: number): boolean {
  return jsonBound(value, maxBytes) > maxBytes && jsonBytes(value) > maxBytes;
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
export function jsonBound(value: unknown, limit: number): number {
  const bytes = boundOf(value, limit, MAX_JSON_DEPTH);
  return bytes > limit ? Infinity : bytes;
}

function boundOf(value: unknown, limit: number, depthLeft: number): number {
  if (typeof value === 'string') return textBound(value);
  if (typeof value === 'number')
    return Number.isFinite(value) && !Object.is(value, -0) ? MAX_NUMBER_BYTES : Infinity;
  if (typeof value === 'boolean' || value === null) return MAX_LITERAL_BYTES;
  if (typeof value !== 'object' || depthLeft === 0) return Infinity;
  return Array.isArray(value)
    ? itemsBound(value, limit, depthLeft - 1)
    : membersBound(value, limit, depthLeft - 1);
}

function itemsBound(items: readonly unknown[], limit: number, depthLeft: number): number {
  let bytes = 2;
  for (let i = 0; i < items.length; i += 1) {
    bytes += boundOf(items[i], limit, depthLeft) + 1;
    if (bytes > limit) return Infinity;
  }
  return bytes;
}

function membersBound(value: object, limit: number, depthLeft: number): number {
  if (Object.getPrototypeOf(value) !== Object.prototype) return Infinity;
  let bytes = 2;
  for (const key of Object.keys(value)) {
    if (key === '__proto__') return Infinity;
    bytes += textBound(key) + boundOf((value as Record<string, unknown>)[key], limit, depthLeft) + 2;
    if (bytes > limit) return Infinity;
  }
  return bytes;
}
