import { jsonBound, textBound } from './json-size.ts';
import { jsonBytes } from './json.ts';
import { MAX_VARIABLES_BYTES } from './limits.ts';
import type { JsonObject, JsonValue } from './json.ts';

/** Takes a value into a conversation's variables under this name, or reports that there is no room for it. */
export type TakeVariable = (name: string, value: JsonValue) => boolean;

// A member costs its quotes, colon and comma too; the last comma is one byte that the braces make up for.
function memberBytes(name: string, value: JsonValue): number {
  return jsonBytes(name) + jsonBytes(value) + 2;
}

function createExactRoom(variables: JsonObject): TakeVariable {
  const sizes = new Map(Object.entries(variables).map(([name, value]) => [name, memberBytes(name, value)]));
  let total = 1;
  for (const size of sizes.values()) total += size;
  return (name, value) => {
    const size = memberBytes(name, value);
    const after = total - (sizes.get(name) ?? 0) + size;
    if (after > MAX_VARIABLES_BYTES) return false;
    sizes.set(name, size);
    total = after;
    return true;
  };
}

/**
 * Makes the room beside these variables: values are taken as long as all of them together stay within 256 KiB. Sizes are
 * measured only when upper bounds no longer show that.
 */
export function createRoom(variables: JsonObject): TakeVariable {
  const taken: [name: string, value: JsonValue][] = [];
  let bound = jsonBound(variables, MAX_VARIABLES_BYTES);
  let exact: TakeVariable | undefined;
  return (name, value) => {
    bound += textBound(name) + jsonBound(value, MAX_VARIABLES_BYTES) + 2;
    if (bound > MAX_VARIABLES_BYTES) {
      exact ??= createExactRoom({ ...variables, ...Object.fromEntries(taken) });
      return exact(name, value);
    }
    taken.push([name, value]);
    return true;
  };
}
