import { CallhooksError, type Reason } from '../../errors.ts';
import type { Execution } from '../../domain/execution.ts';
import type { ExecutionStore } from '../../store/execution-store.ts';
import type { RequestContext } from '../request-context.ts';

/**
 * Refuses what a running webhook calls: an endpoint that starts calls while it is asked would go round for ever.
 * @throws CallhooksError WEBHOOK_CHAINING while one of the named executions is sending
 */
export const refuseChaining = async (
  store: Pick<ExecutionStore, 'isSending'>,
  { callingExecutionUuids }: RequestContext,
): Promise<void> => {
  for (const executionUuid of callingExecutionUuids) {
    if (!(await store.isSending(executionUuid))) continue;
    const subject = `executions/${executionUuid}`;
    const description = 'the call comes from within this execution, which is still sending';
    throw new CallhooksError('WEBHOOK_CHAINING', description, { preconditions: [{ subject, description }] });
  }
};

/** @throws CallhooksError CONVERSATION_AGENT_MISMATCH when a row of the conversation belongs to another agent */
export const refuseOtherAgent = (rows: readonly Execution[], agentUuid: string): void => {
  const other = rows.find((row) => row.agentUuid !== agentUuid);
  if (other !== undefined) throw otherAgent(other.conversationUuid);
};

/** The answer for a conversation of which retention left only the key. */
export const conversationPurged = (conversationUuid: string): CallhooksError => {
  const subject = `conversations/${conversationUuid}`;
  const description = 'the conversation was purged; its webhook is not run again';
  return new CallhooksError('CONVERSATION_PURGED', description, {
    preconditions: [{ subject, description }],
  });
};

/** The answer for an agent that is not there. */
export const agentNotFound = (agentUuid: string): CallhooksError =>
  new CallhooksError('AGENT_NOT_FOUND', `there is no agent ${agentUuid}`, {
    resource: { type: 'agent', name: agentUuid },
  });

/** The answer to a caller whose deadline leaves no time for a request. */
export const deadlineTooShort = (): CallhooksError =>
  new CallhooksError('DEADLINE_TOO_SHORT', 'the deadline leaves less than 100 ms; nothing was sent');

/** The answer to a caller who went away before the claim: nothing is left behind. */
export const callerIsGone = (): CallhooksError =>
  new CallhooksError('DEADLINE_TOO_SHORT', 'the caller went away before the claim; nothing was sent');

/** What would stop a new execution, but not the answer to a recorded one. */
const OF_NEW_EXECUTIONS: readonly Reason[] = [
  'AGENT_NOT_FOUND',
  'KEY_UNAVAILABLE',
  'DEADLINE_TOO_SHORT',
  'VALIDATION_FAILED',
];

/** Whether an error only says why a new execution can't run: a call that is on record is answered all the same. */
export const stopsNewExecutionsOnly = (error: unknown): boolean =>
  error instanceof CallhooksError && OF_NEW_EXECUTIONS.includes(error.reason);

/** The answer for a conversation that belongs to another agent. */
export const otherAgent = (conversationUuid: string): CallhooksError => {
  const subject = `conversations/${conversationUuid}`;
  const description = 'the conversation belongs to another agent';
  return new CallhooksError('CONVERSATION_AGENT_MISMATCH', description, {
    preconditions: [{ subject, description }],
  });
};
