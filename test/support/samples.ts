import * as pb from '../../src/gen/index.callhooks.v1.ts';
import type { Partially } from './rpc.ts';

export const { WEBHOOK_TYPE_PRE_CALL: PRE_CALL, WEBHOOK_TYPE_POST_CALL: POST_CALL } = pb.WebhookType;

/** A UUID that nothing has. */
export const NOBODY = '0d9f6c6a-5a0e-4c8e-9d3e-000000000bad';

/** A configuration that is fine for both types; parts of the request template can be replaced. */
export function configOf(
  apiSchema: Partially<pb.ApiSchema> = {},
  more: Partially<pb.WebhookConfig> = {},
): Partially<pb.WebhookConfig> {
  return {
    apiSchema: { url: 'https://api.example.com/hook', method: 'POST', ...apiSchema },
    ...more,
  };
}

/** A webhook as it is given inside of an agent. */
export function webhookOf(
  webhookType: pb.WebhookType,
  webhookConfig: Partially<pb.WebhookConfig> = configOf(),
): Partially<pb.Webhook> {
  return { webhookType, webhookConfig };
}

/** A `webhook_config` as voice teams have it today, in proto JSON. */
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

/** {@link EXISTING_CONFIG} as a message. */
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

/** Nested objects of that depth: `{ d: { d: … {} } }` has one more than its number of keys. */
export function nested(depth: number): Record<string, unknown> {
  let value: Record<string, unknown> = {};
  for (let i = 1; i < depth; i += 1) value = { d: value };
  return value;
}
