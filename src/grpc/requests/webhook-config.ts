import type { FailurePolicy } from '../../domain/agent.ts';
import type { JsonValue } from '../../domain/json.ts';
import type { ApiSchemaDraft, AssignmentDraft, WebhookConfigDraft } from '../../domain/webhook-draft.ts';
import type * as pb from '../../gen/index.callhooks.v1.ts';
import { FAILURE_POLICIES } from '../messages/enums.ts';

/** A configuration as a draft: nothing is judged here, for most rules need the agent. */
export function toConfigDraft(message: pb.WebhookConfig): WebhookConfigDraft {
  return {
    apiSchema: message.apiSchema && toApiSchemaDraft(message.apiSchema),
    assignments: message.assignments.map(toAssignmentDraft),
    responseTimeoutSecs: message.responseTimeoutSecs,
    failurePolicy: toFailurePolicy(message.failurePolicy),
    signingSecretNames: message.signingSecretNames,
  };
}

function toApiSchemaDraft(message: pb.ApiSchema): ApiSchemaDraft {
  return {
    url: message.url,
    method: message.method,
    requestHeaders: message.requestHeaders,
    requestBody: message.requestBody as JsonValue | undefined,
  };
}

function toAssignmentDraft(message: pb.Assignment): AssignmentDraft {
  return {
    source: message.source,
    attributeName: message.attributeName,
    dynamicVariable: message.dynamicVariable,
    required: message.required,
    defaultValue: message.defaultValue as JsonValue | undefined,
  };
}

function toFailurePolicy(number: number): WebhookConfigDraft['failurePolicy'] {
  if (number === 0) return 'unspecified';
  const words = Object.keys(FAILURE_POLICIES) as FailurePolicy[];
  return words.find((word) => FAILURE_POLICIES[word] === number) ?? 'unknown';
}
