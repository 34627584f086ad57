import type { JsonObject } from './json.ts';

/** What the platform should do with a call. */
export type CallDecision = 'proceed' | 'block';

/** The decision about a call, in the one word that its pre-call stores with its outcome. */
export type StoredDecision = 'proceed' | 'proceed_degraded' | 'block' | 'block_rejected';

/** The call details, as a lifecycle request gives them. Empty strings and undefined count as missing. */
export interface CallDetails {
  readonly callerPhone: string;
  readonly metadata: JsonObject;
  readonly dynamicVariables: JsonObject;
  /** It is known to post-call webhooks only. */
  readonly callDurationSecs?: number;
  /** It is known to post-call webhooks only. */
  readonly callSummary?: string;
}

/** The call details as an accepted post-call keeps them until it is finished. */
export interface StoredCallDetails extends CallDetails {
  /** The W3C trace context of the `OnCallEnd`. The request of the webhook names our span in it. */
  readonly traceparent?: string | undefined;
}

/** Where the value of a dynamic variable comes from. */
export type VariableSource = 'default' | 'request' | 'assignment' | 'assignment_default';

/**
 * The variables that a start leaves for its repeats and for its post-call, as they were merged before the webhook ran.
 */
export interface StartVariables {
  readonly callerPhone: string;
  readonly variables: JsonObject;
  readonly sources: Readonly<Record<string, VariableSource>>;
  /** The variables that the outcome assigned. It is absent until there is an outcome, and empty after a failure. */
  readonly assigned?: JsonObject;
  readonly assignedSources?: Readonly<Record<string, VariableSource>>;
}
