import type { MissReason } from '../execution.ts';
import { isLargerThan, jsonBound, jsonDepth, type JsonValue, type KeysOf } from '../json.ts';
import { MAX_JSON_DEPTH, MAX_VARIABLE_BYTES } from '../limits.ts';

/** Returns why a value can't be that of a dynamic variable, or undefined. */
export type CheckValue = (value: JsonValue) => MissReason | undefined;

/**
 * Makes the check of values by their own size and depth. It measures a value that may be too large once, however many rules
 * find it, and looks at no more of a value than may be assigned: the values that rules find may lie in one another.
 */
export function createValueCheck(): CheckValue {
  const checked = new Map<JsonValue, MissReason | undefined>();
  const keysOf = createKeysOf();
  return (value) => {
    if (checked.has(value)) return checked.get(value);
    if (jsonBound(value, MAX_VARIABLE_BYTES, keysOf) <= MAX_VARIABLE_BYTES) return undefined;
    const reason = isLargerThan(value, MAX_VARIABLE_BYTES, keysOf)
      ? 'too_large'
      : jsonDepth(value) > MAX_JSON_DEPTH
        ? 'too_deep'
        : undefined;
    checked.set(value, reason);
    return reason;
  };
}

function createKeysOf(): KeysOf {
  const known = new Map<object, readonly string[]>();
  return (value) => {
    const keys = known.get(value) ?? Object.keys(value);
    known.set(value, keys);
    return keys;
  };
}
