import { describeEachEngine } from '../support/engines.ts';
import { configOf, NOBODY, POST_CALL, PRE_CALL, webhookOf } from '../support/samples.ts';
import { configRows, EVERYTHING_WRONG, everythingWrong } from './config-violation-rows.ts';
import { AGENT, useViolations } from './expect-violations.ts';
import { long, many, MASK, namedMany, PAGE_ROWS, uuidRows, variableRows } from './violation-rows.ts';

describeEachEngine('Violations in requests about agents and webhooks:', (engine) => {
  const refuses = useViolations(engine);

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
    ['a secret with a line break at its end', { agent: {}, secrets: { a: 'x\n' } }, ['secrets[a]']],
    ['a secret over 16 KiB', { agent: {}, secrets: { a: long(16 * 1024 + 1) } }, ['secrets[a]']],
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
      'every field at once',
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
  refuses('ListAgents', (rpc) => rpc.agents.listAgents, PAGE_ROWS);

  const masked = (change: object, ...updateMask: string[]) => ({
    agent: { agentUuid: AGENT, ...change },
    updateMask,
  });
  refuses('UpdateAgent', (rpc) => rpc.agents.updateAgent, [
    ['no agent', { updateMask: ['*'] }, ['agent']],
    ...uuidRows('agent.agent_uuid', (agentUuid) => ({ agent: { agentUuid }, updateMask: ['*'] }), true),
    ['an empty mask', masked({ displayName: 'x' }), ['update_mask']],
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
      'every field at once, of an agent that exists',
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
    ...PAGE_ROWS,
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
});
