import type { AgentDraft } from '../domain/validation/validate-agent.ts';
import type {
  CallDecision,
  CallFacts,
  Execution,
  ExecutionRecord,
  Failure,
  JsonObject,
  MissedAssignment,
  RequestRecord,
  ResponseRecord,
  Timings,
  VariableSource,
  WebhookType,
} from '../domain/types.ts';
import type { UpdateMask } from '../domain/update-mask.ts';
import type { WebhookConfigDraft } from '../domain/webhook-draft.ts';
import type { Arrival } from '../engine/limits/call-gate.ts';
import type { Violation } from '../errors.ts';
import type { ExecutionFilter, ExecutionKey } from '../store/execution-store.ts';

/** What the adapter knows of the RPC that a command serves. Instants are milliseconds of `performance.now()`. */
export interface CallScope {
  readonly requestId: string;
  readonly admittedAtMs: number;
  /** Absent: the caller gave none. */
  readonly deadlineAtMs?: number;
  /** Aborted when the caller cancels or goes away. */
  readonly signal: AbortSignal;
  /** The executions that the caller says it is part of, from `callhooks-execution` and `baggage`. */
  readonly callingExecutionUuids: readonly string[];
  /** The caller's W3C trace context, unparsed. */
  readonly traceparent?: string;
  /** Bytes of the request message, which are reserved while the call runs. */
  readonly requestBytes: number;
  /** Is told when the call no longer waits for its claim. */
  readonly arrival: Arrival;
}

/** A call as `OnCallStart` reports it; UUIDs in lower case. */
export interface OnCallStartRequest {
  readonly agentUuid: string;
  readonly conversationUuid: string;
  readonly callerPhone: string;
  readonly dynamicVariables: JsonObject;
  readonly metadata: JsonObject;
}

/** What the platform does with the call. Equal for every repeat but for `replayed`. */
export interface OnCallStartReply {
  readonly decision: CallDecision;
  readonly degraded: boolean;
  readonly dynamicVariables: JsonObject;
  readonly variableSources: Readonly<Record<string, VariableSource>>;
  /** Absent: no enabled pre-call webhook. */
  readonly execution?: Execution;
  readonly replayed: boolean;
}

/** A call as `OnCallEnd` reports it; UUIDs in lower case. */
export interface OnCallEndRequest {
  readonly agentUuid: string;
  readonly conversationUuid: string;
  readonly facts: CallFacts;
}

/** The accepted (or recorded) post-call execution. */
export interface OnCallEndReply {
  /** Absent: no enabled post-call webhook. */
  readonly execution?: Execution;
  readonly replayed: boolean;
}

/**
 * A webhook to try out: the stored one (`webhookUuid`, or `agentUuid` with `webhookType`), or `configDraft` in its
 * place. `configDraft` is unchecked: whoever knows the agent's variables and secrets checks it.
 */
export interface TestWebhookRequest {
  readonly webhookUuid?: string | undefined;
  readonly agentUuid?: string | undefined;
  readonly webhookType?: WebhookType | undefined;
  readonly configDraft?: WebhookConfigDraft | undefined;
  /** Absent: one is made for this test. */
  readonly conversationUuid?: string | undefined;
  readonly facts: CallFacts;
  /** False: only rendered. */
  readonly send: boolean;
  /** What parsing found wrong (the fields concerned are absent): to be reported with all that the command finds. */
  readonly violations: readonly Violation[];
}

/** What the test came to, secrets masked. A failure of the endpoint is a value. */
export interface TestWebhookReply {
  readonly request?: RequestRecord;
  readonly response?: ResponseRecord;
  readonly failure?: Failure;
  readonly timings?: Timings;
  readonly assignedVariables?: JsonObject;
  readonly missingVariables: readonly string[];
  readonly missedAssignments: readonly MissedAssignment[];
  /** Pre-call only. */
  readonly decision?: CallDecision;
  readonly degraded: boolean;
}

/** One execution by its uuid. */
export interface GetExecutionRequest {
  readonly executionUuid: string;
}

/** An execution with its recorded request, response and assigned variables. */
export interface GetExecutionReply {
  readonly execution: Execution;
  readonly record: ExecutionRecord;
}

/** A page of executions, newest first. `pageSize` is 1 to 200; without `after` it is the first page. */
export interface ListExecutionsRequest {
  readonly filter: ExecutionFilter;
  readonly pageSize: number;
  /** The last execution of the page before, under the same filter. */
  readonly after: ExecutionKey | undefined;
}

/** New values for the masked fields of an agent, and what becomes of its secrets. */
export interface UpdateAgentRequest {
  /** Undefined: bad, and `violations` tells so. */
  readonly agentUuid: string | undefined;
  /** Empty: no check. */
  readonly etag: string;
  readonly mask: UpdateMask;
  readonly agent: AgentDraft;
  /** Set or replaced, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly removeSecrets: readonly string[];
  readonly violations: readonly Violation[];
}
