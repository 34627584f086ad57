import type { JsonValue } from '../../../domain/json.ts';

// What is nested deeper than the API allows gets its refusal from there. This only keeps the stack small.
const MAX_DEPTH = 64;
// Turning so many values into a message and back takes 5 ms.
const MAX_VALUES = 2_000;

/** Returns the JSON value of a text. @throws Error with the end of a sentence about the text */
export function readJson(text: string): JsonValue {
  const value = parse(text);
  refuseLarge(value);
  return value;
}

/** Returns a text that is a JSON object as that object. @throws Error with the end of a sentence about the text */
export function readObject(text: string): Record<string, unknown> {
  const value = readJson(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new Error('must be a JSON object, such as {"direction": "inbound"}');
}

/** Refuses a text that is larger than a page may read. `limit` says what it has too much of. @throws Error always */
export function refuseMore(limit: string): never {
  throw new Error(`must not have more than ${limit} here; callhooks try takes more`);
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    throw new Error(`is not JSON: ${(error as Error).message.replaceAll('\n', ' ')}`, { cause: error });
  }
}

function refuseLarge(value: JsonValue): void {
  let level = [value];
  let count = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) throw new Error(`must not be nested deeper than ${MAX_DEPTH}`);
    const below: JsonValue[] = [];
    for (const each of level) {
      count += 1;
      if (count > MAX_VALUES) refuseMore(`${MAX_VALUES} values`);
      if (typeof each !== 'object' || each === null) continue;
      for (const child of Array.isArray(each) ? each : Object.values(each)) below.push(child);
    }
    level = below;
  }
}
