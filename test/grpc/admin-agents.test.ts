import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { describeEachEngine } from '../support/engines.ts';
import { errorOf } from '../support/rpc.ts';
import { configOf, existingConfig, NOBODY, POST_CALL, PRE_CALL, webhookOf } from '../support/samples.ts';

const V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const MASK = '••••••';

describeEachEngine('AgentAdmin', (engine) => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp(engine);
  });
  after(() => app.close());

  const create = async (request: Parameters<TestApp['rpc']['agents']['createAgent']>[0]) => {
    const { agent } = await app.rpc.agents.createAgent(request);
    if (agent === undefined) throw new Error('there is no agent in the reply');
    return agent;
  };
  const read = async (agentUuid: string) => (await app.rpc.agents.getAgent({ agentUuid })).agent;

  describe('CreateAgent', () => {
    it('creates a UUID of version 7, an etag and times when none are given', async () => {
      const before = Date.now();
      const agent = await create({ agent: {} });
      expect(agent.agentUuid).to.match(V7);
      expect(agent.etag).not.to.equal('');
      expect(agent.createdAt).to.deep.equal(agent.updatedAt);
      expect(Math.abs((agent.createdAt?.getTime() ?? 0) - before)).to.be.below(5_000);
      expect(await read(agent.agentUuid)).to.deep.equal(agent);
    });

    it("accepts the caller's UUID in upper or lower case, and answers it in lower case", async () => {
      const agent = await create({ agent: { agentUuid: 'ABCDEF00-0000-0000-0000-00000000000A' } });
      expect(agent.agentUuid).to.equal('abcdef00-0000-0000-0000-00000000000a');
      expect((await read('ABCDEF00-0000-0000-0000-00000000000A'))?.agentUuid).to.equal(agent.agentUuid);
    });

    it('accepts a webhook_config in use today unchanged, seals its token, and fills in the defaults', async () => {
      const agent = await create({
        agent: {
          displayName: 'Réception 📞',
          dynamicVariables: { customer_name: '' },
          webhooks: [webhookOf(PRE_CALL, existingConfig())],
        },
      });
      const [webhook] = agent.webhooks;
      expect(agent.displayName).to.equal('Réception 📞');
      expect(webhook?.webhookUuid).to.match(V7);
      expect(webhook?.agentUuid).to.equal(agent.agentUuid);
      expect(webhook?.webhookConfig).to.deep.equal({
        ...pb.WebhookConfig.fromPartial({}),
        apiSchema: {
          ...pb.ApiSchema.fromPartial({}),
          url: 'https://api.example.com/pre-call',
          method: 'POST',
          requestHeaders: { Authorization: MASK, 'Content-Type': 'application/json' },
          requestBody: { agent_uuid: '{{agent_uuid}}', caller_phone: '{{caller_phone}}' },
        },
        assignments: [
          {
            ...pb.Assignment.fromPartial({}),
            source: 'response',
            attributeName: 'customer_name',
            dynamicVariable: 'customer_name',
          },
        ],
        responseTimeoutSecs: 10,
        failurePolicy: 1,
      });
      expect(webhook?.createdAt).to.deep.equal(agent.createdAt);
      expect(await read(agent.agentUuid)).to.deep.equal(agent);
    });

    it('keeps every kind of JSON value, large numbers, and the order of keys', async () => {
      const dynamicVariables = {
        zeta: { z: 1, a: [1.5, -0, 1e21, 9007199254740993, true, null, '{{metadata.x}} "q" 🎉\u2028'] },
        alpha: null,
        empty: {},
        list: [],
        text: 'Grüße',
      };
      const agent = await create({
        agent: {
          dynamicVariables,
          webhooks: [webhookOf(PRE_CALL, configOf({ requestBody: { b: 1, a: ['{{zeta.z}}', null] } }))],
        },
      });
      const stored = await read(agent.agentUuid);
      expect(JSON.stringify(stored?.dynamicVariables)).to.equal(JSON.stringify(dynamicVariables));
      expect(JSON.stringify(stored?.webhooks[0]?.webhookConfig?.apiSchema?.requestBody)).to.equal(
        '{"b":1,"a":["{{zeta.z}}",null]}',
      );
    });

    it('stores a default that is its own placeholder as null', async () => {
      const agent = await create({ agent: { dynamicVariables: { name: '{{name}}', other: '{{ name }}' } } });
      expect(agent.dynamicVariables).to.deep.equal({ name: null, other: '{{ name }}' });
    });

    it('answers with the pre-call webhook first, in whatever order they are given', async () => {
      const agent = await create({ agent: { webhooks: [webhookOf(POST_CALL), webhookOf(PRE_CALL)] } });
      expect(agent.webhooks.map(({ webhookType }) => webhookType)).to.deep.equal([PRE_CALL, POST_CALL]);
      expect(await read(agent.agentUuid)).to.deep.equal(agent);
    });

    it('ignores the output-only fields of a request', async () => {
      const agent = await create({
        agent: {
          secretNames: ['x'],
          etag: 'x'.repeat(200),
          createdAt: new Date(0),
          webhooks: [
            { ...webhookOf(POST_CALL), webhookUuid: 'nonsense', agentUuid: 'nonsense', etag: 'e'.repeat(99) },
          ],
        },
      });
      expect(agent.secretNames).to.deep.equal([]);
      expect(agent.webhooks[0]?.webhookUuid).to.match(V7);
      expect(agent.createdAt?.getTime()).to.be.above(0);
    });

    it('answers the names of secrets, never their values', async () => {
      const agent = await create({
        agent: {
          webhooks: [
            webhookOf(PRE_CALL, configOf({ requestHeaders: { Authorization: 'Bearer {{secret.zz}}' } })),
          ],
        },
        secrets: { zz: 'top-secret-value', aa: 'x' },
      });
      expect(agent.secretNames).to.deep.equal(['aa', 'zz']);
      expect(agent.webhooks[0]?.webhookConfig?.apiSchema?.requestHeaders).to.deep.equal({
        Authorization: 'Bearer {{secret.zz}}',
      });
    });

    it('refuses a UUID that exists as AGENT_EXISTS', async () => {
      const { agentUuid } = await create({ agent: {} });
      const error = await errorOf(create({ agent: { agentUuid } }));
      expect(error).to.include({ code: 'ALREADY_EXISTS', reason: 'AGENT_EXISTS' });
      expect(error.resource).to.deep.equal({ type: 'agent', name: agentUuid });
    });

    it('creates exactly one agent for twenty requests at once with one UUID', async () => {
      const agentUuid = '0d9f6c6a-5a0e-4c8e-9d3e-0000000020a7';
      const webhooks = [webhookOf(PRE_CALL), webhookOf(POST_CALL)];
      const all = Array.from({ length: 20 }, (_, i) =>
        create({ agent: { agentUuid, displayName: String(i), webhooks } }).catch(
          (error: { reason: string }) => error.reason,
        ),
      );
      const results = await Promise.all(all);
      expect(results.filter((result) => result === 'AGENT_EXISTS')).to.have.length(19);
      expect((await read(agentUuid))?.webhooks).to.have.length(2);
    });

    it('creates nothing when one of its webhooks is invalid', async () => {
      const agentUuid = '0d9f6c6a-5a0e-4c8e-9d3e-00000000b00b';
      await errorOf(
        create({ agent: { agentUuid, webhooks: [webhookOf(PRE_CALL, configOf({ method: 'BREW' }))] } }),
      );
      expect(await errorOf(read(agentUuid))).to.include({ reason: 'AGENT_NOT_FOUND' });
    });
  });

  describe('GetAgent', () => {
    it('answers AGENT_NOT_FOUND for an agent that does not exist, naming it', async () => {
      const error = await errorOf(read(NOBODY.toUpperCase()));
      expect(error).to.include({ code: 'NOT_FOUND', reason: 'AGENT_NOT_FOUND', domain: 'callhooks' });
      expect(error.resource).to.deep.equal({ type: 'agent', name: NOBODY });
    });
  });

  describe('DeleteAgent', () => {
    it('deletes the webhooks and secrets too', async () => {
      const agent = await create({ agent: { webhooks: [webhookOf(PRE_CALL)] }, secrets: { a: '1' } });
      const webhookUuid = agent.webhooks[0]?.webhookUuid ?? '';
      await app.rpc.agents.deleteAgent({ agentUuid: agent.agentUuid });
      expect(await errorOf(read(agent.agentUuid))).to.include({ reason: 'AGENT_NOT_FOUND' });
      expect(await errorOf(app.rpc.webhooks.getWebhook({ webhookUuid }))).to.include({
        reason: 'WEBHOOK_NOT_FOUND',
      });
      const again = await create({ agent: { agentUuid: agent.agentUuid } });
      expect(again).to.deep.include({ webhooks: [], secretNames: [] });
    });

    it('accepts the present etag, and refuses an older one as ETAG_MISMATCH', async () => {
      const { agentUuid, etag } = await create({ agent: {} });
      const stale = await errorOf(app.rpc.agents.deleteAgent({ agentUuid, etag: 'stale' }));
      expect(stale).to.include({ code: 'ABORTED', reason: 'ETAG_MISMATCH' });
      await app.rpc.agents.deleteAgent({ agentUuid, etag });
      expect(await errorOf(app.rpc.agents.deleteAgent({ agentUuid }))).to.include({
        reason: 'AGENT_NOT_FOUND',
      });
    });
  });
});
