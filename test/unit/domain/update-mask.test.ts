import { expect } from 'chai';
import fc from 'fast-check';
import type { WebhookConfig } from '../../../src/domain/agent.ts';
import type { HmacSignature } from '../../../src/domain/auth/hmac-signature.ts';
import { applyWebhookMask, parseUpdateMask } from '../../../src/domain/update-mask.ts';
import { toDraft, type WebhookConfigDraft } from '../../../src/domain/webhook-draft.ts';
import { nearlyRightText } from '../../support/arbitrary-drafts.ts';

const S = 'webhook_config.api_schema';
const SCHEMA = ['url', 'method', 'request_headers', 'request_body', 'auth', 'max_redirects'].map(
  (name) => `${S}.${name}`,
);
const CONFIG = [
  ...SCHEMA,
  'webhook_config.assignments',
  'webhook_config.response_timeout_secs',
  'webhook_config.failure_policy',
  'webhook_config.signing_secret_names',
  'webhook_config.hmac_signature',
  'webhook_config.rejection',
];

describe('parseUpdateMask', () => {
  const accepted: ['webhook' | 'agent', string[], string[]][] = [
    ['webhook', ['*'], ['disabled', ...CONFIG]],
    ['webhook', ['webhook_config'], CONFIG],
    ['webhook', ['webhook_config.api_schema'], SCHEMA],
    ['webhook', ['disabled', 'disabled'], ['disabled']],
    ['webhook', ['webhook_config', `${S}.url`], CONFIG],
    ['agent', ['*'], ['display_name', 'dynamic_variables', 'webhooks']],
    ['agent', ['webhooks', 'display_name'], ['webhooks', 'display_name']],
    ...['disabled', ...CONFIG].map((path): ['webhook', string[], string[]] => ['webhook', [path], [path]]),
  ];
  for (const [kind, paths, fields] of accepted) {
    it(`accepts ${paths.join(', ')} of ${kind === 'agent' ? 'an agent' : 'a webhook'}`, () => {
      const { mask, violations } = parseUpdateMask(paths, kind);
      expect(violations).to.deep.equal([]);
      expect([...mask]).to.deep.equal(fields);
    });
  }

  const refused: ['webhook' | 'agent', string, string][] = [
    ['webhook', 'webhook_uuid', "can't be changed"],
    ['webhook', 'agent_uuid', "can't be changed"],
    ['webhook', 'webhook_type', "can't be changed"],
    ['webhook', 'etag', "can't be changed"],
    ['webhook', 'created_at', "can't be changed"],
    ['agent', 'secret_names', "can't be changed"],
    ['agent', 'updated_at', "can't be changed"],
    ['webhook', 'url', 'must be one of'],
    ['webhook', 'webhookConfig', 'must be one of'],
    ['webhook', `${S}.request_headers.Authorization`, `${S}.request_headers is replaced whole`],
    ['webhook', `${S}.request_headers[Authorization]`, 'must be one of'],
    ['webhook', 'webhook_config.assignments[0]', 'must be one of'],
    ['webhook', 'webhook_config.*', 'must be one of'],
    ['webhook', '', 'must be one of'],
    ['webhook', 'constructor', 'must be one of'],
    ['agent', 'dynamic_variables.plan', 'dynamic_variables is replaced whole'],
    ['agent', 'webhook_config', 'must be one of'],
    ['agent', 'secrets', 'must be one of'],
  ];
  for (const [kind, path, says] of refused) {
    it(`refuses "${path}" of ${kind === 'agent' ? 'an agent' : 'a webhook'}`, () => {
      const { violations } = parseUpdateMask([kind === 'agent' ? 'webhooks' : 'disabled', path], kind);
      expect(violations.map(({ field }) => field)).to.deep.equal(['update_mask.paths[1]']);
      expect(violations[0]?.description).to.contain(says);
    });
  }

  it('refuses a mask without paths', () => {
    expect(parseUpdateMask([], 'webhook').violations).to.deep.equal([
      { field: 'update_mask', description: 'is required' },
    ]);
  });

  it('returns a violation for each wrong path, and only one for more than 64 paths', () => {
    expect(parseUpdateMask(['a', '*', 'b'], 'agent').violations).to.have.length(2);
    expect(
      parseUpdateMask(
        Array.from({ length: 100_000 }, () => ''),
        'agent',
      ).violations,
    ).to.have.length(1);
  });

  it('returns only fields of the closed list, for any paths', () => {
    const path = fc.oneof(
      nearlyRightText,
      fc.constantFrom('*', 'webhook_config', 'disabled', 'etag', 'webhooks', 'toString'),
    );
    fc.assert(
      fc.property(fc.array(path), fc.constantFrom('webhook' as const, 'agent' as const), (paths, kind) => {
        const { mask, violations } = parseUpdateMask(paths, kind);
        const all = parseUpdateMask(['*'], kind).mask;
        expect([...mask].filter((field) => !all.has(field))).to.deep.equal([]);
        if (violations.length === 0) expect(mask.size).to.be.greaterThan(0);
      }),
    );
  });
});

