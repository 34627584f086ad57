import { describeEachEngine } from '../support/engines.ts';
import { configOf, NOBODY, PRE_CALL } from '../support/samples.ts';
import { configRows } from './config-violation-rows.ts';
import { AGENT, useViolations } from './expect-violations.ts';
import { detailRows, endRows, long, PAGE_ROWS, uuidRows } from './violation-rows.ts';

describeEachEngine('Violations in requests about calls, tests and executions:', (engine) => {
  const refuses = useViolations(engine);

  const test = (change: object) => ({
    agentUuid: AGENT,
    webhookType: PRE_CALL,
    webhookConfig: configOf(),
    ...change,
  });
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
      'every field at once, of an agent that does not exist',
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
    ...PAGE_ROWS,
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
