import { expect } from 'chai';
import type * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { describeEachEngine } from '../support/engines.ts';
import { errorOf, type Partially, type Rpc } from '../support/rpc.ts';
import { configOf, nested, NOBODY, POST_CALL, PRE_CALL, webhookOf } from '../support/samples.ts';

const MASK = '••••••';
const NIL = '00000000-0000-0000-0000-000000000000';
const long = (bytes: number) => 'x'.repeat(bytes);
const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));
const namedMany = (count: number, value: unknown = 1) =>
  Object.fromEntries(many(count, (i) => [`v${i}`, value]));

/** A bad request to an RPC and the paths that its one error lists, in order. */
type Row = readonly [title: string, request: object, fields: readonly string[]];

/** Rows for a message that holds a `WebhookConfig` at `path`; the agent declares `x` and has the secret `s`. */
const configRows = (
  wrap: (config: Partially<pb.WebhookConfig>, type?: pb.WebhookType) => object,
  path: string,
): Row[] => {
  const schema = (change: Partially<pb.ApiSchema>) => wrap(configOf(change));
  const more = (change: Partially<pb.WebhookConfig>) => wrap(configOf({}, change));
  const headers = (requestHeaders: Record<string, string>) => schema({ requestHeaders });
  const rule = (change: Partially<pb.Assignment>) =>
    more({ assignments: [{ attributeName: 'a', dynamicVariable: 'x', ...change }] });
  const url = `${path}.api_schema.url`;
  const header = (name: string) => `${path}.api_schema.request_headers[${name}]`;
  const body = `${path}.api_schema.request_body`;
  return [
    ['no api_schema', wrap({}), [`${path}.api_schema`]],
    ['an empty api_schema', wrap({ apiSchema: {} }), [url, `${path}.api_schema.method`]],
    ['a URL that is none', schema({ url: 'not a url' }), [url]],
    ['a URL of another scheme', schema({ url: 'ftp://api.example.com/' }), [url]],
    ['a URL with userinfo', schema({ url: 'https://user:pass@api.example.com/' }), [url]],
    ['a URL with a fragment', schema({ url: 'https://api.example.com/#a' }), [url]],
    ['a URL with a placeholder in its host', schema({ url: 'https://{{x}}.example.com/' }), [url]],
    ['a URL with a secret in its path', schema({ url: 'https://api.example.com/{{secret.s}}' }), [url]],
    ['a URL with an unknown variable', schema({ url: 'https://api.example.com/{{nope}}' }), [url]],
    ['a URL of 4,097 bytes', schema({ url: `https://api.example.com/${long(4097 - 24)}` }), [url]],
    ['a URL with port 0', schema({ url: 'https://api.example.com:0/' }), [url]],
    ['a private URL', schema({ url: 'http://10.0.0.1/' }), [url]],
    ['a special-use name', schema({ url: 'http://printer.local/' }), [url]],
    ['an unknown method', schema({ method: 'BREW' }), [`${path}.api_schema.method`]],
    [
      '33 headers',
      headers(Object.fromEntries(many(33, (i) => [`x-${i}`, '1']))),
      [`${path}.api_schema.request_headers`],
    ],
    [
      'a header that callhooks sets',
      headers({ Host: 'x', 'callhooks-test': '1' }),
      [header('Host'), header('callhooks-test')],
    ],
    ['a header name with a blank', headers({ 'a b': '1' }), [header('a b')]],
    ['an empty header name', headers({ '': '1' }), [header('')]],
    [
      'headers that differ by case only',
      headers({ 'X-A': '1', 'x-a': '2' }),
      [`${path}.api_schema.request_headers`],
    ],
    ['a header value with a line break', headers({ 'X-A': 'a\nb' }), [header('X-A')]],
    ['a header value of 4,097 bytes', headers({ 'X-A': long(4097) }), [header('X-A')]],
    ['a broken template in a header', headers({ 'X-A': 'a {{ b c }}' }), [header('X-A')]],
    ['a mask where nothing is stored', headers({ Authorization: MASK }), [header('Authorization')]],
    ['a mask in a header that is not sensitive', headers({ 'X-A': MASK }), [header('X-A')]],
    ['an unknown secret in a header', headers({ 'X-A': '{{secret.nope}}' }), [header('X-A')]],
    [
      'a body that is not finite',
      schema({ requestBody: { a: [NaN], b: Infinity } }),
      [`${body}.a[0]`, `${body}.b`],
    ],
    ['a body nested deeper than 24', schema({ requestBody: nested(25) }), [`${body}${'.d'.repeat(24)}`]],
    ['a body of 64 KiB and 1', schema({ requestBody: long(64 * 1024 + 1) }), [body]],
    ['placeholders in a key of the body', schema({ requestBody: { '{{x}}': 1 } }), [body]],
    [
      'unknown names in the body',
      schema({ requestBody: { a: '{{nope}}', b: ['{{secret.nope}}'] } }),
      [`${body}.a`, `${body}.b[0]`],
    ],
    ['a body in a GET', schema({ method: 'GET', requestBody: { a: 1 } }), [body]],
    ['a source other than response', rule({ source: 'request' }), [`${path}.assignments[0].source`]],
    ['no attribute_name', rule({ attributeName: '' }), [`${path}.assignments[0].attribute_name`]],
    [
      'an attribute_name of 257 bytes',
      rule({ attributeName: long(257) }),
      [`${path}.assignments[0].attribute_name`],
    ],
    ['an undeclared target', rule({ dynamicVariable: 'nope' }), [`${path}.assignments[0].dynamic_variable`]],
    [
      'a default of a required rule',
      rule({ required: true, defaultValue: 1 }),
      [`${path}.assignments[0].default_value`],
    ],
    [
      'a default that is not finite',
      rule({ defaultValue: [-Infinity] }),
      [`${path}.assignments[0].default_value[0]`],
    ],
    [
      'a default over 16 KiB',
      rule({ defaultValue: long(16 * 1024) }),
      [`${path}.assignments[0].default_value`],
    ],
    [
      '65 assignments',
      more({ assignments: many(65, () => ({ attributeName: 'a', dynamicVariable: 'x' })) }),
      [`${path}.assignments`],
    ],
    [
      'assignments of a post-call webhook',
      wrap(configOf({}, { assignments: [{ attributeName: 'a', dynamicVariable: 'x' }] }), POST_CALL),
      [`${path}.assignments`],
    ],
    ['a time limit below 0.1 s', more({ responseTimeoutSecs: 0.05 }), [`${path}.response_timeout_secs`]],
    ['a time limit over 60 s', more({ responseTimeoutSecs: 60.1 }), [`${path}.response_timeout_secs`]],
    ['a negative time limit', more({ responseTimeoutSecs: -1 }), [`${path}.response_timeout_secs`]],
    ['a time limit that is no number', more({ responseTimeoutSecs: NaN }), [`${path}.response_timeout_secs`]],
    ['an endless time limit', more({ responseTimeoutSecs: Infinity }), [`${path}.response_timeout_secs`]],
    ['an unknown failure policy', more({ failurePolicy: 9 as 1 }), [`${path}.failure_policy`]],
    [
      'a failure policy of a post-call webhook',
      wrap(configOf({}, { failurePolicy: 1 }), POST_CALL),
      [`${path}.failure_policy`],
    ],
    [
      'an unknown signing secret',
      more({ signingSecretNames: ['nope'] }),
      [`${path}.signing_secret_names[0]`],
    ],
    [
      'a secret that is none to sign with',
      more({ signingSecretNames: ['s'] }),
      [`${path}.signing_secret_names[0]`],
    ],
    ['call_duration in a pre-call webhook', schema({ requestBody: '{{call_duration}}' }), [body]],
  ];
};

