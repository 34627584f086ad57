import type { Execution, HttpHeader, Timings } from '../../domain/execution.ts';
import type { Failure } from '../../domain/failures.ts';
import type { StartVariables, StoredDecision } from '../../domain/call.ts';
import type { FailurePolicy, WebhookType } from '../../domain/agent.ts';
import { readTraceparent, traceIdOf } from '../../domain/trace-context.ts';
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

/** Where an execution comes from, for its log line. */
export interface ExecutionOrigin {
  /** The RPC that a pre-call belongs to. */
  readonly requestId?: string;
  /** The W3C trace context of the RPC that led to the execution. */
  readonly traceparent?: string | undefined;
}

/** The log line of a finished execution: names, codes and durations, but no values of the call. */
export interface ExecutionLine {
  readonly request_id: string | undefined;
  readonly trace_id: string | undefined;
  readonly execution_uuid: string;
  readonly conversation_uuid: string;
  readonly agent_uuid: string;
  readonly webhook_uuid: string;
  readonly webhook_type: WebhookType;
  /** Scheme, host and port of the webhook's URL, once a request was rendered. */
  readonly origin?: string;
  readonly outcome: Outcome['state'];
  readonly decision?: StoredDecision;
  readonly failure_code?: string;
  readonly sent?: string;
  readonly status?: number;
  /** From the claim to the outcome. */
  readonly duration_ms: number;
  readonly queued_ms: number | undefined;
  readonly dns_ms: number | undefined;
  readonly connect_ms: number | undefined;
  readonly tls_ms: number | undefined;
  readonly first_byte_ms: number | undefined;
  /** From the arrival of a pre-call, or the claim of a post-call, to the end of the response. */
  readonly total_ms: number | undefined;
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

function toExecutionLine(
  names: ExecutionNames,
  origin: ExecutionOrigin,
  outcome: Outcome,
  recorded: boolean,
): ExecutionLine {
  const { timings } = outcome;
  const traceparent = readTraceparent(origin.traceparent);
  return {
    request_id: origin.requestId,
    trace_id: traceparent && traceIdOf(traceparent),
    execution_uuid: outcome.executionUuid,
    conversation_uuid: names.conversationUuid,
    agent_uuid: names.agentUuid,
    webhook_uuid: names.webhookUuid,
    webhook_type: outcome.webhookType,
    ...(outcome.request ? { origin: originOf(outcome.request.url) } : {}),
    outcome: outcome.state,
    ...(outcome.decision ? { decision: outcome.decision } : {}),
    ...(outcome.failure ? { failure_code: outcome.failure.code, sent: outcome.failure.sent } : {}),
    ...(outcome.response ? { status: outcome.response.status } : {}),
    duration_ms: outcome.durationMs,
    queued_ms: rounded(timings.queuedMs),
    dns_ms: rounded(timings.dnsMs),
    connect_ms: rounded(timings.connectMs),
    tls_ms: rounded(timings.tlsMs),
    first_byte_ms: rounded(timings.firstByteMs),
    total_ms: rounded(timings.totalMs),
    recorded,
  };
}

// No placeholder can stand before the path, so an origin is the same for all calls of a webhook.
function originOf(url: string): string {
  return /^\w+:\/\/[^/?#]*/.exec(url)?.[0] ?? '';
}

function rounded(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 1000) / 1000;
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
  origin: ExecutionOrigin,
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
    const line = toExecutionLine(names, origin, outcome, isRecorded);
    deps.onExecution(line, { timings: outcome.timings, acceptedAtMs });
  }
}
