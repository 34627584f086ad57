import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { storedDefaults } from '../../../../src/domain/validation/validate-variables.ts';
import { validateWebhookConfig } from '../../../../src/domain/validation/validate-webhook-config.ts';
import { compileRequest } from '../../../../src/domain/template/compile-request.ts';
import { toRequestRecord } from '../../../../src/domain/redaction/redacted-record.ts';
import {
  maskedRender,
  renderRequest,
  type RenderedRequest,
} from '../../../../src/domain/template/render-request.ts';
import { createPlaceholderValues } from '../../../../src/domain/template/render-template.ts';
import type { JsonObject, JsonValue } from '../../../../src/domain/json.ts';
import type { WebhookType } from '../../../../src/domain/agent.ts';
import { preCallVariables } from '../../../../src/domain/variables.ts';

interface Expected {
  url?: string;
  method?: string;
  headers?: Record<string, string | null>;
  json?: JsonValue;
  form?: Record<string, string>;
  text?: string;
  no_body?: true;
  missing?: string[];
  failure?: string;
  sent?: string;
  message_names?: string;
  message_hides?: string;
  violation?: string;
  violations?: string[];
  masked?: Expected;
}

interface Case {
  name: string;
  webhook_type?: string;
  agent_variables: JsonObject;
  secrets?: Record<string, string>;
  facts: {
    caller_phone?: string;
    call_duration?: string;
    call_summary?: string;
    metadata?: JsonObject;
    dynamic_variables?: JsonObject;
  };
  config: {
    api_schema: {
      url: string;
      method: string;
      request_headers?: Record<string, string>;
      request_body?: JsonValue;
    };
  };
  expect: Expected;
}

const AGENT_UUID = '00000000-0000-4000-8000-00000000000a';
const CONVERSATION_UUID = '00000000-0000-4000-8000-00000000000c';

const casesOf = (file: string): Case[] =>
  JSON.parse(readFileSync(new URL(`../../../vectors/${file}`, import.meta.url), 'utf8')).cases;

const typeOf = ({ webhook_type }: Case): WebhookType =>
  webhook_type === 'WEBHOOK_TYPE_POST_CALL' ? 'post_call' : 'pre_call';

const check = (vector: Case) => {
  const { api_schema: schema } = vector.config;
  return validateWebhookConfig(
    {
      apiSchema: {
        url: schema.url,
        method: schema.method,
        requestHeaders: schema.request_headers ?? {},
        requestBody: schema.request_body,
      },
      assignments: [],
      responseTimeoutSecs: 0,
      failurePolicy: 'unspecified',
      signingSecretNames: [],
    },
    {
      path: 'webhook_config',
      webhookType: typeOf(vector),
      declaredVariables: new Set(Object.keys(vector.agent_variables)),
      secretNames: new Set(Object.keys(vector.secrets ?? {})),
    },
  );
};

const valuesOf = (vector: Case) => {
  const { facts: details } = vector;
  const requested = details.dynamic_variables ?? {};
  return createPlaceholderValues({
    webhookType: typeOf(vector),
    agentUuid: AGENT_UUID,
    conversationUuid: CONVERSATION_UUID,
    details: {
      callerPhone: details.caller_phone ?? '',
      metadata: details.metadata ?? {},
      dynamicVariables: requested,
      ...(details.call_duration === undefined
        ? {}
        : { callDurationSecs: Number.parseFloat(details.call_duration) }),
      callSummary: details.call_summary ?? '',
    },
    variables: preCallVariables(storedDefaults(vector.agent_variables), requested).variables,
    secrets: vector.secrets ?? {},
  });
};

const fill = (value: JsonValue): JsonValue =>
  JSON.parse(JSON.stringify(value).replaceAll('<agent_uuid>', AGENT_UUID));

const expectRequest = (request: RenderedRequest, expected: Expected) => {
  if (expected.url !== undefined) expect(request.url).to.equal(expected.url);
  if (expected.method !== undefined) expect(request.method).to.equal(expected.method);
  for (const [name, value] of Object.entries(expected.headers ?? {})) {
    expect(request.headers[name], name).to.equal(value ?? undefined);
  }
  if (expected.json !== undefined) expect(JSON.parse(request.body ?? '')).to.deep.equal(fill(expected.json));
  if (expected.form !== undefined) {
    expect(Object.fromEntries(new URLSearchParams(request.body))).to.deep.equal(expected.form);
  }
  if (expected.text !== undefined) expect(request.body).to.equal(expected.text);
  if (expected.no_body === true) expect(request).not.to.have.any.keys('body');
};

const runRendering = (vector: Case) => {
  const { config, violations } = check(vector);
  expect(violations).to.deep.equal([]);
  const compiled = compileRequest(config);
  const values = valuesOf(vector);
  const result = renderRequest(compiled, values);
  const { expect: expected } = vector;
  if (expected.missing !== undefined) expect(result.missing).to.deep.equal(expected.missing);
  if (!result.ok) {
    expect(expected.failure, result.failure.message).to.equal(`FAILURE_CODE_${result.failure.code}`);
    expect(`SENT_${result.failure.sent.toUpperCase()}`).to.equal(expected.sent);
    expect(result.failure.message).to.contain(expected.message_names ?? '');
    if (expected.message_hides !== undefined)
      expect(result.failure.message).not.to.contain(expected.message_hides);
    return;
  }
  expect(expected.failure).to.equal(undefined);
  expectRequest(result.request, expected);
  if (expected.masked === undefined) return;
  const masked = maskedRender(compiled, values, result.request);
  expectRequest(masked, expected.masked);
  const record = JSON.stringify(toRequestRecord(masked, 4096, (text) => text));
  for (const secret of Object.values(vector.secrets ?? {})) expect(record).not.to.contain(secret);
};

const runRefusal = (vector: Case) => {
  const { violation, violations = [violation] } = vector.expect;
  expect(check(vector).violations.map(({ field }) => field)).to.deep.equal(violations);
};

for (const file of ['template.json', 'template-more.json']) {
  describe(`renderRequest and validateWebhookConfig, by ${file}`, () => {
    for (const vector of casesOf(file)) {
      const isRefused = vector.expect.violation !== undefined || vector.expect.violations !== undefined;
      it(vector.name, () => (isRefused ? runRefusal(vector) : runRendering(vector)));
    }
  });
}
