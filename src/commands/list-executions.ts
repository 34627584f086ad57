import type { Execution } from '../domain/execution.ts';
import type { Page } from '../store/agent-store.ts';
import type { ExecutionKey, ExecutionStore, ExecutionFilter } from '../store/execution-store.ts';

/** Asks for a page of executions, newest first. `pageSize` is 1 to 200; without `after` it is the first page. */
export interface ListExecutionsRequest {
  readonly filter: ExecutionFilter;
  readonly pageSize: number;
  /** The last execution of the page before, under the same filter. */
  readonly after: ExecutionKey | undefined;
}

/** Returns a page of the executions that match the filter, newest first. */
export function listExecutions(
  { store }: { readonly store: Pick<ExecutionStore, 'listExecutions'> },
  { filter, pageSize, after }: ListExecutionsRequest,
): Promise<Page<Execution, ExecutionKey>> {
  return store.listExecutions(filter, pageSize, after);
}
