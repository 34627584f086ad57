import type { Execution } from '../domain/execution.ts';

/** Knows the starts that this process has claimed and not yet recorded. */
export interface RunningStarts {
  add(execution: Execution): void;
  remove(execution: Execution): void;
  /** Reports whether this process is running the start of this conversation. */
  hasConversation(conversationUuid: string): boolean;
  /** Reports whether this process is running this execution. */
  hasExecution(executionUuid: string): boolean;
}

/** Makes an empty set of running starts. */
export function createRunningStarts(): RunningStarts {
  const conversations = new Set<string>();
  const executions = new Set<string>();
  return {
    add: ({ conversationUuid, executionUuid }) => {
      conversations.add(conversationUuid);
      executions.add(executionUuid);
    },
    remove: ({ conversationUuid, executionUuid }) => {
      conversations.delete(conversationUuid);
      executions.delete(executionUuid);
    },
    hasConversation: (conversationUuid) => conversations.has(conversationUuid),
    hasExecution: (executionUuid) => executions.has(executionUuid),
  };
}
