import { jsonDepth, type JsonValue } from '../../../domain/json.ts';

// What is nested deeper than the API allows gets its refusal from there. This only keeps the stack small.
const MAX_DEPTH = 64;

/** Returns the JSON value of a text. @throws Error with the end of a sentence about the text */
export function readJson(text: string): JsonValue {
  const value = parse(text);
  if (jsonDepth(value) > MAX_DEPTH) throw new Error(`must not be nested deeper than ${MAX_DEPTH}`);
  return value;
}

/** Returns a text that is a JSON object as that object. @throws Error with the end of a sentence about the text */
export function readObject(text: string): Record<string, unknown> {
  const value = readJson(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new Error('must be a JSON object, such as {"direction": "inbound"}');
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    throw new Error(`is not JSON: ${(error as Error).message.replaceAll('\n', ' ')}`, { cause: error });
  }
}
