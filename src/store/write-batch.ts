import type { StartVariables, StoredCallDetails, StoredDecision, VariableSource } from '../domain/call.ts';
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

/** A start as its claim writes it. A start without `webhook` gets the state `no_webhook`. */
export interface NewStart {
  /** A fresh uuid, which is the token of the claim. */
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
  /** A fresh uuid, which is the token of the accept. */
  readonly executionUuid: string;
  readonly agentUuid: string;
  readonly conversationUuid: string;
  readonly webhookUuid: string;
  readonly instance: string;
  /** The {@link StoredCallDetails} as JSON text. */
  readonly detailsJson: string;
}

/**
 * What became of an insert. `won`: its token is in the row, and `execution` has the times of the database. `lost`: another
 * row has the key, and `execution` is that row. `purged`: the key was purged, and nothing is left of the insert.
 * `other_agent`: the other execution of the conversation belongs to another agent, and nothing is left of the insert.
 * `undecided`: neither its token nor another row was found, and the write has to be repeated.
 */
export type InsertResult =
  | { readonly kind: 'won'; readonly execution: Execution }
  | { readonly kind: 'lost'; readonly execution: Execution }
  | { readonly kind: 'purged' }
  | { readonly kind: 'other_agent' }
  | { readonly kind: 'undecided' };

/** The claim of a pending post-call. */
export interface PostCallClaim {
  readonly executionUuid: string;
  /** The token: fresh for each claim, and the same for each repeat of it. */
  readonly claim: string;
  readonly webhookEtag: string;
  readonly timeLimitMs: number;
  readonly instance: string;
}

/**
 * What became of the claim of a post-call. `won`: the row has this token and no outcome of its owner. It is sending, or was
 * marked interrupted meanwhile, which its owner corrects. The details that the request needs were read in the same
 * transaction. `start_running`: the pre-call of the conversation is still being sent. `lost`: the post-call is claimed by
 * another owner, finished, or gone.
 */
export type ClaimResult =
  | ({ readonly kind: 'won' } & ClaimedDetails)
  | { readonly kind: 'start_running' }
  | { readonly kind: 'lost' };

/** What a claimed post-call needs to be rendered. */
export interface ClaimedDetails {
  /** Undefined when this is a repeat of a claim whose outcome has dropped them. */
  readonly details?: StoredCallDetails;
  /** The length of their JSON text. */
  readonly detailsLength: number;
  /** The variables of the conversation's start, if there was one. */
  readonly start?: StartVariables;
  /** The etag of its agent as it is stored now. Undefined when the agent is gone. */
  readonly agentEtag?: string;
}

/** What one transaction writes, by kind. */
export interface WriteBatch {
  readonly outcomes: readonly Outcome[];
  readonly starts: readonly NewStart[];
  readonly postCalls: readonly NewPostCall[];
  readonly claims: readonly PostCallClaim[];
}

/** What became of each item of a {@link WriteBatch}, in the same order. */
export interface WriteResults {
  readonly outcomes: readonly OutcomeResult[];
  readonly starts: readonly InsertResult[];
  readonly postCalls: readonly InsertResult[];
  readonly claims: readonly ClaimResult[];
}

/** The outcome of an execution, as its owner records it. A repeat is harmless. */
export interface Outcome {
  readonly executionUuid: string;
  readonly webhookType: WebhookType;
  /** The token of the claim. For a pre-call it is the execution_uuid. */
  readonly claim: string;
  readonly state: 'succeeded' | 'failed' | 'interrupted';
  readonly failure?: Failure;
  /** It is absent for a post-call. */
  readonly decision?: StoredDecision;
  /** It is absent where the endpoint gave no reason for a rejection. */
  readonly rejectReason?: string;
  /** The etag of the webhook that ran. */
  readonly webhookEtag: string;
  readonly timings: Timings;
  readonly missingVariables: readonly string[];
  readonly missedAssignments: readonly MissedAssignment[];
  readonly request?: RequestRecord;
  readonly response?: ResponseRecord;
  /** The variables that a pre-call assigned. They are empty after a failure. */
  readonly assigned?: JsonObject;
  readonly assignedSources?: Readonly<Record<string, VariableSource>>;
  /** Monotonic milliseconds from the claim to the outcome. `finished_at` is the time of the claim plus these. */
  readonly durationMs: number;
}

/**
 * What became of an outcome. `recorded`: the row says what the outcome says. `not_owner`: the row says something else, which
 * stays. `undecided`: this node of a cluster had not applied the claim yet, and the write has to be repeated.
 */
export type OutcomeResult = 'recorded' | 'not_owner' | 'undecided';
