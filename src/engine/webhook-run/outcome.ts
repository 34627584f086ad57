import type { Execution, HttpHeader, Timings } from '../../domain/execution.ts';
import type { Failure } from '../../domain/failures.ts';
import type { StartVariables, StoredDecision } from '../../domain/call.ts';
import type { FailurePolicy, WebhookType } from '../../domain/agent.ts';
import { decideCall } from '../../domain/call-decision.ts';
import type { Outcome } from '../../store/write-batch.ts';
import type { ExecutionWrites, Recorded } from '../writes/execution-writes.ts';
import { retryWrite } from '../writes/retry-write.ts';
import type { WebhookRun } from './webhook-run.ts';

/** A claimed execution, for which a webhook was run. */
export interface ClaimedExecution {
  readonly executionUuid: string;
  readonly webhookType: WebhookType;
  /** It is null for a post-call. */
  readonly failurePolicy: FailurePolicy | null;
  readonly claim: string;
  readonly webhookEtag: string;
  /** Instant of `performance.now()` at which the claim was known to be won. */
  readonly claimedAtMs: number;
}

/** Returns the outcome of a claimed execution, as it is recorded. */
export function toOutcome(claimed: ClaimedExecution, run: WebhookRun): Outcome {
  const { claimedAtMs, failurePolicy, ...names } = claimed;
  const { failure, rejection, assigned, assignedSources, ...parts } = run;
  const decision = decideCall(failurePolicy, run);
  return {
    ...names,
    ...parts,
    state: stateOf(failure),
    ...(failure ? { failure } : {}),
    ...(decision ? { decision } : {}),
    ...(rejection && rejection.reason !== '' ? { rejectReason: rejection.reason } : {}),
    ...(claimed.webhookType === 'pre_call' ? { assigned, assignedSources } : {}),
    durationMs: Math.max(0, Math.round(performance.now() - claimedAtMs)),
  };
}

function stateOf(failure: Failure | undefined): Outcome['state'] {
  if (failure === undefined) return 'succeeded';
  return failure.code === 'INTERRUPTED' || failure.code === 'SHUTDOWN' ? 'interrupted' : 'failed';
}

/** Returns the execution with this outcome. It is equal to what a later read finds. */
export function withOutcome(execution: Execution, outcome: Outcome): Execution {
  return {
    ...execution,
    state: outcome.state,
    ...(outcome.failure ? { failure: outcome.failure } : {}),
    ...(outcome.decision ? { decision: outcome.decision } : {}),
    ...(outcome.rejectReason ? { rejectReason: outcome.rejectReason } : {}),
    webhookEtag: outcome.webhookEtag,
    timings: outcome.timings,
    missingVariables: outcome.missingVariables,
    missedAssignments: outcome.missedAssignments,
    finishedAtMs: (execution.sendingAtMs ?? execution.acceptedAtMs) + outcome.durationMs,
  };
}

/** Returns the variables of a start with what this outcome assigned. */
export function withAssignedBy(start: StartVariables, outcome: Outcome): StartVariables {
  return {
    ...start,
    ...(outcome.assigned ? { assigned: outcome.assigned } : {}),
    ...(outcome.assignedSources ? { assignedSources: outcome.assignedSources } : {}),
  };
}

/** Returns roughly how many bytes an outcome adds to its transaction. */
function outcomeBytes({ assigned, request, response }: Outcome): number {
  return (
    (request?.body.length ?? 0) +
    (request?.url.length ?? 0) +
    headerBytes(request?.headers) +
    (response?.body.length ?? 0) +
    headerBytes(response?.headers) +
    (assigned && Object.keys(assigned).length > 0 ? JSON.stringify(assigned).length : 0) +
    4_000
  );
}

function headerBytes(headers: readonly HttpHeader[] = []): number {
  return headers.reduce((bytes, { name, value }) => bytes + name.length + value.length + 24, 0);
}

/** The log line of a finished execution: names, codes and durations, but no values of the call. */
export interface ExecutionLine {
  readonly execution_uuid: string;
  readonly conversation_uuid: string;
  readonly agent_uuid: string;
  readonly webhook_uuid: string;
  readonly webhook_type: WebhookType;
  readonly outcome: Outcome['state'];
  readonly decision?: StoredDecision;
  readonly failure_code?: string;
  readonly sent?: string;
  readonly status?: number;
  readonly duration_ms: number;
  /** False when the row says something else, which stays, or when the outcome could not be written. */
  readonly recorded: boolean;
}

/** How long a finished execution took, for the metrics. */
export interface ExecutionTimes {
  readonly timings: Timings;
  /** When it was accepted or claimed, by the database's clock. */
  readonly acceptedAtMs: number;
}

/** Is called once with each finished execution. */
export type OnExecution = (line: ExecutionLine, times: ExecutionTimes) => void;

/** What a log line says of an execution besides its outcome. */
type ExecutionNames = Pick<Execution, 'conversationUuid' | 'agentUuid' | 'webhookUuid' | 'acceptedAtMs'>;

function toExecutionLine(names: ExecutionNames, outcome: Outcome, recorded: boolean): ExecutionLine {
  return {
    execution_uuid: outcome.executionUuid,
    conversation_uuid: names.conversationUuid,
    agent_uuid: names.agentUuid,
    webhook_uuid: names.webhookUuid,
    webhook_type: outcome.webhookType,
    outcome: outcome.state,
    ...(outcome.decision ? { decision: outcome.decision } : {}),
    ...(outcome.failure ? { failure_code: outcome.failure.code, sent: outcome.failure.sent } : {}),
    ...(outcome.response ? { status: outcome.response.status } : {}),
    duration_ms: outcome.durationMs,
    recorded,
  };
}

/** What recording an outcome needs. */
export interface RecordDeps {
  readonly writes: Pick<ExecutionWrites, 'recordOutcome'>;
  readonly onExecution: OnExecution;
  /** Aborted when the process ends: an outcome that the database does not take then is only logged. */
  readonly lastWrites: AbortSignal;
}

/**
 * Records an outcome, however long the database is away, and logs one line of the execution in any case. Rejects when the
 * process ends first, or the row can't be written.
 */
export async function recordAndLog(
  deps: RecordDeps,
  names: ExecutionNames,
  outcome: Outcome,
): Promise<Recorded> {
  let isRecorded = false;
  try {
    const bytes = outcomeBytes(outcome);
    const write = (): Promise<Recorded> => deps.writes.recordOutcome(outcome, bytes);
    const result = await retryWrite(write, { signal: deps.lastWrites });
    isRecorded = result === 'recorded';
    return result;
  } finally {
    const { acceptedAtMs } = names;
    deps.onExecution(toExecutionLine(names, outcome, isRecorded), { timings: outcome.timings, acceptedAtMs });
  }
}
