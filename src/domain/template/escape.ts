import type { JsonValue } from '../json.ts';

/** Writes a value so that it can't break out of the place where it lands. It takes well-formed values only. */
export type Escape = (value: JsonValue) => string;

/** Returns a value as text: numbers as ECMAScript writes them, null as nothing, objects and arrays as compact JSON. */
export function asText(value: JsonValue): string {
  if (typeof value === 'string') return value;
  if (value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Escapes a value for the path or the query of a URL, or for a form, with encodeURIComponent: a space is `%20`. */
export function percentEncode(value: JsonValue): string {
  return encodeURIComponent(asText(value));
}

/** Escapes a value for the path of a URL as {@link percentEncode} does, but its slashes stay. */
export function percentEncodePath(value: JsonValue): string {
  return percentEncode(value).replaceAll('%2F', '/');
}

/** Returns a value as JSON of its own type. */
export function asJson(value: JsonValue): string {
  return JSON.stringify(value);
}

/** Escapes a value for the inside of a JSON string. The quotes of the string are not part of the result. */
export function insideJsonString(value: JsonValue): string {
  return JSON.stringify(asText(value)).slice(1, -1);
}

const XML_ENTITY_OF: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Escapes a value for XML text or a quoted attribute (XML 1.0, 2.4). */
export function escapeXml(value: JsonValue): string {
  return asText(value).replace(/[&<>"']/g, (character) => XML_ENTITY_OF[character] as string);
}

// oxlint-disable-next-line no-control-regex -- control characters are what it is for
const NOT_IN_HEADERS = /[\u0000-\u001f\u007f-\u009f]|[^\u0000-\u00ff]/;

/** Reports whether a text may be a header's value: Latin-1 without control characters. Headers know no escapes. */
export function isHeaderText(text: string): boolean {
  return !NOT_IN_HEADERS.test(text);
}

/** Reports whether every string in a value, keys too, is well-formed. A lone surrogate has no UTF-8. */
export function isWellFormed(value: JsonValue): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (value === null || typeof value !== 'object') return true;
  if (Array.isArray(value)) return value.every(isWellFormed);
  return Object.keys(value).every((key) => key.isWellFormed() && isWellFormed(value[key] as JsonValue));
}
