import { WebhookType } from '../gen/index.callhooks.v1.ts';
import { explainDecision, type ExplainedDecision } from './decision.ts';
import {
  explainRequest,
  explainResponse,
  type ExplainedRequest,
  type ExplainedResponse,
} from './http-parts.ts';
import { explainMisses, type ExplainedMiss } from './missed-assignments.ts';
import { explainOutcome, type Outcome } from './outcome.ts';
import type { RecordedExecution } from './read-conversation.ts';
import { explainRevision, type ExplainedRevision } from './revision.ts';
import {
  explainMoments,
  explainTimeLimit,
  explainTimings,
  type ExplainedTimeLimit,
  type ExplainedTimings,
  type Moment,
} from './times.ts';
import { explainVariables, type ExplainedVariables } from './variables.ts';

/**
 * An execution in words, for a page about it. The texts of others in it (names, values, messages, headers, bodies) are as
 * they were recorded: a page escapes them.
 */
export interface ExplainedExecution {
  readonly executionUuid: string;
  readonly agentUuid: string;
  readonly conversationUuid: string;
  /** `Pre-call` or `Post-call`. */
  readonly type: string;
  readonly isPostCall: boolean;
  readonly outcome: Outcome;
  readonly decision: ExplainedDecision | undefined;
  readonly variables: ExplainedVariables;
  readonly misses: readonly ExplainedMiss[];
  /** The names of the placeholders that had no value. */
  readonly missingVariables: readonly string[];
  readonly request: ExplainedRequest | undefined;
  readonly response: ExplainedResponse | undefined;
  readonly revision: ExplainedRevision;
  readonly timeLimit: ExplainedTimeLimit | undefined;
  readonly moments: readonly Moment[];
  readonly timings: ExplainedTimings;
}

/** Explains an execution. */
export function explainExecution(recorded: RecordedExecution): ExplainedExecution {
  const { execution, today } = recorded;
  const { executionUuid, agentUuid, conversationUuid, request, response } = execution;
  const isPostCall = execution.webhookType !== WebhookType.WEBHOOK_TYPE_PRE_CALL;
  return {
    ...{ executionUuid, agentUuid, conversationUuid, isPostCall },
    type: isPostCall ? 'Post-call' : 'Pre-call',
    outcome: explainOutcome(execution),
    decision: explainDecision(execution, today),
    variables: explainVariables(recorded),
    misses: explainMisses(execution.missedAssignments, response),
    missingVariables: execution.missingVariables,
    request: request && explainRequest(request),
    response: response && explainResponse(response),
    revision: explainRevision(execution, today),
    timeLimit: explainTimeLimit(execution, today),
    moments: explainMoments(execution),
    timings: explainTimings(execution.timings, isPostCall),
  };
}

/** What is on record of a conversation, in words. */
export interface ExplainedConversation {
  readonly conversationUuid: string;
  readonly agentUuid: string;
  /** In the order in which they were accepted. */
  readonly executions: readonly ExplainedExecution[];
  /** Says why there may be no pre-call. It is undefined when there is one. */
  readonly noPreCall: string | undefined;
  /** Says why there may be no post-call. It is undefined when there is one. */
  readonly noPostCall: string | undefined;
}

const NO_PRE_CALL =
  'There is no pre-call on record: the agent had no enabled pre-call webhook, or OnCallStart was called with another conversation_uuid, or retention has removed the execution.';
const NO_POST_CALL =
  'There is no post-call on record: OnCallEnd was not called for this conversation, or the agent had no enabled post-call webhook, or retention has removed the execution.';

/** Says why a conversation may have no executions at all. */
export const NO_EXECUTIONS =
  'there is no execution for this conversation. No agent that it ran with had an enabled webhook, it never reached this server, or retention has removed it.';

/** Explains the executions of a conversation. Returns undefined when there are none. */
export function explainConversation(
  recorded: readonly RecordedExecution[],
): ExplainedConversation | undefined {
  const executions = recorded.map(explainExecution);
  const [first] = executions;
  if (first === undefined) return undefined;
  const { conversationUuid, agentUuid } = first;
  return {
    ...{ conversationUuid, agentUuid, executions },
    noPreCall: executions.every(({ isPostCall }) => isPostCall) ? NO_PRE_CALL : undefined,
    noPostCall: executions.some(({ isPostCall }) => isPostCall) ? undefined : NO_POST_CALL,
  };
}
