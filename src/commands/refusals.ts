import type { Execution } from '../domain/execution.ts';
import { CallhooksError, validationFailed, type Reason, type Violation } from '../errors.ts';
import type { ExecutionStore } from '../store/execution-store.ts';
import type { RequestContext } from './request-context.ts';

/**
 * Refuses a request that breaks rules.
 * @throws CallhooksError VALIDATION_FAILED with all of these violations, if there is one
 */
export function refuseViolations(violations: readonly Violation[]): void {
  if (violations.length > 0) throw validationFailed(violations);
}

/** Returns the refusal of a request for an agent that does not exist. */
export function agentNotFound(agentUuid: string): CallhooksError {
  return new CallhooksError('AGENT_NOT_FOUND', `there is no agent ${agentUuid}`, {
    resource: { type: 'agent', name: agentUuid },
  });
}

/** Returns the refusal of a request for a webhook that does not exist, or belongs to another agent. */
export function webhookNotFound(webhookUuid: string): CallhooksError {
  return new CallhooksError('WEBHOOK_NOT_FOUND', `there is no webhook ${webhookUuid}`, {
    resource: { type: 'webhook', name: webhookUuid },
  });
}

/**
 * Refuses a write whose writer has seen another revision than the stored one. An empty `expected` checks nothing.
 * @throws CallhooksError ETAG_MISMATCH
 */
export function refuseStaleEtag(expected: string, stored: { readonly etag: string }): void {
  if (expected === '' || expected === stored.etag) return;
  throw new CallhooksError(
    'ETAG_MISMATCH',
    'another writer has changed it: read it again and repeat the request',
  );
}

/**
 * Refuses a call that a running webhook makes: an endpoint that starts calls while it is asked would go round for ever.
 * @throws CallhooksError WEBHOOK_CHAINING while one of the named executions is sending
 */
export async function refuseChaining(
  store: Pick<ExecutionStore, 'isSending'>,
  { callingExecutionUuids }: RequestContext,
): Promise<void> {
  for (const executionUuid of callingExecutionUuids) {
    if (!(await store.isSending(executionUuid))) continue;
    const description = 'the call comes from within this execution, which is still sending';
    throw preconditionFailed('WEBHOOK_CHAINING', `executions/${executionUuid}`, description);
  }
}

/**
 * Refuses a call whose conversation belongs to another agent.
 * @throws CallhooksError CONVERSATION_AGENT_MISMATCH
 */
export function refuseOtherAgent(rows: readonly Execution[], agentUuid: string): void {
  const other = rows.find((row) => row.agentUuid !== agentUuid);
  if (other !== undefined) throw otherAgent(other.conversationUuid);
}

/** Returns the refusal of a call whose conversation belongs to another agent. */
export function otherAgent(conversationUuid: string): CallhooksError {
  const description = 'the conversation belongs to another agent';
  return preconditionFailed('CONVERSATION_AGENT_MISMATCH', `conversations/${conversationUuid}`, description);
}

/** Returns the refusal of a call whose conversation was purged, so that only its key is left. */
export function conversationPurged(conversationUuid: string): CallhooksError {
  const description = 'the conversation was purged; its webhook is not run again';
  return preconditionFailed('CONVERSATION_PURGED', `conversations/${conversationUuid}`, description);
}

function preconditionFailed(reason: Reason, subject: string, description: string): CallhooksError {
  return new CallhooksError(reason, description, { preconditions: [{ subject, description }] });
}

/** Returns the refusal of a call whose deadline leaves no time for a request. */
export function deadlineTooShort(): CallhooksError {
  return new CallhooksError('DEADLINE_TOO_SHORT', 'the deadline leaves less than 100 ms; nothing was sent');
}

// These stop a new execution, but not the answer to a recorded one.
const OF_NEW_EXECUTIONS: readonly Reason[] = [
  'AGENT_NOT_FOUND',
  'KEY_UNAVAILABLE',
  'DEADLINE_TOO_SHORT',
  'VALIDATION_FAILED',
];

/**
 * Reports whether an error only says why a new execution can't run. A call whose execution is on record is answered all
 * the same.
 */
export function stopsNewExecutionsOnly(error: unknown): boolean {
  return error instanceof CallhooksError && OF_NEW_EXECUTIONS.includes(error.reason);
}
