import type { JsonValue } from '../json.ts';

/** Writes a value so that it can't leave the place it lands in. Takes well-formed values only. */
export type Spell = (value: JsonValue) => string;

/** A value as text: numbers as ECMAScript writes them, null as nothing, objects and arrays as compact JSON. */
export const textOf: Spell = (value) => {
  if (typeof value === 'string') return value;
  if (value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
};

/** A value in a URL or a form: encodeURIComponent, so a space is `%20`. */
export const percentEncoded: Spell = (value) => encodeURIComponent(textOf(value));

/** A value as JSON with its type. */
export const asJson: Spell = (value) => JSON.stringify(value);

/** A value as a part of a JSON string, without the quotes. */
export const insideJsonString: Spell = (value) => JSON.stringify(textOf(value)).slice(1, -1);

const XML_ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** A value in XML text or a quoted attribute (XML 1.0, 2.4). */
export const xmlEscaped: Spell = (value) =>
  textOf(value).replace(/[&<>"']/g, (character) => XML_ESCAPES[character] as string);

/** Whether every string in the value, keys too, is well-formed: a lone surrogate has no UTF-8. */
export function isWellFormed(value: JsonValue): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (value === null || typeof value !== 'object') return true;
  if (Array.isArray(value)) return value.every(isWellFormed);
  return Object.keys(value).every((key) => key.isWellFormed() && isWellFormed(value[key] as JsonValue));
}
