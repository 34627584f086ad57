import * as pb from '../../src/gen/index.callhooks.v1.ts';
import type { Partially } from './rpc.ts';

export const { WEBHOOK_TYPE_PRE_CALL: PRE_CALL, WEBHOOK_TYPE_POST_CALL: POST_CALL } = pb.WebhookType;

/** Is a UUID that nothing has. */
export const NOBODY = '0d9f6c6a-5a0e-4c8e-9d3e-000000000bad';

/** Returns a configuration that is valid for both types. The caller can replace parts of the request template. */
export function configOf(
  apiSchema: Partially<pb.ApiSchema> = {},
  more: Partially<pb.WebhookConfig> = {},
): Partially<pb.WebhookConfig> {
  return {
    apiSchema: { url: 'https://api.example.com/hook', method: 'POST', ...apiSchema },
    ...more,
  };
}

/** Returns a webhook in the form that an agent contains it. */
export function webhookOf(
  webhookType: pb.WebhookType,
  webhookConfig: Partially<pb.WebhookConfig> = configOf(),
): Partially<pb.Webhook> {
  return { webhookType, webhookConfig };
}

/** Holds a `webhook_config` in proto JSON as voice teams have it today. */
const EXISTING_CONFIG = {
  api_schema: {
    url: 'https://api.example.com/pre-call',
    method: 'POST',
    request_headers: { Authorization: 'Bearer secret123', 'Content-Type': 'application/json' },
    request_body: { agent_uuid: '{{agent_uuid}}', caller_phone: '{{caller_phone}}' },
  },
  assignments: [{ source: 'response', attribute_name: 'customer_name', dynamic_variable: 'customer_name' }],
  response_timeout_secs: 10,
};

/** Returns the message of {@link EXISTING_CONFIG}. */
export function existingConfig(): Partially<pb.WebhookConfig> {
  return {
    apiSchema: {
      url: EXISTING_CONFIG.api_schema.url,
      method: EXISTING_CONFIG.api_schema.method,
      requestHeaders: EXISTING_CONFIG.api_schema.request_headers,
      requestBody: EXISTING_CONFIG.api_schema.request_body,
    },
    assignments: EXISTING_CONFIG.assignments.map((rule) => ({
      source: rule.source,
      attributeName: rule.attribute_name,
      dynamicVariable: rule.dynamic_variable,
    })),
    responseTimeoutSecs: EXISTING_CONFIG.response_timeout_secs,
  };
}

/** Returns nested objects of that depth. The depth of `{ d: { d: … {} } }` is one more than its number of keys. */
export function nested(depth: number): Record<string, unknown> {
  let value: Record<string, unknown> = {};
  for (let i = 1; i < depth; i += 1) value = { d: value };
  return value;
}
