import type { FailurePolicy, WebhookType } from './agent.ts';
import type { StoredDecision } from './call.ts';
import type { Failure } from './failures.ts';
import type { JsonObject } from './json.ts';

/**
 * The state of an execution. `no_webhook` is internal: it keeps a start for which no webhook runs, and clients never see
 * it.
 */
export type ExecutionState = 'accepted' | 'sending' | 'succeeded' | 'failed' | 'interrupted' | 'no_webhook';

/** The states of an execution that has ended, as clients see them. */
export const ENDED_STATES = ['succeeded', 'failed', 'interrupted'] as const;

/** The state of an execution that has ended. */
export type EndedState = (typeof ENDED_STATES)[number];

/** The origin of a time limit: the webhook's configuration, or the deadline of the caller. */
export type TimeLimitSource = 'config' | 'deadline';

/** The reason why a rule assigned no value. */
export type MissReason = 'not_found' | 'is_null' | 'is_empty' | 'too_large' | 'too_deep';

/** A rule that assigned no value. For a member that an object rule found, `dynamicVariable` is the member's name. */
export interface MissedAssignment {
  readonly attributeName: string;
  readonly dynamicVariable: string;
  readonly reason: MissReason;
}

/** A recorded header. Values of sensitive names and known secrets are masked. */
export interface HttpHeader {
  readonly name: string;
  readonly value: string;
}

/** A recorded body: UTF-8 text that is cut at a character, or nothing where the body is binary. */
export interface RecordedBody {
  readonly body: string;
  readonly bodyBinary: boolean;
  /** Bytes of the whole body, as far as they are known. */
  readonly bodyBytes: number;
  readonly truncated: boolean;
}

/** The record of a request, with everything secret masked. */
export interface RequestRecord extends RecordedBody {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly HttpHeader[];
}

/** The record of a response, with everything secret masked. */
export interface ResponseRecord extends RecordedBody {
  readonly status: number;
  readonly headers: readonly HttpHeader[];
}

/** Durations in milliseconds, with fractions. A phase that did not happen is absent. */
export interface Timings {
  readonly queuedMs?: number;
  readonly dnsMs?: number;
  readonly connectMs?: number;
  readonly tlsMs?: number;
  readonly firstByteMs?: number;
  readonly totalMs?: number;
}

/** An execution as its row has it, without the large parts that lie in tables of their own. */
export interface Execution {
  readonly executionUuid: string;
  readonly agentUuid: string;
  readonly conversationUuid: string;
  readonly webhookUuid: string;
  readonly webhookEtag: string;
  readonly webhookType: WebhookType;
  readonly state: ExecutionState;
  readonly failure?: Failure;
  /** It was fixed at the claim. It is null for a post-call. */
  readonly failurePolicy: FailurePolicy | null;
  /** It is set once a pre-call has finished. */
  readonly decision?: StoredDecision;
  /** Why the endpoint rejected the call. It is absent where it did not, and where it gave no reason. */
  readonly rejectReason?: string;
  readonly timeLimitMs?: number;
  readonly timeLimitSource?: TimeLimitSource;
  readonly timings?: Timings;
  readonly missingVariables: readonly string[];
  readonly missedAssignments: readonly MissedAssignment[];
  readonly acceptedAtMs: number;
  readonly sendingAtMs?: number;
  readonly finishedAtMs?: number;
  /** The replica that claimed the execution. */
  readonly instance: string;
}

/** The large parts of an execution. Only `GetExecution` reads them. */
export interface ExecutionRecord {
  readonly request?: RequestRecord;
  readonly response?: ResponseRecord;
  readonly assignedVariables?: JsonObject;
}

const FINISHED: readonly ExecutionState[] = ['succeeded', 'failed', 'interrupted', 'no_webhook'];

/** Reports whether an execution in this state has an outcome. A start without a webhook has one from its insert on. */
export function isFinished(state: ExecutionState): boolean {
  return FINISHED.includes(state);
}
