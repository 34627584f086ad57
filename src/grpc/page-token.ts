import type { JsonValue } from '../domain/json.ts';

/** Far more than any key needs: a longer text is not looked at. */
const MAX_TOKEN_CHARS = 2048;
const CHECK_CHARS = 8;

// FNV-1a, 32 bits, over UTF-16 units. It tells filters apart and catches typing errors; it guards nothing, because a
// token gives no right that its caller lacks.
const checkOf = (filter: JsonValue, key: string): string => {
  let hash = 0x811c9dc5;
  const text = `${JSON.stringify(filter)}\n${key}`;
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(CHECK_CHARS, '0');
};

/**
 * An opaque token for the place in a list after `key`, good only for the same filter (with its keys in the same order).
 * The key is readable to whoever holds the token. Throws for a key too long to come back.
 */
export const encodePageToken = (key: JsonValue, filter: JsonValue): string => {
  const text = JSON.stringify(key);
  const token = Buffer.from(checkOf(filter, text) + text).toString('base64url');
  if (token.length > MAX_TOKEN_CHARS) throw new RangeError('the key of a page is too long for its token');
  return token;
};

/** The key of a token made for this filter; undefined for everything else. Its shape is still to be checked. */
export const decodePageToken = (token: string, filter: JsonValue): JsonValue | undefined => {
  if (token.length > MAX_TOKEN_CHARS) return undefined;
  const text = Buffer.from(token, 'base64url').toString();
  const key = text.slice(CHECK_CHARS);
  if (text.slice(0, CHECK_CHARS) !== checkOf(filter, key)) return undefined;
  try {
    return JSON.parse(key) as JsonValue;
  } catch {
    return undefined;
  }
};
