import { decodePageToken, encodePageToken } from './page-token.ts';
import type { JsonValue } from '../domain/json.ts';
import { parseUuid } from '../domain/uuid.ts';
import type { ExecutionFilter, ExecutionKey } from '../store/execution-store.ts';

/** How one list writes the place where a page ended into its token, and reads it back. */
export interface PageTokens<Key> {
  /** The token of a place; empty for the end of the list. */
  write(next: Key | undefined): string;
  /** The place in a token that was given out for the same list and filter; undefined for any other text. */
  read(token: string): Key | undefined;
}

/** Tokens of `ListAgents`. */
export const agentTokens = (): PageTokens<string> => uuidTokens(['agents']);

/** Tokens of `ListWebhooks`, bound to its filter. */
export const webhookTokens = (agentUuid: string | undefined): PageTokens<string> =>
  uuidTokens(['webhooks', agentUuid ?? null]);

/** Tokens of `ListExecutions`, bound to its filter. */
export const executionTokens = (filter: ExecutionFilter): PageTokens<ExecutionKey> => {
  // By name, so that the order of the keys does not matter; what is undefined is left out.
  const asJson = JSON.parse(JSON.stringify(Object.entries(filter).toSorted())) as JsonValue;
  return {
    write: (next) =>
      next === undefined
        ? ''
        : encodePageToken([next.acceptedAtMs, next.executionUuid], ['executions', asJson]),
    read: (token) => {
      const key = decodePageToken(token, ['executions', asJson]);
      if (!Array.isArray(key)) return undefined;
      const [acceptedAtMs, executionUuid] = key;
      if (!Number.isSafeInteger(acceptedAtMs) || !isUuid(executionUuid)) return undefined;
      return { acceptedAtMs: acceptedAtMs as number, executionUuid };
    },
  };
};

const uuidTokens = (list: JsonValue): PageTokens<string> => ({
  write: (next) => (next === undefined ? '' : encodePageToken(next, list)),
  read: (token) => {
    const key = decodePageToken(token, list);
    return isUuid(key) ? key : undefined;
  },
});

const isUuid = (key: JsonValue | undefined): key is string =>
  typeof key === 'string' && parseUuid(key) === key;
