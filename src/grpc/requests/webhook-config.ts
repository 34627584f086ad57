import type { JsonValue } from '../../domain/json.ts';
import type { ApiSchemaDraft, AssignmentDraft, WebhookConfigDraft } from '../../domain/webhook-draft.ts';
import type { RejectionRule } from '../../domain/rejection/rejection-rule.ts';
import type * as pb from '../../gen/index.callhooks.v1.ts';
import { toEndpointAuth, toHmacDraft } from './endpoint-auth.ts';
import { draftWordOf, FAILURE_POLICIES } from '../messages/wire-values.ts';

/** Returns a configuration as a draft, without checking it: most rules need the agent. */
export function toConfigDraft(message: pb.WebhookConfig): WebhookConfigDraft {
  return {
    apiSchema: message.apiSchema && toApiSchemaDraft(message.apiSchema),
    assignments: message.assignments.map(toAssignmentDraft),
    responseTimeoutSecs: message.responseTimeoutSecs,
    failurePolicy: draftWordOf(FAILURE_POLICIES, message.failurePolicy),
    signingSecretNames: message.signingSecretNames,
    hmacSignature: message.hmacSignature && toHmacDraft(message.hmacSignature),
    rejection: message.rejection && toRejectionRule(message.rejection),
  };
}

function toApiSchemaDraft(message: pb.ApiSchema): ApiSchemaDraft {
  return {
    url: message.url,
    method: message.method,
    requestHeaders: message.requestHeaders,
    requestBody: message.requestBody as JsonValue | undefined,
    auth: message.auth && toEndpointAuth(message.auth),
    maxRedirects: message.maxRedirects,
  };
}

function toAssignmentDraft(message: pb.Assignment): AssignmentDraft {
  return {
    source: message.source,
    attributeName: message.attributeName,
    dynamicVariable: message.dynamicVariable,
    required: message.required,
    defaultValue: message.defaultValue as JsonValue | undefined,
    assignNull: message.assignNull,
    skipEmpty: message.skipEmpty,
  };
}

function toRejectionRule(message: pb.RejectionRule): RejectionRule {
  return {
    httpStatuses: message.httpStatuses,
    attributeName: message.attributeName,
    equals: message.equals as readonly JsonValue[],
    reasonAttributeName: message.reasonAttributeName,
  };
}
