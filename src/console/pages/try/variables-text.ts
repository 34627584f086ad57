import { readObject, refuseMore } from './read-json.ts';

const MAX_LINES = 1_000;

/**
 * Returns the variables of a text: a JSON object, or lines of the form `name=value`. A value is JSON if it can be read so,
 * else a text.
 * @throws Error with the end of a sentence about the text
 */
export function readVariables(text: string): Record<string, unknown> {
  if (text.trimStart().startsWith('{')) return readObject(text);
  const variables = new Map<string, unknown>();
  const lines = text.split('\n');
  if (lines.length > MAX_LINES) refuseMore(`${MAX_LINES} lines`);
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const at = line.indexOf('=');
    const name = line.slice(0, at).trim();
    if (at < 0 || name === '')
      throw new Error(`must be a JSON object or lines of name=value; line ${index + 1} is neither`);
    if (variables.has(name))
      throw new Error(`must name each variable once; line ${index + 1} names one again`);
    variables.set(name, valueOf(line.slice(at + 1).trim()));
  }
  return Object.fromEntries(variables);
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
