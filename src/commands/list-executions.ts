import type { Execution } from '../domain/types.ts';
import type { Page } from '../store/agent-store.ts';
import type { ExecutionKey, ExecutionStore } from '../store/execution-store.ts';
import { fillPage } from './collect-page.ts';
import type { ListExecutionsRequest } from './types.ts';

const CHUNK = 200;

/** Executions that match the filter, newest first, a page at a time. */
export const createListExecutions =
  (deps: { store: Pick<ExecutionStore, 'listExecutions'> }) =>
  ({ filter, pageSize, after }: ListExecutionsRequest): Promise<Page<Execution, ExecutionKey>> =>
    fillPage(
      {
        read: (limit, key) => deps.store.listExecutions(filter, limit, key),
        keyOf: ({ acceptedAtMs, executionUuid }) => ({ acceptedAtMs, executionUuid }),
        chunkSize: CHUNK,
      },
      pageSize,
      after,
    );
