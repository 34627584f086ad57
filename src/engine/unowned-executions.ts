import { observedFailure, type Failure } from '../domain/failures.ts';
import type { ExecutionNames, ExecutionStore } from '../store/execution-store.ts';
import type { ExecutionLine } from './webhook-run/outcome.ts';

/** What is known of the end of an execution that has no owner. */
export type UnownedEnd = Pick<Failure, 'code' | 'sent'>;

/** Is called with the executions that were finished without an owner that reports them. */
export type OnUnowned = (executions: readonly ExecutionNames[], end: UnownedEnd) => void;

/** The end of an execution whose owner recorded no outcome. */
export const OWNER_GONE: UnownedEnd = observedFailure('INTERRUPTED', 'maybe');
/** The end of a start whose claim was not confirmed. */
export const NEVER_CONFIRMED: UnownedEnd = observedFailure('INTERRUPTED', 'no');

/** Returns the store, which reports the executions that it finishes without an owner. */
export function withUnownedReported(store: ExecutionStore, onUnowned: OnUnowned): ExecutionStore {
  return {
    ...store,
    interruptAllSending: async () => {
      const interrupted = await store.interruptAllSending();
      onUnowned(interrupted, OWNER_GONE);
      return interrupted;
    },
    failUnsent: async (executionUuids, failure, olderThanMs) => {
      const failed = await store.failUnsent(executionUuids, failure, olderThanMs);
      onUnowned(failed, failure);
      return failed;
    },
  };
}

/** Returns the function that calls `onLine` with the log line of each execution. */
export function reportUnowned(onLine: (line: UnownedLine) => void): OnUnowned {
  return (executions, end) => {
    for (const names of executions) onLine(toUnownedLine(names, end));
  };
}

/** The log line of an execution without an owner. It has the fields of {@link ExecutionLine} that are known then. */
export type UnownedLine = Required<
  Pick<
    ExecutionLine,
    | ('execution_uuid' | 'conversation_uuid' | 'agent_uuid' | 'webhook_uuid' | 'webhook_type')
    | ('outcome' | 'failure_code' | 'sent' | 'recorded')
  >
>;

function toUnownedLine(names: ExecutionNames, { code, sent }: UnownedEnd): UnownedLine {
  return {
    execution_uuid: names.executionUuid,
    conversation_uuid: names.conversationUuid,
    agent_uuid: names.agentUuid,
    webhook_uuid: names.webhookUuid,
    webhook_type: names.webhookType,
    outcome: code === 'INTERRUPTED' ? 'interrupted' : 'failed',
    failure_code: code,
    sent,
    recorded: true,
  };
}
