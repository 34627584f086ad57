import type { Execution } from '../domain/execution.ts';
import type { Page } from '../store/agent-store.ts';
import type { ExecutionKey, ExecutionStore, ExecutionFilter } from '../store/execution-store.ts';
import { fillPage } from './collect-page.ts';

/** A page of executions, newest first. `pageSize` is 1 to 200; without `after` it is the first page. */
export interface ListExecutionsRequest {
  readonly filter: ExecutionFilter;
  readonly pageSize: number;
  /** The last execution of the page before, under the same filter. */
  readonly after: ExecutionKey | undefined;
}

const CHUNK = 200;

/** Executions that match the filter, newest first, a page at a time. */
export function listExecutions(
  deps: { store: Pick<ExecutionStore, 'listExecutions'> },
  { filter, pageSize, after }: ListExecutionsRequest,
): Promise<Page<Execution, ExecutionKey>> {
  return fillPage(
    {
      read: (limit, key) => deps.store.listExecutions(filter, limit, key),
      keyOf: ({ acceptedAtMs, executionUuid }) => ({ acceptedAtMs, executionUuid }),
      chunkSize: CHUNK,
    },
    pageSize,
    after,
  );
}
