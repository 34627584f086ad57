/**
 * Returns the text of a dynamic variable for people: for a greeting, a prompt or a line on a screen. It is what a
 * placeholder of a webhook makes of the value within a text: a number as ECMAScript writes it (3, never 3.0), null and
 * undefined as nothing, an object or a list as compact JSON.
 */
export function toText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}
