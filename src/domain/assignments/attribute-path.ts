import type { JsonValue } from '../json.ts';
import { parseSingularQuery, type PathSegment } from './singular-query.ts';

/** An `attribute_name` that was taken apart once. */
export interface AttributePath {
  /** A key of a top-level object that goes before the segments: the whole text of a dotted path. */
  readonly literalKey?: string;
  readonly segments: readonly PathSegment[];
}

/** Reports whether a name is a dotted path (`customer.name`). Every other name has to be a singular query. */
export function isDottedPath(name: string): boolean {
  return !/^[$./\s]|[[\]*?]/.test(name);
}

/**
 * Compiles the name of an attribute. A stored name that the validation no longer takes is read as the dotted path that it
 * was.
 */
export function compileAttributePath(name: string): AttributePath {
  const query = isDottedPath(name) ? undefined : parseSingularQuery(name);
  return query === undefined
    ? { literalKey: name, segments: name.split('.').map(toDottedSegment) }
    : { segments: query };
}

const INDEX = /^(?:0|[1-9][0-9]*)$/;

function toDottedSegment(text: string): PathSegment {
  return INDEX.test(text) ? { key: text, index: Number(text) } : { key: text };
}

/**
 * Returns the value that a path leads to, or undefined where there is none. It goes into objects by own key and into arrays
 * by index, so that neither `length` nor anything inherited is ever found.
 */
export function readAttribute(
  body: JsonValue | undefined,
  { literalKey, segments }: AttributePath,
): JsonValue | undefined {
  if (literalKey !== undefined) {
    const literal = memberOf(body, literalKey);
    if (literal !== undefined) return literal;
  }
  let value = body;
  for (const { key, index } of segments) {
    if (Array.isArray(value)) value = index === undefined ? undefined : value.at(index);
    else value = key === undefined ? undefined : memberOf(value, key);
    if (value === undefined) return undefined;
  }
  return value;
}

/** Returns an own member of an object, or undefined. An array has no members. */
export function memberOf(value: JsonValue | undefined, key: string): JsonValue | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, key) ? value[key] : undefined;
}
