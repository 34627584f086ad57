import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { describeEachEngine } from '../support/engines.ts';
import { errorOf } from '../support/rpc.ts';
import { configOf, existingConfig, NOBODY, POST_CALL, PRE_CALL, webhookOf } from '../support/samples.ts';

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

  describe('UpdateAgent', () => {
    it('changes the fields in the mask, and no other', async () => {
      const agent = await create({
        agent: { displayName: 'a', dynamicVariables: { x: 1 }, webhooks: [webhookOf(PRE_CALL)] },
      });
      const { agent: updated } = await app.rpc.agents.updateAgent({
        agent: { agentUuid: agent.agentUuid, displayName: 'b', dynamicVariables: { y: 2 } },
        updateMask: ['display_name'],
      });
      expect(updated).to.deep.equal({
        ...agent,
        displayName: 'b',
        etag: updated?.etag,
        updatedAt: updated?.updatedAt,
      });
      expect(updated?.etag).not.to.equal(agent.etag);
      expect(await read(agent.agentUuid)).to.deep.equal(updated);
    });

    it('replaces every mutable field for "*", and keeps a webhook whose type the request leaves out', async () => {
      const agent = await create({
        agent: { displayName: 'a', dynamicVariables: { x: 1 }, webhooks: [webhookOf(POST_CALL)] },
      });
      const { agent: updated } = await app.rpc.agents.updateAgent({
        agent: { agentUuid: agent.agentUuid, webhooks: [webhookOf(PRE_CALL)] },
        updateMask: ['*'],
      });
      expect(updated).to.deep.include({ displayName: '', dynamicVariables: {} });
      expect(updated?.webhooks.map(({ webhookType }) => webhookType)).to.have.members([PRE_CALL, POST_CALL]);
      expect(updated?.webhooks.find(({ webhookType }) => webhookType === POST_CALL)).to.deep.equal(
        agent.webhooks[0],
      );
    });

    it('replaces a webhook by its type, keeping its identity, its creation time and masked values', async () => {
      const agent = await create({
        agent: { dynamicVariables: { customer_name: '' }, webhooks: [webhookOf(PRE_CALL, existingConfig())] },
      });
      const [before] = agent.webhooks;
      const { agent: updated } = await app.rpc.agents.updateAgent({
        agent: {
          agentUuid: agent.agentUuid,
          webhooks: [
            {
              ...webhookOf(
                PRE_CALL,
                configOf({ url: 'https://api.example.com/other', requestHeaders: { authorization: MASK } }),
              ),
              disabled: true,
            },
          ],
        },
        updateMask: ['webhooks'],
      });
      const [after] = updated?.webhooks ?? [];
      expect(after).to.deep.include({
        webhookUuid: before?.webhookUuid,
        createdAt: before?.createdAt,
        disabled: true,
      });
      expect(after?.etag).not.to.equal(before?.etag);
      expect(after?.webhookConfig?.apiSchema?.requestHeaders).to.deep.equal({ authorization: MASK });
      expect(after?.webhookConfig?.assignments).to.deep.equal([]);
    });

    it('sets, replaces and removes secrets without a mask', async () => {
      const agent = await create({ agent: { displayName: 'kept' }, secrets: { a: '1', b: '2' } });
      const { agent: updated } = await app.rpc.agents.updateAgent({
        agent: { agentUuid: agent.agentUuid },
        secrets: { b: '3', c: '4' },
        removeSecrets: ['a', 'never_there'],
      });
      expect(updated).to.deep.include({ displayName: 'kept', secretNames: ['b', 'c'] });
      expect(updated?.etag).not.to.equal(agent.etag);
    });

    it('changes the etag when only the value of a secret changes', async () => {
      const agent = await create({ agent: {}, secrets: { a: '1' } });
      const { agent: updated } = await app.rpc.agents.updateAgent({
        agent: { agentUuid: agent.agentUuid },
        secrets: { a: '2' },
      });
      expect(updated?.etag).not.to.equal(agent.etag);
    });

    const bad = (agentUuid: string) => ({
      agent: {
        agentUuid,
        webhooks: [{ webhookType: 7 as 1 }, webhookOf(PRE_CALL, configOf({ method: 'BREW' }))],
      },
      updateMask: ['webhooks'],
      secrets: { a: '' },
    });

    it('answers AGENT_NOT_FOUND for an agent that does not exist, also when values are invalid', async () => {
      const error = await errorOf(app.rpc.agents.updateAgent(bad(NOBODY)));
      expect(error).to.include({ code: 'NOT_FOUND', reason: 'AGENT_NOT_FOUND' });
      expect(error.resource).to.deep.equal({ type: 'agent', name: NOBODY });
      expect(error.fields).to.deep.equal([]);
    });

    it('refuses an invalid mask before it looks for the agent', async () => {
      const error = await errorOf(app.rpc.agents.updateAgent({ ...bad(NOBODY), updateMask: ['etag'] }));
      expect(error.fields).to.deep.equal(['update_mask.paths[0]']);
    });

    it('lists the violations of mask, webhooks and secrets together', async () => {
      const { agentUuid } = await create({ agent: {} });
      const update = { ...bad(agentUuid), updateMask: ['webhooks', 'etag'] };
      const error = await errorOf(app.rpc.agents.updateAgent(update));
      expect(error.fields).to.deep.equal([
        'update_mask.paths[1]',
        'agent.webhooks[0].webhook_type',
        'agent.webhooks[1].webhook_config.api_schema.method',
        'secrets[a]',
      ]);
    });

    it('accepts the present etag, and refuses an older one as ETAG_MISMATCH', async () => {
      const agent = await create({ agent: {} });
      const update = (etag: string, displayName: string) =>
        app.rpc.agents.updateAgent({
          agent: { agentUuid: agent.agentUuid, displayName, etag },
          updateMask: ['display_name'],
        });
      const { agent: updated } = await update(agent.etag, 'first');
      const error = await errorOf(update(agent.etag, 'second'));
      expect(error).to.include({ code: 'ABORTED', reason: 'ETAG_MISMATCH' });
      expect(await read(agent.agentUuid)).to.deep.equal(updated);
    });

    it('accepts one of ten updates at once with the same etag', async () => {
      const agent = await create({ agent: {} });
      const writes = Array.from({ length: 10 }, (_, i) =>
        app.rpc.agents
          .updateAgent({
            agent: { agentUuid: agent.agentUuid, displayName: String(i), etag: agent.etag },
            updateMask: ['display_name'],
          })
          .then(
            () => 'written',
            (error: { reason: string }) => error.reason,
          ),
      );
      const results = await Promise.all(writes);
      expect(results.toSorted()).to.deep.equal([...Array<string>(9).fill('ETAG_MISMATCH'), 'written']);
    });

    it('changes the etag of the agent when one of its webhooks is created, changed or deleted', async () => {
      const agent = await create({ agent: { webhooks: [webhookOf(PRE_CALL)] } });
      const webhookUuid = agent.webhooks[0]?.webhookUuid ?? '';
      const seen = new Set([agent.etag]);
      const readEtag = async () => void seen.add((await read(agent.agentUuid))?.etag ?? '');
      await app.rpc.webhooks.updateWebhook({
        webhook: { webhookUuid, disabled: true },
        updateMask: ['disabled'],
      });
      await readEtag();
      await app.rpc.webhooks.createWebhook({
        agentUuid: agent.agentUuid,
        webhookType: POST_CALL,
        webhookConfig: configOf(),
      });
      await readEtag();
      await app.rpc.webhooks.deleteWebhook({ webhookUuid });
      await readEtag();
      expect(seen.size).to.equal(4);
    });
  });
});
