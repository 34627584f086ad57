import type { Assignment, Webhook, WebhookConfig } from '../../domain/agent.ts';
import type { RejectionRule } from '../../domain/rejection/rejection-rule.ts';
import type * as pb from '../../gen/index.callhooks.v1.ts';
import { endpointAuthMessage, hmacMessage } from './endpoint-auth.ts';
import { FAILURE_POLICIES, numberOf, toTimestamp, WEBHOOK_TYPES } from './wire-values.ts';

/** Returns the webhook for clients. The values of its sensitive headers are masked. */
export function webhookMessage(webhook: Webhook): pb.Webhook {
  return {
    webhookUuid: webhook.webhookUuid,
    agentUuid: webhook.agentUuid,
    webhookType: numberOf(WEBHOOK_TYPES, webhook.webhookType),
    webhookConfig: configMessage(webhook.config),
    disabled: webhook.disabled,
    etag: webhook.etag,
    createdAt: toTimestamp(webhook.createdAtMs),
    updatedAt: toTimestamp(webhook.updatedAtMs),
  };
}

function configMessage(config: WebhookConfig): pb.WebhookConfig {
  return {
    apiSchema: {
      url: config.apiSchema.url,
      method: config.apiSchema.method,
      requestHeaders: { ...config.apiSchema.requestHeaders },
      requestBody: config.apiSchema.requestBody,
      auth: config.apiSchema.auth && endpointAuthMessage(config.apiSchema.auth),
      maxRedirects: config.apiSchema.maxRedirects ?? 0,
    },
    assignments: config.assignments.map(assignmentMessage),
    responseTimeoutSecs: config.responseTimeoutSecs,
    failurePolicy: numberOf(FAILURE_POLICIES, config.failurePolicy),
    signingSecretNames: [...config.signingSecretNames],
    hmacSignature: config.hmacSignature && hmacMessage(config.hmacSignature),
    rejection: config.rejection && rejectionMessage(config.rejection),
  };
}

function assignmentMessage(assignment: Assignment): pb.Assignment {
  return {
    source: 'response',
    attributeName: assignment.attributeName,
    dynamicVariable: assignment.dynamicVariable,
    required: assignment.required,
    defaultValue: assignment.defaultValue,
    assignNull: assignment.assignNull ?? false,
    skipEmpty: assignment.skipEmpty ?? false,
  };
}

function rejectionMessage(rule: RejectionRule): pb.RejectionRule {
  return {
    httpStatuses: [...rule.httpStatuses],
    attributeName: rule.attributeName,
    equals: [...rule.equals],
    reasonAttributeName: rule.reasonAttributeName,
  };
}
