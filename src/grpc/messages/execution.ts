import { partsOfDecision, type Decision } from '../../domain/call-decision.ts';
import type { Execution, ExecutionRecord, MissedAssignment, Timings } from '../../domain/execution.ts';
import type { Failure } from '../../domain/failures.ts';
import type { EndedUpdate } from '../../engine/ended-executions/watcher.ts';
import type { Duration } from '../../gen/google/protobuf/duration.ts';
import type * as pb from '../../gen/index.callhooks.v1.ts';
import {
  CALL_DECISIONS,
  EXECUTION_STATES,
  FAILURE_CODE_NUMBERS,
  FAILURE_POLICIES,
  MISS_REASONS,
  numberOf,
  SENT,
  TIME_LIMIT_SOURCES,
  toDuration,
  toTimestamp,
  WEBHOOK_TYPES,
} from './wire-values.ts';
import { requestRecordMessage, responseRecordMessage } from './records.ts';

/** Returns an execution without its large parts, for lists and lifecycle replies. */
export function executionMessage(execution: Execution): pb.Execution {
  return detailedExecutionMessage(execution, {});
}

/** Returns executions that have ended, as a watcher is told of them. */
export function endedUpdateMessage({
  executions,
  dropped,
  finishedToMs,
}: EndedUpdate): pb.WatchExecutionsResponse {
  return {
    executions: executions.map(executionMessage),
    dropped: BigInt(dropped),
    finishedAtTo: toTimestamp(finishedToMs),
  };
}

/** Returns an execution with its recorded request, response and assigned variables. */
export function detailedExecutionMessage(execution: Execution, record: ExecutionRecord): pb.Execution {
  const { executionUuid, agentUuid, conversationUuid, webhookUuid, webhookEtag } = execution;
  const { failure, timings } = execution;
  return {
    ...{ executionUuid, agentUuid, conversationUuid, webhookUuid, webhookEtag },
    webhookType: numberOf(WEBHOOK_TYPES, execution.webhookType),
    state: numberOf(EXECUTION_STATES, execution.state),
    failure: failure && failureMessage(failure),
    ...decisionFields({ ...partsOfDecision(execution.decision), rejectReason: execution.rejectReason ?? '' }),
    failurePolicy: numberOf(FAILURE_POLICIES, execution.failurePolicy),
    timeLimit: maybeDuration(execution.timeLimitMs),
    timeLimitSource: numberOf(TIME_LIMIT_SOURCES, execution.timeLimitSource),
    request: record.request && requestRecordMessage(record.request),
    response: record.response && responseRecordMessage(record.response),
    timings: timings && timingsMessage({ ...queuedTime(execution), ...timings }),
    assignedVariables: record.assignedVariables,
    missingVariables: [...execution.missingVariables],
    missedAssignments: execution.missedAssignments.map(missedAssignmentMessage),
    acceptedAt: toTimestamp(execution.acceptedAtMs),
    sendingAt: maybeTimestamp(execution.sendingAtMs),
    finishedAt: maybeTimestamp(execution.finishedAtMs),
    // Until a post-call is claimed, its row holds the name of the replica that accepted it.
    instance: execution.sendingAtMs === undefined ? '' : execution.instance,
  };
}

// One replica may accept a post-call and another one send it, so the time between is read from the database's timestamps.
function queuedTime({ webhookType, acceptedAtMs, sendingAtMs }: Execution): Timings {
  return webhookType === 'post_call' && sendingAtMs !== undefined
    ? { queuedMs: Math.max(0, sendingAtMs - acceptedAtMs) }
    : {};
}

/** Returns why an execution or a test failed. */
export function failureMessage(failure: Failure): pb.Failure {
  return {
    code: numberOf(FAILURE_CODE_NUMBERS, failure.code),
    message: failure.message,
    sent: numberOf(SENT, failure.sent),
  };
}

/** Returns how long each phase took. A phase that did not happen is unset. */
export function timingsMessage(timings: Timings): pb.Timings {
  return {
    queued: maybeDuration(timings.queuedMs),
    dns: maybeDuration(timings.dnsMs),
    connect: maybeDuration(timings.connectMs),
    tls: maybeDuration(timings.tlsMs),
    firstByte: maybeDuration(timings.firstByteMs),
    total: maybeDuration(timings.totalMs),
  };
}

/** Returns an assignment that took no value. */
export function missedAssignmentMessage(missed: MissedAssignment): pb.MissedAssignment {
  return {
    attributeName: missed.attributeName,
    dynamicVariable: missed.dynamicVariable,
    reason: numberOf(MISS_REASONS, missed.reason),
  };
}

/** Returns the fields of a decision. It is unspecified for a running pre-call and for a post-call, which have none. */
export function decisionFields({ decision, degraded, rejected, rejectReason }: DecisionWithReason) {
  return { decision: numberOf(CALL_DECISIONS, decision), degraded, rejected, rejectReason };
}

interface DecisionWithReason extends Decision {
  readonly rejectReason: string;
}

function maybeDuration(ms: number | undefined): Duration | undefined {
  return ms === undefined ? undefined : toDuration(ms);
}

function maybeTimestamp(epochMs: number | undefined): Date | undefined {
  return epochMs === undefined ? undefined : toTimestamp(epochMs);
}
