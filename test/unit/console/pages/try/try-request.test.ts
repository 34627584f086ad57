import { expect } from 'chai';
import { tryFormOf, type TryForm } from '../../../../../src/console/pages/try/try-form.ts';
import { readTryRequest } from '../../../../../src/console/pages/try/try-request.ts';

const CONFIG = { api_schema: { url: 'https://a.example/', method: 'GET' }, response_timeout_secs: 2 };

function read(texts: Partial<TryForm>) {
  return readTryRequest(tryFormOf(texts));
}

describe('readTryRequest', () => {
  it('reads each control into its field', () => {
    const { request, problems } = read({
      webhook_uuid: 'w',
      agent_uuid: 'a',
      webhook_type: 'post_call',
      webhook_config: JSON.stringify(CONFIG),
      conversation_uuid: 'c',
      caller_phone: '+1',
      dynamic_variables: '{"plan": "gold"}',
      metadata: '{"direction": "inbound"}',
      call_duration: '142.5',
      call_summary: 'All is well.',
    });
    expect(problems).to.deep.equal([]);
    expect(request).to.deep.include({
      ...{ webhookUuid: 'w', agentUuid: 'a', webhookType: 2, conversationUuid: 'c', callerPhone: '+1' },
      ...{ dynamicVariables: { plan: 'gold' }, metadata: { direction: 'inbound' } },
      ...{ callDuration: { seconds: 142n, nanos: 500_000_000 }, callSummary: 'All is well.', send: false },
    });
    expect(request.webhookConfig?.apiSchema?.url).to.equal('https://a.example/');
  });

  it('leaves fields unset whose controls are empty or blank', () => {
    const { request, problems } = read({ webhook_config: ' \n', metadata: ' ' });
    expect(problems).to.deep.equal([]);
    expect(request.webhookConfig).to.equal(undefined);
    expect(request.metadata).to.equal(undefined);
  });

  for (const [title, json] of [
    ['a webhook_config', CONFIG],
    ['a whole webhook', { webhook_uuid: 'w', webhook_config: CONFIG }],
    ['a webhook in camel case', { webhookConfig: { apiSchema: CONFIG.api_schema } }],
  ] as const) {
    it(`reads the configuration from ${title}`, () => {
      const { request } = read({ webhook_config: JSON.stringify(json) });
      expect(request.webhookConfig?.apiSchema?.method).to.equal('GET');
    });
  }

  const bad: [title: string, texts: Partial<TryForm>, description: RegExp][] = [
    ['a type that is none', { webhook_type: 'mid_call' }, /^must be pre_call or post_call$/],
    ['a configuration that is not JSON', { webhook_config: '{' }, /^is not JSON: .*line 1 column 2/],
    ['an unknown field in it', { webhook_config: '{"uri": 1}' }, /^is no webhook_config: .*uri/],
    ['a configuration that is a number', { webhook_config: '7' }, /^is no webhook_config/],
    ['variables that are a list', { dynamic_variables: '["a"]' }, /^must be a JSON object or lines/],
    ['metadata that is a text', { metadata: '"a"' }, /^must be a JSON object/],
    ['metadata that is null', { metadata: 'null' }, /^must be a JSON object/],
    [
      'metadata with a large depth',
      { metadata: `{"a":${'['.repeat(70)}${']'.repeat(70)}}` },
      /deeper than 64/,
    ],
    ['a text with more characters than are read', { metadata: ' '.repeat(70_000) + '{}' }, /more than 65536/],
    [
      'more values than are read',
      { metadata: `{"a":[${'1,'.repeat(2_000)}1]}` },
      /more than 2000 values here/,
    ],
    ['a duration with a unit', { call_duration: '142s' }, /^must be seconds, such as 142.5$/],
    ['a negative duration', { call_duration: '-1' }, /^must be seconds/],
  ];
  for (const [title, texts, description] of bad) {
    it(`returns a problem at the control for ${title}, and a request without the field`, () => {
      const { request, problems } = read(texts);
      const [control] = Object.keys(texts);
      expect(problems).to.have.length(1);
      expect(problems[0]).to.include({ control, field: control });
      expect(problems[0]?.description).to.match(description);
      expect(request).to.include({ webhookConfig: undefined, metadata: undefined, callDuration: undefined });
    });
  }

  it('returns all problems at once', () => {
    const { problems } = read({
      webhook_config: '{',
      metadata: '{',
      dynamic_variables: 'a',
      call_duration: 'b',
    });
    expect(problems.map(({ control }) => control)).to.have.members([
      ...['webhook_config', 'metadata', 'dynamic_variables', 'call_duration'],
    ]);
  });
});
