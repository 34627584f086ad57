import { decodePageToken, encodePageToken } from '../domain/page-token.ts';
import type { JsonValue } from '../domain/types.ts';
import { validationFailed } from '../errors.ts';
import type { ExecutionFilter, ExecutionKey, ExecutionStore } from '../store/types.ts';
import { fillPage } from './fill-page.ts';
import type { ListExecutionsReply, ListExecutionsRequest } from './types.ts';

const CHUNK = 200;

/** Executions that match the filter, newest first, a page at a time. */
export const createListExecutions =
  (deps: { store: Pick<ExecutionStore, 'listExecutions'> }) =>
  async ({ filter, pageSize, pageToken }: ListExecutionsRequest): Promise<ListExecutionsReply> => {
    const page = await fillPage(
      {
        read: (limit, after) => deps.store.listExecutions(filter, limit, after),
        keyOf: ({ acceptedAtMs, executionUuid }) => ({ acceptedAtMs, executionUuid }),
        chunkSize: CHUNK,
      },
      pageSize,
      readToken(pageToken, filter),
    );
    return {
      executions: page.items,
      nextPageToken: page.next
        ? encodePageToken([page.next.acceptedAtMs, page.next.executionUuid], asJson(filter))
        : '',
    };
  };

const readToken = (token: string, filter: ExecutionFilter): ExecutionKey | undefined => {
  if (token === '') return undefined;
  const key = decodePageToken(token, asJson(filter));
  if (Array.isArray(key) && typeof key[0] === 'number' && typeof key[1] === 'string') {
    return { acceptedAtMs: key[0], executionUuid: key[1] };
  }
  throw validationFailed([
    { field: 'page_token', description: 'must be the next_page_token of a page with the same filter' },
  ]);
};

const asJson = (filter: ExecutionFilter): JsonValue => [
  'executions',
  JSON.parse(JSON.stringify(filter)) as JsonValue,
];
