import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { startBuiltServer, type BuiltServer } from './built-server.ts';
import { createGrpcurl, maskOf, type Grpcurl, type Json } from './grpcurl.ts';
import { describeWith } from './tools.ts';

const PRE_CALL = {
  api_schema: { url: 'http://127.0.0.1:9/crm', method: 'POST', request_body: { phone: '{{caller_phone}}' } },
  assignments: [{ attribute_name: 'customer.name', dynamic_variable: 'customer_name' }],
};

describeWith(['grpcurl'], 'grpcurl prints', function () {
  this.timeout(60_000);
  let server: BuiltServer;
  let grpcurl: Grpcurl;
  before(async () => {
    server = await startBuiltServer();
    grpcurl = createGrpcurl(server.address);
  });
  after(() => server.stop());

  const createAgent = async () => {
    const webhooks = [{ webhook_type: 'WEBHOOK_TYPE_PRE_CALL', webhook_config: PRE_CALL }];
    const agent = { dynamic_variables: { customer_name: 'there' }, webhooks };
    return (await grpcurl.call('AgentAdmin/CreateAgent', { agent }))['agent'] as Json;
  };

  it('all violations of a request at once, with their paths', async () => {
    const text = await grpcurl.fail('AgentAdmin/CreateAgent', {
      agent: {
        agent_uuid: 'not-a-uuid',
        dynamic_variables: { system: 1 },
        webhooks: [
          {
            webhook_type: 'WEBHOOK_TYPE_PRE_CALL',
            webhook_config: {
              ...PRE_CALL,
              api_schema: { url: 'http://169.254.169.254/', method: 'FETCH', request_body: '{{nobody}}' },
              response_timeout_secs: 61,
            },
          },
        ],
      },
      secrets: { TOKEN: '' },
    });
    expect(text)
      .to.match(/Code: InvalidArgument/)
      .and.match(/"reason": "VALIDATION_FAILED"/);
    expect([...text.matchAll(/"field": "(.*)"/g)].map(([, field]) => field)).to.have.members([
      'agent.agent_uuid',
      'agent.dynamic_variables.system',
      'agent.webhooks[0].webhook_config.api_schema.url',
      'agent.webhooks[0].webhook_config.api_schema.method',
      'agent.webhooks[0].webhook_config.api_schema.request_body',
      'agent.webhooks[0].webhook_config.assignments[0].dynamic_variable',
      'agent.webhooks[0].webhook_config.response_timeout_secs',
      'secrets[TOKEN]',
    ]);
    expect(text).to.match(/"violations": "8"/);
  });

  const unknown = randomUUID();
  const rows: readonly { method: string; request: object; says: readonly string[] }[] = [
    {
      method: 'AgentAdmin/GetAgent',
      request: { agent_uuid: unknown },
      says: ['Code: NotFound', '"reason": "AGENT_NOT_FOUND"', 'google.rpc.ResourceInfo', unknown],
    },
    {
      method: 'WebhookAdmin/GetWebhook',
      request: { webhook_uuid: unknown },
      says: ['Code: NotFound', '"reason": "WEBHOOK_NOT_FOUND"', unknown],
    },
    {
      method: 'ExecutionLog/GetExecution',
      request: { execution_uuid: unknown },
      says: ['Code: NotFound', '"reason": "EXECUTION_NOT_FOUND"', unknown],
    },
    {
      method: 'CallLifecycle/OnCallStart',
      request: { agent_uuid: unknown, conversation_uuid: unknown },
      says: ['Code: NotFound', '"reason": "AGENT_NOT_FOUND"'],
    },
    {
      method: 'ExecutionLog/ListExecutions',
      request: { page_token: 'made-up' },
      says: ['Code: InvalidArgument', '"field": "page_token"'],
    },
  ];
  for (const { method, request, says } of rows) {
    it(`the error of ${method} with ${says[1]}`, async () => {
      expect(await grpcurl.fail(method, request)).to.satisfy((text: string) =>
        says.every((part) => text.includes(part)),
      );
    });
  }

  it('which webhook prevents a removal', async () => {
    const { agentUuid: agent_uuid } = await createAgent();
    const text = await grpcurl.fail('AgentAdmin/UpdateAgent', {
      agent: { agent_uuid, dynamic_variables: {} },
      update_mask: maskOf('dynamic_variables'),
    });
    expect(text)
      .to.match(/Code: FailedPrecondition/)
      .and.match(/"reason": "VARIABLE_IN_USE"/);
    expect(text)
      .to.match(/google\.rpc\.PreconditionFailure/)
      .and.match(/customer_name/);
  });

  it('ETAG_MISMATCH for an older etag', async () => {
    const { agentUuid: agent_uuid } = await createAgent();
    const text = await grpcurl.fail('AgentAdmin/DeleteAgent', { agent_uuid, etag: 'stale' });
    expect(text)
      .to.match(/Code: Aborted/)
      .and.match(/"reason": "ETAG_MISMATCH"/);
  });

  it('an error as JSON with -format-error', async () => {
    const text = await grpcurl.fail('AgentAdmin/GetAgent', { agent_uuid: 'x' }, '-format-error');
    const { code, details } = JSON.parse(text) as { code: number; details: { '@type': string }[] };
    expect(code).to.equal(3);
    expect(details.map((detail) => detail['@type'].split('.').at(-1))).to.deep.equal([
      'ErrorInfo',
      'BadRequest',
    ]);
  });
});
