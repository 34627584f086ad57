import type { Execution, ExecutionRecord } from '../domain/execution.ts';
import { withAssigned, type Variables } from '../domain/variables.ts';
import { CallhooksError } from '../errors.ts';
import type { ExecutionStore } from '../store/execution-store.ts';

/** One execution by its uuid. */
export interface GetExecutionRequest {
  readonly executionUuid: string;
}

/** An execution with its recorded request, response and variables. */
export interface GetExecutionReply {
  readonly execution: Execution;
  readonly record: ExecutionRecord;
  /** The variables after a pre-call, as the reply of its start has them. It is undefined while there is no such reply. */
  readonly variables: Variables | undefined;
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
  if (found !== undefined && found.execution.state !== 'no_webhook') {
    const { execution, record, start } = found;
    const hasReply = start !== undefined && execution.decision !== undefined;
    return { execution, record, variables: hasReply ? withAssigned(start) : undefined };
  }
  throw new CallhooksError('EXECUTION_NOT_FOUND', `there is no execution ${executionUuid}`, {
    resource: { type: 'execution', name: executionUuid },
  });
}
