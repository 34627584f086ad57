import { expect } from 'chai';
import {
  validateAgent,
  type AgentContext,
  type AgentDraft,
} from '../../../../src/domain/validation/validate-agent.ts';
import type { JsonObject, JsonValue } from '../../../../src/domain/json.ts';
import { draftOf } from '../../../support/webhook-drafts.ts';

const context: AgentContext = { secretNames: new Set(['CRM']) };
const agent: AgentDraft = { displayName: 'Ada', dynamicVariables: {}, webhooks: [] };

const check = (draft: Partial<AgentDraft>, more: Partial<AgentContext> = {}) =>
  validateAgent({ ...agent, ...draft }, { ...context, ...more });

const fieldsOf = (draft: Partial<AgentDraft>, more: Partial<AgentContext> = {}): string[] =>
  check(draft, more).violations.map(({ field }) => field);

const nested = (depth: number): JsonValue => (depth === 0 ? 1 : [nested(depth - 1)]);
const many = (count: number, value: JsonValue = null): JsonObject =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`v${i}`, value]));

const webhook = (
  webhookType: AgentDraft['webhooks'][number]['webhookType'],
  url = 'https://api.example.com/',
) => ({
  webhookType,
  config: draftOf({ api_schema: { url, method: 'POST' } }),
  disabled: false,
});

describe('validateAgent, for dynamic variables', () => {
  const V = 'agent.dynamic_variables';
  const rows: [string, JsonObject, string[]][] = [
    ['accepts names of letters, digits and underscores', { _a1: 1, B: 2, ['x'.repeat(64)]: 3 }, []],
    ['refuses names of 65 letters', { ['x'.repeat(65)]: 1 }, [`${V}["${'x'.repeat(64)}…"]`]],
    [
      'refuses other characters',
      { 'a-b': 1, '1a': 1, '': 1, é: 1 },
      [`${V}["a-b"]`, `${V}["1a"]`, `${V}[""]`, `${V}["é"]`],
    ],
    [
      'refuses built-ins of both types',
      { agent_uuid: 1, call_summary: 1 },
      [`${V}.agent_uuid`, `${V}.call_summary`],
    ],
    [
      'refuses reserved roots',
      { call: 1, secret: 1, system: 1 },
      [`${V}.call`, `${V}.secret`, `${V}.system`],
    ],
    ['refuses names of prototypes', { constructor: 1, prototype: 1 }, [`${V}.constructor`, `${V}.prototype`]],
    ['accepts 128 variables', many(128), []],
    ['refuses 129 variables', many(129), [V]],
    ['accepts values of 16 KiB', { a: 'x'.repeat(16_382) }, []],
    ['refuses values over 16 KiB', { a: 'x'.repeat(16_383) }, [`${V}.a`]],
    ['refuses more than 256 KiB together', many(17, 'x'.repeat(16_000)), [V]],
    ['accepts depth 24', { a: nested(24) }, []],
    ['refuses depth 25', { a: nested(25) }, [`${V}.a${'[0]'.repeat(24)}`]],
    ['refuses numbers that are not finite', { a: { b: [NaN, -Infinity] } }, [`${V}.a.b[0]`, `${V}.a.b[1]`]],
    ['refuses a mask', { a: '••••••' }, [`${V}.a`]],
  ];
  for (const [title, dynamicVariables, expected] of rows) {
    it(title, () => expect(fieldsOf({ dynamicVariables })).to.deep.equal(expected));
  }

  it('stores a default that is its own placeholder as null, and no other', () => {
    const given = { x: '{{x}}', y: '{{ y }}', z: '{{x}}', w: 'a {{w}}', p: '{{p.q}}', e: '\\{{e}}' };
    const { agent: checked } = check({ dynamicVariables: given });
    expect(checked.dynamicVariables).to.deep.equal({ ...given, x: null, y: null });
  });

  it('drops the key __proto__', () => {
    const dynamicVariables = JSON.parse('{"__proto__":{"a":1},"b":{"__proto__":1,"c":2}}') as JsonObject;
    const { agent: checked, violations } = check({ dynamicVariables });
    expect(violations).to.deep.equal([]);
    expect(checked.dynamicVariables).to.deep.equal({ b: { c: 2 } });
  });
});

describe('validateAgent', () => {
  it('accepts a display_name of 128 bytes and refuses a longer one', () => {
    expect(fieldsOf({ displayName: '' })).to.deep.equal([]);
    expect(fieldsOf({ displayName: 'é'.repeat(64) })).to.deep.equal([]);
    expect(fieldsOf({ displayName: `${'é'.repeat(64)}x` })).to.deep.equal(['agent.display_name']);
  });

  it('accepts one webhook of each type and fills in the defaults of its type', () => {
    const { agent: checked, violations } = check({ webhooks: [webhook('post_call'), webhook('pre_call')] });
    expect(violations).to.deep.equal([]);
    expect(
      checked.webhooks.map(({ webhookType, config }) => [webhookType, config.responseTimeoutSecs]),
    ).to.deep.equal([
      ['post_call', 5],
      ['pre_call', 10],
    ]);
  });

  it('refuses a second webhook of a type, and unknown types', () => {
    const webhooks = [webhook('pre_call'), webhook('pre_call'), webhook('unspecified'), webhook('unknown')];
    expect(fieldsOf({ webhooks })).to.deep.equal([1, 2, 3].map((i) => `agent.webhooks[${i}].webhook_type`));
  });

  it('refuses a webhook without a configuration', () => {
    const webhooks = [{ webhookType: 'pre_call' as const, config: undefined, disabled: false }];
    expect(fieldsOf({ webhooks })).to.deep.equal(['agent.webhooks[0].webhook_config']);
  });

  it('refuses a webhook that names a secret which the agent does not have', () => {
    const url = 'https://api.example.com/{{plan}}?k={{secret.CRM}}&o={{secret.OTHER}}';
    expect(fieldsOf({ dynamicVariables: { plan: 1 }, webhooks: [webhook('pre_call', url)] })).to.deep.equal([
      'agent.webhooks[0].webhook_config.api_schema.url',
    ]);
  });

  it('accepts a mask in a webhook only when the stored webhook of its type has the value', () => {
    const config = draftOf({
      api_schema: {
        url: 'https://api.example.com/',
        method: 'POST',
        request_headers: { Authorization: '••••••' },
      },
    });
    const webhooks = [
      { webhookType: 'pre_call' as const, config, disabled: false },
      { webhookType: 'post_call' as const, config, disabled: false },
    ];
    const stored: AgentContext['stored'] = (type) =>
      type === 'post_call'
        ? { storedHeaders: new Set(['authorization']), storedOrigin: 'https://api.example.com' }
        : undefined;
    expect(fieldsOf({ webhooks }, { stored })).to.deep.equal([
      'agent.webhooks[0].webhook_config.api_schema.request_headers[Authorization]',
    ]);
  });

  it('validates only the fields that a save changes', () => {
    const wrong: AgentDraft = {
      displayName: 'x'.repeat(129),
      dynamicVariables: { call: 1 },
      webhooks: [webhook('unspecified')],
    };
    for (const [field, path] of [
      ['display_name', 'agent.display_name'],
      ['dynamic_variables', 'agent.dynamic_variables.call'],
      ['webhooks', 'agent.webhooks[0].webhook_type'],
    ]) {
      expect(fieldsOf(wrong, { isChanged: (name) => name === field })).to.deep.equal([path]);
    }
  });
});
