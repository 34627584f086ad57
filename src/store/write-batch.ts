import type { StartVariables, StoredCallDetails, VariableSource } from '../domain/call.ts';
import type {
  Execution,
  MissedAssignment,
  RequestRecord,
  ResponseRecord,
  TimeLimitSource,
  Timings,
} from '../domain/execution.ts';
import type { Failure } from '../domain/failures.ts';
import type { FailurePolicy, WebhookType } from '../domain/agent.ts';
import type { JsonObject } from '../domain/json.ts';

/** A start as its claim writes it. Without `webhook` it is kept in the state `no_webhook`. */
export interface NewStart {
  /** Fresh, and the claim's token. */
  readonly executionUuid: string;
  readonly agentUuid: string;
  readonly conversationUuid: string;
  readonly webhook?: {
    readonly webhookUuid: string;
    readonly webhookEtag: string;
    readonly failurePolicy: FailurePolicy;
    readonly timeLimitMs: number;
    readonly timeLimitSource: TimeLimitSource;
  };
  readonly instance: string;
  /** The {@link StartVariables} as JSON text. */
  readonly startJson: string;
}

/** A post-call as it is accepted. */
export interface NewPostCall {
  /** Fresh, and the accept's token. */
  readonly executionUuid: string;
  readonly agentUuid: string;
  readonly conversationUuid: string;
  readonly webhookUuid: string;
  readonly instance: string;
  /** The {@link StoredCallDetails} as JSON text. */
  readonly detailsJson: string;
}

/**
 * What became of an insert: `won` (its token is in the row; `execution` as stamped), `lost` (another row holds the
 * key: `execution` is that row), `purged` (the key was purged; nothing is left of the insert), `other_agent` (the
 * conversation has a row of the other type that belongs to another agent; nothing is left of the insert) or
 * `undecided` (neither its token nor another row was found; the write has to be repeated).
 */
export type InsertResult =
  | { readonly kind: 'won'; readonly execution: Execution }
  | { readonly kind: 'lost'; readonly execution: Execution }
  | { readonly kind: 'purged' }
  | { readonly kind: 'other_agent' }
  | { readonly kind: 'undecided' };

/** The claim of an accepted post-call. */
export interface PostCallClaim {
  readonly executionUuid: string;
  /** Fresh per claim, the same for every repeat of it. */
  readonly claim: string;
  readonly webhookEtag: string;
  readonly timeLimitMs: number;
  readonly instance: string;
}

/**
 * What became of the claim of a post-call. `won`: the row holds this token and has no outcome of its owner (it is
 * sending, or was marked interrupted meanwhile, which its owner corrects); with it comes what the request needs, read in
 * the same transaction. `start_running`: the start of its conversation is still being sent. `lost`: it is not ours to
 * send (claimed, ended, or gone).
 */
export type ClaimResult =
  | ({ readonly kind: 'won' } & ClaimedDetails)
  | { readonly kind: 'start_running' }
  | { readonly kind: 'lost' };

/** What a claimed post-call needs to be rendered. */
export interface ClaimedDetails {
  /** Undefined: a repeat of a claim whose outcome has dropped them. */
  readonly details?: StoredCallDetails;
  /** The length of their JSON text. */
  readonly detailsLength: number;
  /** What the start of the conversation left, if there was one. */
  readonly start?: StartVariables;
  /** The etag of its agent as stored now; undefined: the agent is gone. */
  readonly agentEtag?: string;
}

/** What one transaction writes, by kind. Within a kind the order is the caller's. */
export interface WriteBatch {
  readonly outcomes: readonly Outcome[];
  readonly starts: readonly NewStart[];
  readonly postCalls: readonly NewPostCall[];
  readonly claims: readonly PostCallClaim[];
}

/** What became of each item of a {@link WriteBatch}, in the order given. */
export interface WriteResults {
  readonly outcomes: readonly OutcomeResult[];
  readonly starts: readonly InsertResult[];
  readonly postCalls: readonly InsertResult[];
  readonly claims: readonly ClaimResult[];
}

/** An execution's outcome as its owner writes it; repeating it is harmless. */
export interface Outcome {
  readonly executionUuid: string;
  readonly webhookType: WebhookType;
  /** The token of the claim (of a pre-call: its execution_uuid). */
  readonly claim: string;
  readonly state: 'succeeded' | 'failed' | 'interrupted';
  readonly failure?: Failure;
  /** The revision that ran. */
  readonly webhookEtag: string;
  readonly timings: Timings;
  readonly missingVariables: readonly string[];
  readonly missedAssignments: readonly MissedAssignment[];
  readonly request?: RequestRecord;
  readonly response?: ResponseRecord;
  /** Pre-call only: what it assigned, with sources; empty for a failure. */
  readonly assigned?: JsonObject;
  readonly assignedSources?: Readonly<Record<string, VariableSource>>;
  /** Monotonic milliseconds from the claim to the end; `finished_at` is the claim's stamp plus this. */
  readonly durationMs: number;
}

/**
 * `recorded`: the row says what the outcome says. `not_owner`: it says something else, which stands. `undecided`: this
 * node of a cluster had not learnt of the claim yet; the write has to be repeated.
 */
export type OutcomeResult = 'recorded' | 'not_owner' | 'undecided';
