import type { JsonObject } from './json.ts';

export type CallDecision = 'proceed' | 'block';

/** What is known of a call, as a lifecycle request gives it. Empty strings and undefined count as missing. */
export interface CallDetails {
  readonly callerPhone: string;
  readonly metadata: JsonObject;
  readonly dynamicVariables: JsonObject;
  /** Post-call only: seconds. */
  readonly callDurationSecs?: number;
  /** Post-call only. */
  readonly callSummary?: string;
  /** The caller's W3C trace context, so that the request names our span in it. */
  readonly traceparent?: string;
}

export type VariableSource = 'default' | 'request' | 'assignment' | 'assignment_default';

/** What a start leaves for its repeats and its end: variables with sources as merged before the webhook ran. */
export interface StartVariables {
  readonly callerPhone: string;
  readonly variables: JsonObject;
  readonly sources: Readonly<Record<string, VariableSource>>;
  /** What the outcome assigned, with sources; absent until there is one, empty for a failure. */
  readonly assigned?: JsonObject;
  readonly assignedSources?: Readonly<Record<string, VariableSource>>;
}