const EVERYTHING_WRONG: Partially<pb.WebhookConfig> = {
  apiSchema: { url: 'ftp://x', method: 'X', requestHeaders: { host: 'a' }, requestBody: NaN },
  assignments: [
    { source: 'x', attributeName: '', dynamicVariable: 'nope', required: true, defaultValue: NaN },
  ],
  responseTimeoutSecs: -1,
  failurePolicy: 5 as 1,
  signingSecretNames: ['nope'],
};
const everythingWrong = (path: string) => [
  `${path}.api_schema.url`,
  `${path}.api_schema.method`,
  `${path}.api_schema.request_headers[host]`,
  `${path}.api_schema.request_body`,
  `${path}.assignments[0].source`,
  `${path}.assignments[0].attribute_name`,
  `${path}.assignments[0].dynamic_variable`,
  `${path}.assignments[0].default_value`,
  `${path}.response_timeout_secs`,
  `${path}.failure_policy`,
  `${path}.signing_secret_names[0]`,
];

const AGENT = '0d9f6c6a-5a0e-4c8e-9d3e-000000000001';

describeEachEngine('violations', (engine) => {
  let app: TestApp;
  let agent: pb.Agent;
  before(async () => {
    app = await startTestApp(engine);
    const created = await app.rpc.agents.createAgent({
      agent: { agentUuid: AGENT, dynamicVariables: { x: 1 }, webhooks: [webhookOf(PRE_CALL)] },
      secrets: { s: 'a secret' },
    });
    agent = created.agent as pb.Agent;
  });
  after(() => app.close());

  /** Tests that each request is refused with exactly these paths, and that nothing was written. */
  const refuses = (
    name: string,
    rpc: (rpc: Rpc) => (request: object) => Promise<unknown>,
    rows: readonly Row[],
  ) => {
    describe(name, () => {
      for (const [title, request, fields] of rows) {
        it(`refuses ${title}`, async () => {
          const error = await errorOf(rpc(app.rpc)(request));
          expect(error).to.include({ code: 'INVALID_ARGUMENT', reason: 'VALIDATION_FAILED' });
          expect(error.fields.toSorted()).to.deep.equal(fields.toSorted());
          expect(error.info['violations']).to.equal(String(fields.length));
          expect(error.violations.every(({ description }) => description !== '')).to.equal(true);
        });
      }
      it('has written nothing', async () => {
        expect((await app.rpc.agents.getAgent({ agentUuid: AGENT })).agent).to.deep.equal(agent);
      });
    });
  };

  const uuidRows = (field: string, wrap: (uuid: string) => object, isRequired: boolean): Row[] => [
    ...(isRequired ? [[`an empty ${field}`, wrap(''), [field]] as const] : []),
    [`${field} that is no UUID`, wrap('nonsense'), [field]],
    [`${field} in braces`, wrap(`{${NOBODY}}`), [field]],
    [`${field} without dashes`, wrap(NOBODY.replaceAll('-', '')), [field]],
    [`${field} that is nil`, wrap(NIL), [field]],
    [`${field} with a blank`, wrap(`${NOBODY} `), [field]],
  ];
  const pageRows: Row[] = [
    ['a negative page_size', { pageSize: -1 }, ['page_size']],
    ['a page_token of nobody', { pageToken: 'bm9uc2Vuc2U' }, ['page_token']],
    ['a page_token that is no base64', { pageToken: '%%%\u0000' }, ['page_token']],
    ['a long page_token', { pageToken: long(4_000) }, ['page_token']],
    ['both', { pageSize: -2147483648, pageToken: 'x' }, ['page_size', 'page_token']],
  ];
  /** At the top of the message, or below `prefix`. */
  const structRows = (field: string, wrap: (value: object) => object): Row[] => [
    [`${field} with NaN`, wrap({ a: NaN }), [`${field}.a`]],
    [`${field} with Infinity in a list`, wrap({ a: [1, -Infinity] }), [`${field}.a[1]`]],
    [
      `${field} nested deeper than 24`,
      wrap({ a: nested(25) }),
      [`${field}.a${'.d'.repeat(field === 'metadata' ? 23 : 24)}`],
    ],
  ];
  const variableRows = (field: string, wrap: (value: object) => object): Row[] => [
    ...structRows(field, wrap),
    [
      'prototype names',
      wrap({ constructor: 1, prototype: 2 }),
      [`${field}.constructor`, `${field}.prototype`],
    ],
    [
      'names of built-ins and reserved roots',
      wrap({ agent_uuid: 1, call: 1, secret: 1 }),
      [`${field}.agent_uuid`, `${field}.call`, `${field}.secret`],
    ],
    [
      'names that are none',
      wrap({ '': 1, '1a': 1, 'a-b': 1 }),
      [`${field}[""]`, `${field}["1a"]`, `${field}["a-b"]`],
    ],
    ['a name of 65 characters', wrap({ [long(65)]: 1 }), [`${field}["${long(64)}…"]`]],
    ['a value over 16 KiB', wrap({ a: long(16 * 1024) }), [`${field}.a`]],
    ['more than 256 KiB together', wrap(namedMany(20, long(15_000))), [field]],
  ];

  refuses('CreateAgent', (rpc) => rpc.agents.createAgent, [
    ['no agent', {}, ['agent']],
    ...uuidRows('agent.agent_uuid', (agentUuid) => ({ agent: { agentUuid } }), false),
    ['a display_name of 129 bytes', { agent: { displayName: 'é'.repeat(65) } }, ['agent.display_name']],
    ...variableRows('agent.dynamic_variables', (dynamicVariables) => ({ agent: { dynamicVariables } })),
    ['129 variables', { agent: { dynamicVariables: namedMany(129) } }, ['agent.dynamic_variables']],
    ['a masked default', { agent: { dynamicVariables: { a: MASK } } }, ['agent.dynamic_variables.a']],
    [
      'a webhook without a type',
      { agent: { webhooks: [{ webhookConfig: configOf() }] } },
      ['agent.webhooks[0].webhook_type'],
    ],
    [
      'a webhook of an unknown type',
      { agent: { webhooks: [webhookOf(3 as 1)] } },
      ['agent.webhooks[0].webhook_type'],
    ],
    [
      'a webhook without a configuration',
      { agent: { webhooks: [{ webhookType: PRE_CALL }] } },
      ['agent.webhooks[0].webhook_config'],
    ],
    [
      'two webhooks of a type',
      { agent: { webhooks: [webhookOf(PRE_CALL), webhookOf(PRE_CALL)] } },
      ['agent.webhooks[1].webhook_type'],
    ],
    ['an empty secret', { agent: {}, secrets: { a: '' } }, ['secrets[a]']],
    ['a secret over 4 KiB', { agent: {}, secrets: { a: long(4097) } }, ['secrets[a]']],
    ['a masked secret', { agent: {}, secrets: { a: MASK } }, ['secrets[a]']],
    [
      'names of secrets that are none',
      { agent: {}, secrets: { 'a-b': '1', constructor: '1' } },
      ['secrets[a-b]', 'secrets[constructor]'],
    ],
    ['33 secrets', { agent: {}, secrets: namedMany(33, 'x') }, ['secrets']],
    ...configRows(
      (webhookConfig, type = PRE_CALL) => ({
        agent: { dynamicVariables: { x: 1 }, webhooks: [webhookOf(type, webhookConfig)] },
        secrets: { s: 'a secret' },
      }),
      'agent.webhooks[0].webhook_config',
    ),
    [
      'everything at once',
      {
        agent: {
          agentUuid: 'x',
          displayName: long(129),
          dynamicVariables: { call: NaN },
          webhooks: [webhookOf(PRE_CALL, EVERYTHING_WRONG), {}],
        },
        secrets: { a: '' },
      },
      [
        'agent.agent_uuid',
        'agent.display_name',
        'agent.dynamic_variables.call',
        'agent.dynamic_variables.call',
        ...everythingWrong('agent.webhooks[0].webhook_config'),
        'agent.webhooks[1].webhook_type',
        'secrets[a]',
      ],
    ],
  ]);

  refuses(
    'GetAgent',
    (rpc) => rpc.agents.getAgent,
    uuidRows('agent_uuid', (agentUuid) => ({ agentUuid }), true),
  );
  refuses('ListAgents', (rpc) => rpc.agents.listAgents, pageRows);

  const masked = (change: object, ...updateMask: string[]) => ({
    agent: { agentUuid: AGENT, ...change },
    updateMask,
  });
  refuses('UpdateAgent', (rpc) => rpc.agents.updateAgent, [
    ['no agent', { updateMask: ['*'] }, ['agent']],
    ...uuidRows('agent.agent_uuid', (agentUuid) => ({ agent: { agentUuid }, updateMask: ['*'] }), true),
    ['no mask', masked({ displayName: 'x' }), ['update_mask']],
    [
      'ids, etags and times in the mask',
      masked({}, 'agent_uuid', 'etag', 'created_at', 'updated_at', 'secret_names'),
      many(5, (i) => `update_mask.paths[${i}]`),
    ],
    [
      'unknown paths',
      masked({}, 'nope', '', 'displayName', 'dynamic_variables.x', 'webhooks.disabled'),
      many(5, (i) => `update_mask.paths[${i}]`),
    ],
    [
      'an unknown path beside secrets',
      { ...masked({}, 'nope'), secrets: { a: '1' } },
      ['update_mask.paths[0]'],
    ],
    ['an etag of 65 bytes', masked({ etag: long(65) }, 'display_name'), ['agent.etag']],
    [
      'a display_name of 129 bytes',
      masked({ displayName: long(129) }, 'display_name'),
      ['agent.display_name'],
    ],
    ...variableRows('agent.dynamic_variables', (dynamicVariables) =>
      masked({ dynamicVariables }, 'dynamic_variables'),
    ),
    ...configRows(
      (webhookConfig, type = PRE_CALL) => masked({ webhooks: [webhookOf(type, webhookConfig)] }, 'webhooks'),
      'agent.webhooks[0].webhook_config',
    ),
    [
      'a webhook that uses a variable and a secret removed in the same request',
      {
        ...masked(
          { webhooks: [webhookOf(PRE_CALL, configOf({ requestBody: ['{{x}}', '{{secret.s}}'] }))] },
          'webhooks',
          'dynamic_variables',
        ),
        removeSecrets: ['s'],
      },
      [
        'agent.webhooks[0].webhook_config.api_schema.request_body[0]',
        'agent.webhooks[0].webhook_config.api_schema.request_body[1]',
      ],
    ],
    [
      'a secret set and removed',
      { agent: { agentUuid: AGENT }, secrets: { s: '1' }, removeSecrets: ['s'] },
      ['remove_secrets[0]'],
    ],
    ['a secret too many', { agent: { agentUuid: AGENT }, secrets: namedMany(32, 'x') }, ['secrets']],
    [
      '33 names to remove',
      { agent: { agentUuid: AGENT }, removeSecrets: many(33, (i) => `n${i}`) },
      ['remove_secrets'],
    ],
  ]);

  refuses('DeleteAgent', (rpc) => rpc.agents.deleteAgent, [
    ...uuidRows('agent_uuid', (agentUuid) => ({ agentUuid }), true),
    ['an etag of 65 bytes', { agentUuid: AGENT, etag: long(65) }, ['etag']],
  ]);

  refuses('CreateWebhook', (rpc) => rpc.webhooks.createWebhook, [
    ['an empty request', {}, ['agent_uuid', 'webhook_type', 'webhook_config']],
    ...uuidRows(
      'agent_uuid',
      (agentUuid) => ({ agentUuid, webhookType: POST_CALL, webhookConfig: configOf() }),
      true,
    ),
    ['an unknown type', { agentUuid: AGENT, webhookType: -1, webhookConfig: configOf() }, ['webhook_type']],
    ...configRows(
      (webhookConfig, webhookType = PRE_CALL) => ({ agentUuid: AGENT, webhookType, webhookConfig }),
      'webhook_config',
    ),
    [
      'everything at once, of an agent that exists',
      { agentUuid: AGENT, webhookType: PRE_CALL, webhookConfig: EVERYTHING_WRONG },
      everythingWrong('webhook_config'),
    ],
    [
      'an unknown type before the configuration, whose rules depend on it',
      { agentUuid: AGENT, webhookType: 9, webhookConfig: configOf({ method: 'X' }) },
      ['webhook_type'],
    ],
  ]);

  refuses('GetWebhook', (rpc) => rpc.webhooks.getWebhook, [
    ...uuidRows('webhook_uuid', (webhookUuid) => ({ webhookUuid }), true),
    ...uuidRows('agent_uuid', (agentUuid) => ({ webhookUuid: NOBODY, agentUuid }), false),
  ]);

  refuses('ListWebhooks', (rpc) => rpc.webhooks.listWebhooks, [
    ...pageRows,
    ...uuidRows('agent_uuid', (agentUuid) => ({ agentUuid }), false),
  ]);

  refuses('UpdateWebhook', (rpc) => rpc.webhooks.updateWebhook, [
    ['no webhook', { updateMask: ['*'] }, ['webhook']],
    ...uuidRows(
      'webhook.webhook_uuid',
      (webhookUuid) => ({ webhook: { webhookUuid }, updateMask: ['disabled'] }),
      true,
    ),
    ...uuidRows(
      'webhook.agent_uuid',
      (agentUuid) => ({ webhook: { webhookUuid: NOBODY, agentUuid }, updateMask: ['disabled'] }),
      false,
    ),
    ['no mask', { webhook: { webhookUuid: NOBODY, disabled: true } }, ['update_mask']],
    [
      'an etag of 65 bytes',
      { webhook: { webhookUuid: NOBODY, etag: long(65) }, updateMask: ['disabled'] },
      ['webhook.etag'],
    ],
    [
      'ids, type, etags, times and unknown paths in the mask',
      {
        webhook: { webhookUuid: NOBODY },
        updateMask: [
          'webhook_uuid',
          'agent_uuid',
          'webhook_type',
          'etag',
          'created_at',
          'webhook_config.api_schema.request_headers.x',
          'webhookConfig',
          '__proto__',
        ],
      },
      many(8, (i) => `update_mask.paths[${i}]`),
    ],
  ]);

  refuses('DeleteWebhook', (rpc) => rpc.webhooks.deleteWebhook, [
    ...uuidRows('webhook_uuid', (webhookUuid) => ({ webhookUuid }), true),
    ...uuidRows('agent_uuid', (agentUuid) => ({ webhookUuid: NOBODY, agentUuid }), false),
    ['an etag of 65 bytes', { webhookUuid: NOBODY, etag: long(65) }, ['etag']],
  ]);

  const test = (change: object) => ({
    agentUuid: AGENT,
    webhookType: PRE_CALL,
    webhookConfig: configOf(),
    ...change,
  });
  const detailRows = (wrap: (details: object) => object): Row[] => [
    ['a caller_phone of 257 bytes', wrap({ callerPhone: long(257) }), ['caller_phone']],
    ...variableRows('dynamic_variables', (dynamicVariables) => wrap({ dynamicVariables })),
    ...structRows('metadata', (metadata) => wrap({ metadata })),
    ['metadata over 1 MiB', wrap({ metadata: { a: long(1024 * 1024) } }), ['metadata']],
  ];
  const endRows = (wrap: (details: object) => object): Row[] => [
    ['a call_summary over 64 KiB', wrap({ callSummary: long(64 * 1024 + 1) }), ['call_summary']],
    ['a negative call_duration', wrap({ callDuration: { seconds: -1n, nanos: 0 } }), ['call_duration']],
    [
      'a call_duration with negative nanos',
      wrap({ callDuration: { seconds: 0n, nanos: -1 } }),
      ['call_duration'],
    ],
    [
      'a call_duration with too many nanos',
      wrap({ callDuration: { seconds: 0n, nanos: 1_000_000_000 } }),
      ['call_duration'],
    ],
    [
      'a call_duration of more than 10,000 years',
      wrap({ callDuration: { seconds: 315_576_000_001n, nanos: 0 } }),
      ['call_duration'],
    ],
  ];

  refuses('TestWebhook', (rpc) => rpc.webhooks.testWebhook, [
    ['an empty request', {}, ['agent_uuid', 'webhook_type', 'webhook_config']],
    ...uuidRows('webhook_uuid', (webhookUuid) => ({ webhookUuid }), false),
    ...uuidRows('agent_uuid', (agentUuid) => test({ agentUuid }), true),
    ...uuidRows('conversation_uuid', (conversationUuid) => test({ conversationUuid }), false),
    ['an unknown type', test({ webhookType: 4 }), ['webhook_type']],
    ...detailRows(test),
    ...endRows(test),
    ...configRows(
      (webhookConfig, webhookType = PRE_CALL) => test({ webhookConfig, webhookType }),
      'webhook_config',
    ),
  ]);

  const call = (change: object) => ({ agentUuid: AGENT, conversationUuid: NOBODY, ...change });
  refuses('OnCallStart', (rpc) => rpc.calls.onCallStart, [
    ['an empty request', {}, ['agent_uuid', 'conversation_uuid']],
    ...uuidRows('agent_uuid', (agentUuid) => call({ agentUuid }), true),
    ...uuidRows('conversation_uuid', (conversationUuid) => call({ conversationUuid }), true),
    ...detailRows(call),
    [
      'everything at once, of an unknown agent',
      {
        agentUuid: NOBODY,
        conversationUuid: 'x',
        callerPhone: long(257),
        dynamicVariables: { call: 1 },
        metadata: { a: NaN },
      },
      ['conversation_uuid', 'caller_phone', 'dynamic_variables.call', 'metadata.a'],
    ],
  ]);
  refuses('OnCallEnd', (rpc) => rpc.calls.onCallEnd, [
    ['an empty request', {}, ['agent_uuid', 'conversation_uuid']],
    ...uuidRows('agent_uuid', (agentUuid) => call({ agentUuid }), true),
    ...uuidRows('conversation_uuid', (conversationUuid) => call({ conversationUuid }), true),
    ...detailRows(call),
    ...endRows(call),
  ]);

  refuses(
    'GetExecution',
    (rpc) => rpc.executions.getExecution,
    uuidRows('execution_uuid', (executionUuid) => ({ executionUuid }), true),
  );
  refuses('ListExecutions', (rpc) => rpc.executions.listExecutions, [
    ...pageRows,
    ...uuidRows('agent_uuid', (agentUuid) => ({ agentUuid }), false),
    ...uuidRows('conversation_uuid', (conversationUuid) => ({ conversationUuid }), false),
    ...uuidRows('webhook_uuid', (webhookUuid) => ({ webhookUuid }), false),
    ['an unknown type', { webhookType: 3 }, ['webhook_type']],
    ['unknown and unspecified states', { states: [1, 0, 99] }, ['states[1]', 'states[2]']],
    [
      'unknown and unspecified failure codes',
      { failureCodes: [0, -5] },
      ['failure_codes[0]', 'failure_codes[1]'],
    ],
  ]);
});
