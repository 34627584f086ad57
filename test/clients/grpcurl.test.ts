import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { until } from '../support/until.ts';
import { startBuiltServer, type BuiltServer } from './built-server.ts';
import { createGrpcurl, maskOf, type Grpcurl, type Json } from './grpcurl.ts';
import { describeWith } from './tools.ts';

const ROOT = join(import.meta.dirname, '../..');
const PROTOS = join(ROOT, 'proto/callhooks/v1');
// The format that voice teams use today. The bytes of this file go to the server as they are.
const SAMPLE = readFileSync(join(ROOT, 'test/vectors/webhook-config-sample.json'), 'utf8');
const SERVICES = ['AgentAdmin', 'CallLifecycle', 'ExecutionLog', 'WebhookAdmin'];
const MASK = '••••••';

describeWith(['grpcurl'], 'grpcurl, by reflection alone,', function () {
  this.timeout(60_000);
  const open: (() => Promise<void>)[] = [];
  let server: BuiltServer;
  let endpoint: Receiver;
  let grpcurl: Grpcurl;

  before(async () => {
    endpoint = await startReceiver({ body: { customer: { name: 'Ada' } } });
    open.push(endpoint.close);
    server = await startBuiltServer();
    open.push(server.stop);
    grpcurl = createGrpcurl(server.address);
  });
  after(async () => {
    for (const close of open.toReversed()) await close();
  });

  const preCall = () => ({
    api_schema: { url: `${endpoint.url}/crm`, method: 'POST', request_body: { phone: '{{caller_phone}}' } },
    assignments: [{ attribute_name: 'customer.name', dynamic_variable: 'customer_name' }],
  });
  const postCall = () => ({
    api_schema: {
      url: `${endpoint.url}/report`,
      method: 'POST',
      request_body: { seconds: '{{call_duration}}' },
    },
  });
  const createAgent = async () => {
    const webhooks = [
      { webhook_type: 'WEBHOOK_TYPE_PRE_CALL', webhook_config: preCall() },
      { webhook_type: 'WEBHOOK_TYPE_POST_CALL', webhook_config: postCall() },
    ];
    const agent = { display_name: 'Front desk', dynamic_variables: { customer_name: 'there' }, webhooks };
    const reply = await grpcurl.call('AgentAdmin/CreateAgent', {
      agent,
      secrets: { TOKEN: 'a-secret-value' },
    });
    return reply['agent'] as Json;
  };
  const webhookOf = (agent: Json, index = 0) => (agent['webhooks'] as Json[])[index] as Json;
  const startCall = async (agent: Json) => {
    const details = {
      agent_uuid: agent['agentUuid'],
      conversation_uuid: randomUUID(),
      caller_phone: '+49301',
    };
    return { details, reply: await grpcurl.call('CallLifecycle/OnCallStart', details) };
  };

  describe('of the services', () => {
    it('lists every service', async () => {
      const names = SERVICES.map((name) => `callhooks.v1.${name}`);
      expect(await grpcurl.list()).to.include.members([...names, 'grpc.health.v1.Health']);
    });

    for (const service of SERVICES) {
      it(`describes ${service} with all methods of its proto and their comments`, async () => {
        const rpcs = declared(/^ {2}rpc (\w+)\(/gm);
        const methods = (await grpcurl.list(`callhooks.v1.${service}`)).map(
          (name) => name.split('.').at(-1) ?? '',
        );
        const text = await grpcurl.describe(`callhooks.v1.${service}`);
        expect(rpcs).to.include.members(methods);
        for (const method of methods) expect(text).to.match(new RegExp(`// .+\\n {2}rpc ${method} \\(`));
      });
    }

    it('describes every message and enum of the protos with its comment', async () => {
      const symbols = declared(/^(?:message|enum) (\w+) \{/gm);
      expect(symbols.length).to.be.greaterThan(50);
      for (const symbol of symbols) {
        const text = await grpcurl.describe(`callhooks.v1.${symbol}`);
        expect(text, symbol).to.match(new RegExp(`^// .+\\n(?:message|enum) ${symbol} \\{`, 'm'));
      }
    });
  });

  describe('calls', () => {
    it('CreateAgent with a webhook_config in use today, byte for byte', async () => {
      const request = `{"agent": {"dynamic_variables": {"customer_name": ""}, "webhooks": [
        {"webhook_type": "WEBHOOK_TYPE_PRE_CALL", "webhook_config": ${SAMPLE}}]}}`;
      const agent = (await grpcurl.call('AgentAdmin/CreateAgent', request))['agent'] as Json;
      const stored = webhookOf(agent)['webhookConfig'];
      expect(stored).to.deep.equal({
        apiSchema: {
          url: 'https://api.example.com/pre-call',
          method: 'POST',
          requestHeaders: { Authorization: MASK, 'Content-Type': 'application/json' },
          requestBody: { agent_uuid: '{{agent_uuid}}', caller_phone: '{{caller_phone}}' },
        },
        assignments: [
          { source: 'response', attributeName: 'customer_name', dynamicVariable: 'customer_name' },
        ],
        responseTimeoutSecs: 10,
        failurePolicy: 'FAILURE_POLICY_PROCEED',
      });
    });

    it('GetAgent, ListAgents, UpdateAgent and DeleteAgent', async () => {
      const agent = await createAgent();
      const agent_uuid = agent['agentUuid'];
      expect(agent['secretNames']).to.deep.equal(['TOKEN']);
      expect(await grpcurl.call('AgentAdmin/GetAgent', { agent_uuid })).to.deep.equal({ agent });
      const { agents } = await grpcurl.call('AgentAdmin/ListAgents', { page_size: 200 });
      expect((agents as Json[]).map((one) => one['agentUuid'])).to.include(agent_uuid);
      const updated = await grpcurl.call('AgentAdmin/UpdateAgent', {
        agent: { agent_uuid, display_name: 'Night desk', etag: agent['etag'] },
        update_mask: maskOf('display_name'),
        secrets: { SECOND: 'x' },
      });
      expect(updated['agent']).to.include({ displayName: 'Night desk', createdAt: agent['createdAt'] });
      expect(await grpcurl.call('AgentAdmin/DeleteAgent', { agent_uuid })).to.deep.equal({});
      expect(await grpcurl.fail('AgentAdmin/GetAgent', { agent_uuid })).to.include('Code: NotFound');
    });

    it('CreateWebhook, GetWebhook, ListWebhooks, UpdateWebhook and DeleteWebhook', async () => {
      const created = await grpcurl.call('AgentAdmin/CreateAgent', {
        agent: { dynamic_variables: { customer_name: null } },
      });
      const { agentUuid: agent_uuid } = created['agent'] as Json;
      const reply = await grpcurl.call('WebhookAdmin/CreateWebhook', {
        agent_uuid,
        webhook_type: 'WEBHOOK_TYPE_PRE_CALL',
        webhook_config: preCall(),
      });
      const webhook = reply['webhook'] as Json;
      const webhook_uuid = webhook['webhookUuid'];
      expect(await grpcurl.call('WebhookAdmin/GetWebhook', { webhook_uuid })).to.deep.equal(reply);
      const list = await grpcurl.call('WebhookAdmin/ListWebhooks', { agent_uuid });
      expect(list['webhooks']).to.deep.equal([webhook]);
      const updated = await grpcurl.call('WebhookAdmin/UpdateWebhook', {
        webhook: {
          webhook_uuid,
          webhook_config: { response_timeout_secs: 2.5, failure_policy: 'FAILURE_POLICY_BLOCK' },
        },
        update_mask: maskOf('webhook_config.response_timeout_secs', 'webhook_config.failure_policy'),
      });
      expect((updated['webhook'] as Json)['webhookConfig']).to.deep.include({
        responseTimeoutSecs: 2.5,
        failurePolicy: 'FAILURE_POLICY_BLOCK',
        apiSchema: (webhook['webhookConfig'] as Json)['apiSchema'],
      });
      expect(await grpcurl.call('WebhookAdmin/DeleteWebhook', { webhook_uuid })).to.deep.equal({});
    });

    it('TestWebhook, which renders a webhook, and sends it', async () => {
      const { webhookUuid: webhook_uuid } = webhookOf(await createAgent());
      const details = { webhook_uuid, caller_phone: '+49301' };
      const rendered = await grpcurl.call('WebhookAdmin/TestWebhook', details);
      expect(rendered['request']).to.include({ method: 'POST', body: '{"phone":"+49301"}' });
      expect(rendered).to.not.have.property('response');
      const sent = await grpcurl.call('WebhookAdmin/TestWebhook', { ...details, send: true });
      expect(sent).to.deep.include({
        assignedVariables: { customer_name: 'Ada' },
        decision: 'CALL_DECISION_PROCEED',
      });
      expect(endpoint.requests.at(-1)?.headers).to.include({ 'callhooks-test': 'true' });
    });

    it('OnCallStart and its repeat', async () => {
      const { details, reply } = await startCall(await createAgent());
      expect(reply).to.deep.include({
        decision: 'CALL_DECISION_PROCEED',
        dynamicVariables: { customer_name: 'Ada' },
        variableSources: { customer_name: 'VARIABLE_SOURCE_ASSIGNMENT' },
      });
      const repeat = await grpcurl.call('CallLifecycle/OnCallStart', details);
      expect(repeat).to.deep.equal({ ...reply, replayed: true });
    });

    it('OnCallEnd, ListExecutions and GetExecution', async () => {
      const agent = await createAgent();
      const { details } = await startCall(agent);
      const end = {
        ...details,
        call_duration: '12.5s',
        call_summary: 'Bought a 🎈.',
        metadata: { turns: [1, 2] },
      };
      const accepted = (await grpcurl.call('CallLifecycle/OnCallEnd', end))['execution'] as Json;
      expect(accepted).to.include({ state: 'EXECUTION_STATE_ACCEPTED' });
      const execution_uuid = accepted['executionUuid'] as string;
      const finished = await untilSucceeded(grpcurl, execution_uuid);
      expect(finished['request']).to.include({ url: `${endpoint.url}/report`, body: '{"seconds":12.5}' });
      const filter = { conversation_uuid: details.conversation_uuid, states: ['EXECUTION_STATE_SUCCEEDED'] };
      const { executions } = await grpcurl.call('ExecutionLog/ListExecutions', filter);
      expect((executions as Json[]).map((one) => one['webhookType'])).to.deep.equal([
        'WEBHOOK_TYPE_POST_CALL',
        'WEBHOOK_TYPE_PRE_CALL',
      ]);
    });

    it('a stream of the executions that have ended since a time', async () => {
      const agent = await createAgent();
      const finished_at_from = new Date(Date.now() - 1_000).toISOString();
      const { reply } = await startCall(agent);
      const { executionUuid } = reply['execution'] as Json;
      const filter = { agent_uuid: agent['agentUuid'], finished_at_from };
      const replies = await grpcurl.watch('ExecutionLog/WatchExecutions', filter, 4);
      const executions = replies.flatMap((each) => (each['executions'] ?? []) as Json[]);
      expect(executions.map((each) => each['executionUuid'])).to.deep.equal([executionUuid]);
    });

    it('the health of each service', async () => {
      for (const service of ['', ...SERVICES.map((name) => `callhooks.v1.${name}`)]) {
        const reply = await grpcurl.call('grpc.health.v1.Health/Check', { service });
        expect(reply, service).to.deep.equal({ status: 'SERVING' });
      }
    });

    it('every method that it lists', async () => {
      const methods = await Promise.all(SERVICES.map((name) => grpcurl.list(`callhooks.v1.${name}`)));
      expect([...grpcurl.called]).to.include.members(methods.flat());
    });
  });
});

/** Returns the names that all protos of the package declare in this way. */
function declared(pattern: RegExp): string[] {
  const texts = readdirSync(PROTOS).map((file) => readFileSync(join(PROTOS, file), 'utf8'));
  return texts.flatMap((text) => [...text.matchAll(pattern)].map(([, name = '']) => name));
}

function untilSucceeded(grpcurl: Grpcurl, execution_uuid: string): Promise<Json> {
  return until('the report to succeed', async () => {
    const { execution } = await grpcurl.call('ExecutionLog/GetExecution', { execution_uuid });
    const found = execution as Json;
    if (found['state'] === 'EXECUTION_STATE_SUCCEEDED') return found;
    expect(found['state']).to.be.oneOf(['EXECUTION_STATE_ACCEPTED', 'EXECUTION_STATE_SENDING']);
    return undefined;
  });
}
