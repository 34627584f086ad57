import type { JsonValue } from '../../src/domain/json.ts';
import type { WebhookConfigDraft } from '../../src/domain/webhook-draft.ts';

/** Is a `webhook_config` as proto JSON, but with the failure policy in the domain's words. */
export interface ConfigJson {
  api_schema?: {
    url?: string;
    method?: string;
    request_headers?: Record<string, string>;
    request_body?: JsonValue;
  };
  assignments?: {
    source?: string;
    attribute_name?: string;
    dynamic_variable?: string;
    required?: boolean;
    default_value?: JsonValue;
    assign_null?: boolean;
    skip_empty?: boolean;
  }[];
  response_timeout_secs?: number;
  failure_policy?: WebhookConfigDraft['failurePolicy'];
  signing_secret_names?: string[];
}

/** Returns the draft that a request with this configuration becomes. */
export function draftOf(config: ConfigJson): WebhookConfigDraft {
  return {
    apiSchema: config.api_schema && {
      url: config.api_schema.url ?? '',
      method: config.api_schema.method ?? '',
      requestHeaders: config.api_schema.request_headers ?? {},
      requestBody: config.api_schema.request_body,
    },
    assignments: (config.assignments ?? []).map((rule) => ({
      source: rule.source ?? '',
      attributeName: rule.attribute_name ?? '',
      dynamicVariable: rule.dynamic_variable ?? '',
      required: rule.required ?? false,
      defaultValue: rule.default_value,
      assignNull: rule.assign_null ?? false,
      skipEmpty: rule.skip_empty ?? false,
    })),
    responseTimeoutSecs: config.response_timeout_secs ?? 0,
    failurePolicy: config.failure_policy ?? 'unspecified',
    signingSecretNames: config.signing_secret_names ?? [],
  };
}
