import type { EndedExecutions } from '../engine/ended-executions/ended-executions.ts';
import type { EndedUpdate } from '../engine/ended-executions/watcher.ts';
import type { ExecutionFilter } from '../store/execution-store.ts';

/** Asks for the executions that end from now on, or that have ended since `finishedFromMs`. */
export interface WatchExecutionsRequest {
  readonly filter: ExecutionFilter;
  /** In epoch milliseconds. */
  readonly finishedFromMs: number | undefined;
}

/**
 * Returns the executions that match the filter as they end: a first update at once, and then at most one a second. Whoever
 * reads slowly gets the number of those that were dropped. The updates end when the signal is aborted, which every reader
 * has to do when it wants no more.
 * @throws CallhooksError LIMIT_REACHED, SHUTTING_DOWN; DatabaseError while the database is away at the beginning
 */
export function watchExecutions(
  { endedExecutions }: { readonly endedExecutions: Pick<EndedExecutions, 'watch'> },
  { filter, finishedFromMs }: WatchExecutionsRequest,
  { signal }: { readonly signal: AbortSignal },
): AsyncIterable<EndedUpdate> {
  return endedExecutions.watch(filter, finishedFromMs, signal);
}
