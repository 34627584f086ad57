import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import {
  validateWebhookConfig,
  type WebhookConfigContext,
} from '../../../../src/domain/validation/validate-webhook-config.ts';
import type { JsonObject, JsonValue } from '../../../../src/domain/json.ts';
import type { WebhookType } from '../../../../src/domain/agent.ts';
import { toDraft } from '../../../../src/domain/webhook-draft.ts';
import { draftOf, type ConfigJson } from '../../../support/webhook-drafts.ts';

interface Case {
  name: string;
  webhook_type?: string;
  agent_variables?: JsonObject;
  variables?: string[];
  secrets?: Record<string, string>;
  stored?: { headers: string[]; origin: string };
  refuses?: string;
  config: ConfigJson;
  expect: { violation?: string; violations?: string[]; says?: string; hides?: string };
}

const casesOf = (file: string): Case[] =>
  JSON.parse(readFileSync(new URL(`../../../vectors/${file}`, import.meta.url), 'utf8')).cases;

const typeOf = ({ webhook_type }: Case): WebhookType =>
  webhook_type === 'WEBHOOK_TYPE_POST_CALL' ? 'post_call' : 'pre_call';

const contextOf = (vector: Case): WebhookConfigContext => {
  const { secrets = {}, stored, refuses } = vector;
  return {
    webhookType: typeOf(vector),
    path: 'webhook_config',
    declaredVariables: new Set(vector.variables ?? Object.keys(vector.agent_variables ?? {})),
    secretNames: new Set(Object.keys(secrets)),
    secretValue: (name) => secrets[name],
    checkUrl: () => refuses,
    storedHeaders: new Set(stored?.headers),
    storedOrigin: stored?.origin,
  };
};

const plain: WebhookConfigContext = {
  webhookType: 'pre_call',
  path: 'webhook_config',
  declaredVariables: new Set(['v']),
  secretNames: new Set(),
};

const check = (config: ConfigJson, context: Partial<WebhookConfigContext> = {}) =>
  validateWebhookConfig(draftOf(config), { ...plain, ...context });

const fieldsOf = (config: ConfigJson, context: Partial<WebhookConfigContext> = {}): string[] =>
  check(config, context).violations.map(({ field }) => field);

const withSchema = (schema: ConfigJson['api_schema'], more: ConfigJson = {}): ConfigJson => ({
  api_schema: { url: 'https://api.example.com/x', method: 'POST', ...schema },
  ...more,
});

const S = 'webhook_config.api_schema';

describe('validateWebhookConfig, by template.json and template-more.json', () => {
  for (const vector of [...casesOf('template.json'), ...casesOf('template-more.json')]) {
    const { violation, violations = violation === undefined ? [] : [violation] } = vector.expect;
    it(`${violations.length > 0 ? 'refuses' : 'accepts'}: ${vector.name}`, () => {
      const found = validateWebhookConfig(draftOf(vector.config), contextOf(vector)).violations;
      const fields = [...new Set(found.map(({ field }) => field))];
      expect(fields, JSON.stringify(found)).to.deep.equal(violations);
    });
  }
});

describe('validateWebhookConfig, by checks-more.json', () => {
  for (const vector of casesOf('checks-more.json')) {
    it(vector.name, () => {
      const { config, violations } = validateWebhookConfig(draftOf(vector.config), contextOf(vector));
      const { says, hides, violations: expected } = vector.expect;
      expect(
        violations.map(({ field }) => field),
        JSON.stringify(violations),
      ).to.deep.equal(expected);
      const sentences = violations.map(({ description }) => description).join('\n');
      if (says !== undefined) expect(sentences).to.contain(says);
      if (hides !== undefined) expect(sentences).not.to.contain(hides);
      if (violations.length > 0) return;
      const again = validateWebhookConfig(toDraft(config), contextOf(vector));
      expect(again).to.deep.equal({ config, violations: [] });
    });
  }
});