const HMAC: HmacSignature = {
  secretName: 'OLD',
  header: 'X-Signature',
  hashAlgorithm: 'sha1',
  encoding: 'base64',
  signedPayload: '{body}',
  headerValue: '{signature}',
};

describe('applyWebhookMask', () => {
  const current: WebhookConfig = {
    apiSchema: {
      url: 'https://old.example/',
      method: 'POST',
      requestHeaders: { Authorization: '••••••' },
      requestBody: { old: true },
      auth: { method: { kind: 'bearer', token: '••••••' } },
      maxRedirects: 2,
    },
    assignments: [{ attributeName: 'old', dynamicVariable: 'v', required: true }],
    responseTimeoutSecs: 7,
    failurePolicy: 'block',
    signingSecretNames: ['OLD'],
    hmacSignature: HMAC,
    rejection: { httpStatuses: [403], attributeName: '', equals: [], reasonAttributeName: '' },
  };
  const wanted: WebhookConfigDraft = {
    apiSchema: {
      url: 'https://new.example/',
      method: 'GET',
      requestHeaders: { 'X-New': '1' },
      requestBody: undefined,
      auth: undefined,
      maxRedirects: 0,
    },
    assignments: [],
    responseTimeoutSecs: 0,
    failurePolicy: 'unspecified',
    signingSecretNames: [],
    hmacSignature: undefined,
    rejection: undefined,
  };
  const apply = (paths: string[], config: WebhookConfigDraft = wanted) =>
    applyWebhookMask(
      { config: current, disabled: true },
      { config, disabled: false },
      parseUpdateMask(paths, 'webhook').mask,
    );
  const stored = toDraft(current);

  it('changes every field for *', () => {
    expect(apply(['*'])).to.deep.equal({ config: wanted, disabled: false });
  });

  it('changes disabled alone', () => {
    expect(apply(['disabled'])).to.deep.equal({ config: stored, disabled: false });
  });

  const rows: [string, Partial<WebhookConfigDraft>][] = [
    ['webhook_config.assignments', { assignments: [] }],
    ['webhook_config.response_timeout_secs', { responseTimeoutSecs: 0 }],
    ['webhook_config.failure_policy', { failurePolicy: 'unspecified' }],
    ['webhook_config.signing_secret_names', { signingSecretNames: [] }],
    ['webhook_config.hmac_signature', { hmacSignature: undefined }],
    ['webhook_config.rejection', { rejection: undefined }],
    ['webhook_config.api_schema', { apiSchema: wanted.apiSchema }],
    [`${S}.url`, { apiSchema: { ...current.apiSchema, url: 'https://new.example/' } }],
    [`${S}.method`, { apiSchema: { ...current.apiSchema, method: 'GET' } }],
    [`${S}.request_headers`, { apiSchema: { ...current.apiSchema, requestHeaders: { 'X-New': '1' } } }],
    [`${S}.request_body`, { apiSchema: { ...current.apiSchema, requestBody: undefined } }],
    [`${S}.auth`, { apiSchema: { ...current.apiSchema, auth: undefined } }],
    [`${S}.max_redirects`, { apiSchema: { ...current.apiSchema, maxRedirects: 0 } }],
  ];
  for (const [path, change] of rows) {
    it(`changes ${path} alone`, () => {
      expect(apply([path])).to.deep.equal({ config: { ...stored, ...change }, disabled: true });
    });
  }

  it('removes api_schema when all of a missing one is wanted, and empties a field when a part of it is wanted', () => {
    const without = { ...wanted, apiSchema: undefined };
    expect(apply(['webhook_config'], without).config.apiSchema).to.equal(undefined);
    expect(apply([`${S}.url`], without).config.apiSchema).to.deep.equal({ ...current.apiSchema, url: '' });
  });
});
