import type { Assignment, Webhook, WebhookConfig } from '../../domain/agent.ts';
import type * as pb from '../../gen/index.callhooks.v1.ts';
import { FAILURE_POLICIES, numberOf, WEBHOOK_TYPES } from './enums.ts';
import { toTimestamp } from './times.ts';

/** The webhook as clients see it: values of sensitive headers are masked. */
export const webhookMessage = (webhook: Webhook): pb.Webhook => ({
  webhookUuid: webhook.webhookUuid,
  agentUuid: webhook.agentUuid,
  webhookType: WEBHOOK_TYPES[webhook.webhookType],
  webhookConfig: configMessage(webhook.config),
  disabled: webhook.disabled,
  etag: webhook.etag,
  createdAt: toTimestamp(webhook.createdAtMs),
  updatedAt: toTimestamp(webhook.updatedAtMs),
});

const configMessage = (config: WebhookConfig): pb.WebhookConfig => ({
  apiSchema: {
    url: config.apiSchema.url,
    method: config.apiSchema.method,
    requestHeaders: { ...config.apiSchema.requestHeaders },
    requestBody: config.apiSchema.requestBody,
  },
  assignments: config.assignments.map(assignmentMessage),
  responseTimeoutSecs: config.responseTimeoutSecs,
  failurePolicy: numberOf(FAILURE_POLICIES, config.failurePolicy),
  signingSecretNames: [...config.signingSecretNames],
});

const assignmentMessage = (assignment: Assignment): pb.Assignment => ({
  source: 'response',
  attributeName: assignment.attributeName,
  dynamicVariable: assignment.dynamicVariable,
  required: assignment.required,
  defaultValue: assignment.defaultValue,
});
