import type { JsonValue } from '../domain/json.ts';
import { parseUuid } from './requests/reader.ts';
import type { ExecutionFilter, ExecutionKey } from '../store/execution-store.ts';

/** Writes the place where a page of one list ended into a token, and reads it back. */
export interface PageTokens<Key> {
  /** Returns the token of a place, or an empty text at the end of the list. */
  write(next: Key | undefined): string;
  /** Returns the place in a token that was made for the same list and filter, or undefined for any other text. */
  read(token: string): Key | undefined;
}

/** Returns the tokens of `ListAgents`. */
export function agentTokens(): PageTokens<string> {
  return uuidTokens(['agents']);
}

/** Returns the tokens of `ListWebhooks`, bound to its filter. */
export function webhookTokens(agentUuid: string | undefined): PageTokens<string> {
  return uuidTokens(['webhooks', agentUuid ?? null]);
}

/** Returns the tokens of `ListExecutions`, bound to its filter. */
export function executionTokens(filter: ExecutionFilter): PageTokens<ExecutionKey> {
  // The fields are sorted by name, because their order must not matter. JSON leaves out those that are undefined.
  const asJson = JSON.parse(JSON.stringify(Object.entries(filter).toSorted())) as JsonValue;
  const list = ['executions', asJson];
  return {
    write: (next) =>
      next === undefined ? '' : encodePageToken([next.acceptedAtMs, next.executionUuid], list),
    read: (token) => {
      const key = decodePageToken(token, list);
      if (!Array.isArray(key)) return undefined;
      const [acceptedAtMs, executionUuid] = key;
      if (!Number.isSafeInteger(acceptedAtMs) || !isUuid(executionUuid)) return undefined;
      return { acceptedAtMs: acceptedAtMs as number, executionUuid };
    },
  };
}

function uuidTokens(list: JsonValue): PageTokens<string> {
  return {
    write: (next) => (next === undefined ? '' : encodePageToken(next, list)),
    read: (token) => {
      const key = decodePageToken(token, list);
      return isUuid(key) ? key : undefined;
    },
  };
}

function isUuid(key: JsonValue | undefined): key is string {
  return typeof key === 'string' && parseUuid(key) === key;
}

/** No key needs nearly as many characters. A longer text is refused before it is decoded. */
const MAX_TOKEN_CHARS = 2048;
const CHECKSUM_CHARS = 8;

/**
 * Returns an opaque token for the place after `key` in a list. It is valid only for the same filter, with its keys in
 * the same order. The client can read the key.
 * @throws RangeError when the token would be too long to be accepted again
 */
export function encodePageToken(key: JsonValue, filter: JsonValue): string {
  const text = JSON.stringify(key);
  const token = Buffer.from(checksum(filter, text) + text).toString('base64url');
  if (token.length > MAX_TOKEN_CHARS) throw new RangeError('the key of a page is too long for its token');
  return token;
}

/**
 * Returns the key of a token that was made for this filter, or undefined for any other text. The caller checks the shape
 * of the key.
 */
export function decodePageToken(token: string, filter: JsonValue): JsonValue | undefined {
  if (token.length > MAX_TOKEN_CHARS) return undefined;
  const text = Buffer.from(token, 'base64url').toString();
  const key = text.slice(CHECKSUM_CHARS);
  if (text.slice(0, CHECKSUM_CHARS) !== checksum(filter, key)) return undefined;
  try {
    return JSON.parse(key) as JsonValue;
  } catch {
    return undefined;
  }
}

// FNV-1a, 32 bits, over UTF-16 units. It tells filters apart and detects typing errors. It protects nothing, because a
// token grants no right that its caller lacks.
function checksum(filter: JsonValue, key: string): string {
  let hash = 0x811c9dc5;
  const text = `${JSON.stringify(filter)}\n${key}`;
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(CHECKSUM_CHARS, '0');
}
