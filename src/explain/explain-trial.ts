import type { TestWebhookResponse } from '../gen/index.callhooks.v1.ts';
import { explainTrialDecision, type ExplainedDecision } from './decision.ts';
import {
  explainRequest,
  explainResponse,
  type ExplainedRequest,
  type ExplainedResponse,
} from './http-parts.ts';
import { explainMisses, type ExplainedMiss } from './missed-assignments.ts';
import { explainFailure, type ExplainedFailure } from './outcome.ts';
import { explainTimings, type ExplainedTimings } from './times.ts';

/** The reply of TestWebhook in words. The texts of others in it are as they came: a page escapes them. */
export interface ExplainedTrial {
  readonly request: ExplainedRequest | undefined;
  readonly response: ExplainedResponse | undefined;
  /** What the assignments would put into variables: name and value. */
  readonly assigned: readonly (readonly [name: string, value: unknown])[];
  readonly misses: readonly ExplainedMiss[];
  /** The names of the placeholders that had no value. */
  readonly missingVariables: readonly string[];
  readonly failure: ExplainedFailure | undefined;
  readonly decision: ExplainedDecision | undefined;
  readonly timings: ExplainedTimings;
}

/** Explains the reply of TestWebhook. */
export function explainTrial(reply: TestWebhookResponse): ExplainedTrial {
  const { request, response, failure, assignedVariables, missedAssignments, missingVariables } = reply;
  return {
    request: request && explainRequest(request),
    response: response && explainResponse(response),
    assigned: Object.entries(assignedVariables ?? {}),
    misses: explainMisses(missedAssignments, response),
    missingVariables,
    failure: failure && explainFailure(failure),
    decision: explainTrialDecision(reply),
    // A test waits in no queue.
    timings: explainTimings(reply.timings, false),
  };
}
