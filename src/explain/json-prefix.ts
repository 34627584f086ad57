import type { JsonValue } from '../domain/json.ts';

/**
 * Parses JSON text that may have been cut off somewhere: it leaves out the value that is not complete, and closes what is
 * open. Returns undefined for everything else that is not JSON.
 */
export function parseJsonPrefix(text: string): JsonValue | undefined {
  return parse(text) ?? parse(closed(text));
}

function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

/** Returns the text up to the end of its last complete value, with the brackets that close it. */
function closed(text: string): string {
  const open: string[] = [];
  let end = 0;
  let inText = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] as string;
    if (inText) {
      if (character === '\\') at += 1;
      else if (character === '"') inText = false;
      continue;
    }
    if (character === '"') inText = true;
    else if (character === '{' || character === '[') open.push(character === '{' ? '}' : ']');
    else if (character === '}' || character === ']') open.pop();
    // In front of a comma, and behind every bracket, all that was begun is complete.
    if ('{}[],'.includes(character)) end = character === ',' ? at : at + 1;
  }
  return text.slice(0, end) + open.toReversed().join('');
}
