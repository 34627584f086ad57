import type { Execution, ExecutionRecord } from '../domain/execution.ts';
import { CallhooksError } from '../errors.ts';
import type { ExecutionStore } from '../store/execution-store.ts';

/** One execution by its uuid. */
export interface GetExecutionRequest {
  readonly executionUuid: string;
}

/** An execution with its recorded request, response and assigned variables. */
export interface GetExecutionReply {
  readonly execution: Execution;
  readonly record: ExecutionRecord;
}

/**
 * One execution with what was recorded of it.
 * @throws CallhooksError EXECUTION_NOT_FOUND
 */
export async function getExecution(
  deps: { store: Pick<ExecutionStore, 'findExecution'> },
  { executionUuid }: GetExecutionRequest,
): Promise<GetExecutionReply> {
  const found = await deps.store.findExecution(executionUuid);
  if (found !== undefined && found.execution.state !== 'no_webhook') return found;
  throw new CallhooksError('EXECUTION_NOT_FOUND', `there is no execution ${executionUuid}`, {
    resource: { type: 'execution', name: executionUuid },
  });
}