describe('validateWebhookConfig, for defaults', () => {
  const config = withSchema({ method: 'post', request_headers: { 'X-B': '1', 'x-a': '2' } });

  it('fills in the defaults of a pre-call webhook', () => {
    expect(check(config).config).to.deep.equal({
      apiSchema: {
        url: 'https://api.example.com/x',
        method: 'POST',
        requestHeaders: { 'X-B': '1', 'x-a': '2' },
      },
      assignments: [],
      responseTimeoutSecs: 10,
      failurePolicy: 'proceed',
      signingSecretNames: [],
    });
  });

  it('fills in the defaults of a post-call webhook', () => {
    const { responseTimeoutSecs, failurePolicy } = check(config, { webhookType: 'post_call' }).config;
    expect({ responseTimeoutSecs, failurePolicy }).to.deep.equal({
      responseTimeoutSecs: 5,
      failurePolicy: null,
    });
  });

  it('keeps the values that are given', () => {
    const rules = [{ attribute_name: 'a.b', dynamic_variable: 'v', default_value: null }];
    const given = withSchema(
      { request_body: { a: [null] } },
      {
        assignments: rules,
        response_timeout_secs: 2.5,
        failure_policy: 'block',
      },
    );
    expect(check(given).config).to.deep.include({
      assignments: [{ attributeName: 'a.b', dynamicVariable: 'v', required: false, defaultValue: null }],
      responseTimeoutSecs: 2.5,
      failurePolicy: 'block',
    });
  });

  it('keeps assign_null and skip_empty where they are set', () => {
    const rule = { attribute_name: 'a', dynamic_variable: 'v' };
    const assignments = [{ ...rule, assign_null: true, skip_empty: true }, rule];
    const filled = { attributeName: 'a', dynamicVariable: 'v', required: false };
    expect(check(withSchema({}, { assignments })).config.assignments).to.deep.equal([
      { ...filled, assignNull: true, skipEmpty: true },
      filled,
    ]);
  });

  it('drops the key __proto__ at any depth', () => {
    const body = JSON.parse('{"a":{"__proto__":{"b":1},"c":2}}') as JsonValue;
    const { config: filled, violations } = check(withSchema({ request_body: body }));
    expect(violations).to.deep.equal([]);
    expect(filled.apiSchema.requestBody).to.deep.equal({ a: { c: 2 } });
  });
});

describe('validateWebhookConfig, for assignments of *', () => {
  const violationsOfRules = (...rules: NonNullable<ConfigJson['assignments']>) =>
    check(withSchema({}, { assignments: rules.map((rule) => ({ attribute_name: '$', ...rule })) }))
      .violations;
  const every = { dynamic_variable: '*' };

  it('takes one, required or not', () => {
    expect(violationsOfRules(every, { dynamic_variable: 'v' })).to.deep.equal([]);
    expect(violationsOfRules({ ...every, required: true, assign_null: true })).to.deep.equal([]);
  });

  it('refuses every one behind the first', () => {
    expect(violationsOfRules(every, { dynamic_variable: 'v' }, every, every)).to.deep.equal(
      [2, 3].map((i) => ({
        field: `webhook_config.assignments[${i}].dynamic_variable`,
        description: 'must be "*" in one assignment only',
      })),
    );
  });

  it('refuses a default, null too', () => {
    for (const more of [{ default_value: {} }, { default_value: null, required: true }])
      expect(violationsOfRules({ ...every, ...more })).to.deep.equal([
        {
          field: 'webhook_config.assignments[0].default_value',
          description: "can't be the default of all variables: declare their defaults",
        },
      ]);
  });
});

describe('validateWebhookConfig, when a save changes some fields only', () => {
  const only = (...fields: string[]): Partial<WebhookConfigContext> => ({
    isChanged: (field) => fields.includes(field),
  });
  const asked: string[] = [];
  const refusing = { checkUrl: (url: string) => (asked.push(url), 'not allowed') };
  beforeEach(() => (asked.length = 0));

  it('accepts a URL that the egress policy refuses by now while other fields change', () => {
    const context = { ...refusing, ...only('webhook_config.response_timeout_secs') };
    expect(fieldsOf(withSchema({}), context)).to.deep.equal([]);
    expect(asked).to.deep.equal([]);
  });

  it('checks the origin of a changed URL against the egress policy', () => {
    const config = withSchema({ url: 'HTTPS://API.example.com/{{v}}?a=1' });
    expect(fieldsOf(config, { ...refusing, ...only(`${S}.url`) })).to.deep.equal([`${S}.url`]);
    expect(asked).to.deep.equal(['https://api.example.com/']);
  });

  it('validates masked headers when only the URL changes', () => {
    const config = withSchema({
      url: 'https://evil.example/',
      request_headers: { Authorization: '••••••', Host: 'x' },
    });
    const stored = { storedHeaders: new Set(['authorization']), storedOrigin: 'https://api.example.com' };
    expect(fieldsOf(config, { ...stored, ...only(`${S}.url`) })).to.deep.equal([
      `${S}.request_headers[Authorization]`,
    ]);
  });

  it('validates the body against method and content type when one of them changes', () => {
    const config = withSchema({ method: 'GET', request_body: { bad: '{{nope}}' } });
    expect(fieldsOf(config, only(`${S}.method`))).to.deep.equal([`${S}.request_body`]);
    const form = withSchema({
      request_headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      request_body: { a: { bad: '{{nope}}' } },
    });
    expect(fieldsOf(form, only(`${S}.request_headers`))).to.deep.equal([`${S}.request_body.a`]);
    expect(fieldsOf(form, only('webhook_config.assignments'))).to.deep.equal([]);
  });

  it('begins the paths of violations with the given path', () => {
    const { violations } = check(withSchema({ method: '' }), { path: 'agent.webhooks[1].webhook_config' });
    expect(violations).to.deep.equal([
      { field: 'agent.webhooks[1].webhook_config.api_schema.method', description: 'is required' },
    ]);
  });

  it('refuses a request without a configuration', () => {
    const { violations } = validateWebhookConfig(undefined, plain);
    expect(violations).to.deep.equal([{ field: 'webhook_config', description: 'is required' }]);
  });
});
