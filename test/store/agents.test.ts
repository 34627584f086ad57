import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import type { Agent, Webhook } from '../../src/domain/agent.ts';
import { CallhooksError } from '../../src/errors.ts';
import { describeEachEngine } from '../support/engines.ts';
import { toBytes } from '../../src/store/sql/column-values.ts';
import { anAgent, aWebhook } from './samples.ts';
import { connectDirectly, openFresh, rejection, type TestDatabase, times } from './test-database.ts';

function found(agent: Agent | undefined): Agent {
  return agent ?? expect.fail('there is no such agent');
}

function withWebhooks(...changes: readonly Partial<Webhook>[]) {
  const agentUuid = randomUUID();
  return anAgent({ agentUuid, webhooks: changes.map((change) => aWebhook(agentUuid, change)) });
}

describeEachEngine('the store of agents', (engine) => {
  let db: TestDatabase;
  const agents = () => db.database.agents;
  before(async () => {
    db = await openFresh(engine);
  });
  after(() => db.close());

  it('returns an agent as it was inserted, with the times of the database', async () => {
    const agent = anAgent({
      displayName: 'Büro 🤖 "x" \\ \u0000 end',
      dynamicVariables: {
        b: 1,
        a: 2,
        nested: { z: [1, 2.5, null], y: '😀' },
        big: 9007199254740991,
        huge: 1e300,
        tiny: 5e-324,
        third: 0.1,
      },
      sealedSecrets: {
        TOKEN: { keyId: 'k1', sealed: 'c2VhbGVk' },
        token: { keyId: 'k2', sealed: 'b3RoZXI=' },
      },
    });
    const webhooks = [
      aWebhook(agent.agentUuid, { webhookType: 'post_call', disabled: true }),
      aWebhook(agent.agentUuid, { sealedHeaders: { authorization: { keyId: 'k1', sealed: 'eA==' } } }),
    ];
    const beforeMs = await db.database.executions.nowMs();
    const inserted = await agents().insertAgent({ ...agent, webhooks });
    const read = found(await agents().findAgent(agent.agentUuid));

    expect(read).to.deep.equal({ ...inserted, webhooks: inserted.webhooks.toReversed() });
    expect(JSON.stringify(read.dynamicVariables)).to.equal(JSON.stringify(agent.dynamicVariables));
    expect(read.webhooks.map(({ webhookType }) => webhookType)).to.deep.equal(['pre_call', 'post_call']);
    for (const { createdAtMs, updatedAtMs } of [read, ...read.webhooks]) {
      expect(createdAtMs).to.be.within(beforeMs, await db.database.executions.nowMs());
      expect(updatedAtMs).to.equal(createdAtMs);
    }
  });

  // JavaScript puts keys that look like array indexes first already in memory. From there on their order stays.
  it('keeps the order of JSON keys and header names', async () => {
    const apiSchema = {
      url: 'https://a.example/',
      method: 'POST',
      requestHeaders: { 'X-Zebra': '1', accept: '2', 'X-Alpha': '3', '10': '4', '9': '5' },
      requestBody: JSON.parse('{"b":1,"10":2,"a":{"d":1,"c":2},"9":3}'),
    };
    const agent = withWebhooks({});
    const [webhook] = agent.webhooks as [Webhook];
    await agents().insertAgent({
      ...agent,
      webhooks: [{ ...webhook, config: { ...webhook.config, apiSchema } }],
    });
    const read = found(await agents().findAgent(agent.agentUuid));
    expect(JSON.stringify(read.webhooks[0]?.config.apiSchema)).to.equal(JSON.stringify(apiSchema));
  });

  it('stores 256 KiB of defaults and a configuration of 64 KiB and a byte', async () => {
    const agent = withWebhooks({});
    const [webhook] = agent.webhooks as [Webhook];
    const apiSchema = { ...webhook.config.apiSchema, requestBody: '€'.repeat(21_846) };
    const dynamicVariables = Object.fromEntries(
      Array.from({ length: 16 }, (_, at) => [`v${at}`, 'x'.repeat(16_384)]),
    );
    const webhooks = [{ ...webhook, config: { ...webhook.config, apiSchema } }];
    await agents().insertAgent({ ...agent, dynamicVariables, webhooks });
    const read = found(await agents().findAgent(agent.agentUuid));
    expect(read.dynamicVariables).to.deep.equal(dynamicVariables);
    expect(read.webhooks[0]?.config.apiSchema).to.deep.equal(apiSchema);
  });

  it('returns the URL templates of enabled webhooks only', async () => {
    const agent = withWebhooks({});
    const [pre] = agent.webhooks as [Webhook];
    const post = aWebhook(agent.agentUuid, { webhookType: 'post_call', disabled: true });
    const url = 'https://a.example:8443/{{agent_uuid}}?q="{{x}}"&ü';
    const webhooks = [
      { ...pre, config: { ...pre.config, apiSchema: { ...pre.config.apiSchema, url } } },
      post,
    ];
    await agents().insertAgent({ ...agent, webhooks });
    const urls = await agents().findUrls([post.webhookUuid, pre.webhookUuid, randomUUID()]);
    expect([...urls]).to.deep.equal([[pre.webhookUuid, url]]);
  });

  it('rejects as AGENT_EXISTS when the uuid is taken, and writes nothing', async () => {
    const agent = withWebhooks({});
    await agents().insertAgent(agent);
    const second = {
      ...agent,
      displayName: 'second',
      webhooks: [aWebhook(agent.agentUuid, { webhookType: 'post_call' })],
    };
    const error = await rejection(agents().insertAgent(second));
    expect(error).to.be.instanceOf(CallhooksError).with.property('reason', 'AGENT_EXISTS');
    expect((error as CallhooksError).details.resource).to.deep.equal({
      type: 'agent',
      name: agent.agentUuid,
    });
    const read = found(await agents().findAgent(agent.agentUuid));
    expect([read.displayName, read.webhooks.length]).to.deep.equal(['Support bot', 1]);
  });

  it('finds the agent of a webhook', async () => {
    const agent = withWebhooks({}, { webhookType: 'post_call' });
    await agents().insertAgent(agent);
    const uuid = agent.webhooks[1]?.webhookUuid as string;
    expect(found(await agents().findAgentOfWebhook(uuid)).agentUuid).to.equal(agent.agentUuid);
    expect(await agents().findAgentOfWebhook(randomUUID())).to.equal(undefined);
    expect(await agents().findAgent(randomUUID())).to.equal(undefined);
  });

  it('brings an agent from one state to another: webhooks and secrets set, replaced and removed', async () => {
    const agent = withWebhooks(
      { sealedHeaders: { cookie: { keyId: 'k1', sealed: 'MQ==' } } },
      { webhookType: 'post_call' },
    );
    const sealedSecrets = { A: { keyId: 'k1', sealed: 'QQ==' }, B: { keyId: 'k1', sealed: 'Qg==' } };
    await agents().insertAgent({ ...agent, sealedSecrets });
    const { agent: before, nowMs } = await agents().readForChange(agent.agentUuid);
    const [first] = found(before).webhooks as [Webhook];
    const other = aWebhook(agent.agentUuid, {
      webhookType: 'post_call',
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
    });
    const changedFirst = {
      ...first,
      sealedHeaders: { 'x-key': { keyId: 'k2', sealed: 'Mg==' } },
      updatedAtMs: nowMs,
    };
    const after = {
      ...found(before),
      displayName: 'renamed',
      etag: 'a-2',
      updatedAtMs: nowMs,
      webhooks: [changedFirst, other],
      sealedSecrets: { B: { keyId: 'k2', sealed: 'Yg==' }, C: { keyId: 'k2', sealed: 'Yw==' } },
    };
    expect(await agents().replaceAgent(found(before), after)).to.equal('changed');
    expect(await agents().findAgent(agent.agentUuid)).to.deep.equal(after);
    expect(await agents().findAgentOfWebhook(agent.webhooks[1]?.webhookUuid as string)).to.equal(undefined);
  });

  it('deletes an agent with its webhooks and all sealed values', async () => {
    const countBefore = await db.database.sealed.countByKey();
    const agent = withWebhooks({ sealedHeaders: { cookie: { keyId: 'gone', sealed: 'MQ==' } } });
    const before = await agents().insertAgent({
      ...agent,
      sealedSecrets: { A: { keyId: 'gone', sealed: 'QQ==' } },
    });
    expect((await db.database.sealed.countByKey()).get('gone')).to.equal(2);
    expect(await agents().replaceAgent(before, undefined)).to.equal('changed');
    expect(await agents().findAgent(agent.agentUuid)).to.equal(undefined);
    expect(await agents().findAgentOfWebhook(agent.webhooks[0]?.webhookUuid as string)).to.equal(undefined);
    expect(await db.database.sealed.countByKey()).to.deep.equal(countBefore);
  });

  it('returns stale and changes nothing when the agent has another etag or is gone', async () => {
    const before = await agents().insertAgent(withWebhooks({}));
    const newer = { ...before, displayName: 'newer', etag: 'a-2' };
    expect(await agents().replaceAgent(before, newer)).to.equal('changed');
    expect(await agents().replaceAgent(before, { ...before, displayName: 'older', etag: 'a-3' })).to.equal(
      'stale',
    );
    expect(await agents().replaceAgent(before, undefined)).to.equal('stale');
    expect(await agents().findAgent(before.agentUuid)).to.deep.equal(newer);
    expect(await agents().replaceAgent(newer, undefined)).to.equal('changed');
    expect(await agents().replaceAgent(newer, before)).to.equal('stale');
    expect(await agents().findAgent(before.agentUuid)).to.equal(undefined);
  });

  it('keeps sealed values that a rotation of keys has sealed anew since the agent was read', async () => {
    const sealedSecrets = { A: { keyId: 'k1', sealed: 'QQ==' }, B: { keyId: 'k1', sealed: 'Qg==' } };
    const before = await agents().insertAgent(anAgent({ sealedSecrets }));
    const direct = connectDirectly(db.fresh);
    await direct.use((session) =>
      session.change(
        "UPDATE agent_secrets SET key_id = 'k9', sealed = 'OQ==' WHERE agent_uuid = ? AND name = 'A'",
        [toBytes(before.agentUuid)],
      ),
    );
    await direct.close();
    const after = { ...before, etag: 'a-2', sealedSecrets: { A: sealedSecrets.A } };
    expect(await agents().replaceAgent(before, after)).to.equal('changed');
    expect(found(await agents().findAgent(before.agentUuid)).sealedSecrets).to.deep.equal({
      A: { keyId: 'k9', sealed: 'OQ==' },
    });
  });

  it('returns the time and no agent when an agent that is to be changed is gone', async () => {
    const { nowMs, ...rest } = await agents().readForChange(randomUUID());
    expect(rest).to.deep.equal({});
    expect(nowMs).to.be.at.most(await db.database.executions.nowMs());
  });

  it('lets one of 20 concurrent changes win', async () => {
    const before = await agents().insertAgent(anAgent());
    const results = await Promise.all(
      times(20, (at) => agents().replaceAgent(before, { ...before, displayName: `${at}`, etag: `b-${at}` })),
    );
    expect(results.filter((result) => result === 'changed')).to.have.length(1);
    const winner = results.indexOf('changed');
    expect(await agents().findAgent(before.agentUuid)).to.include({
      displayName: `${winner}`,
      etag: `b-${winner}`,
    });
  });

  it('takes and returns plain data, which can be sent to a worker thread', async () => {
    const agent = withWebhooks({ sealedHeaders: { cookie: { keyId: 'k1', sealed: 'MQ==' } } });
    const before = structuredClone(await agents().insertAgent(structuredClone(agent)));
    const [webhook] = before.webhooks as [Webhook];
    const { sealed } = db.database;
    for (const result of [
      await agents().readForChange(before.agentUuid),
      await agents().findAgentOfWebhook(webhook.webhookUuid),
      await agents().findUrls([webhook.webhookUuid]),
      await agents().listAgents(1),
      await agents().listWebhooks(before.agentUuid, 1),
      await sealed.countByKey(),
    ])
      expect(structuredClone(result)).to.deep.equal(result);
    expect(await agents().replaceAgent(before, structuredClone({ ...before, etag: 'a-2' }))).to.equal(
      'changed',
    );
  });

  it('lets one of ten concurrent inserts of the same agent win', async () => {
    const agent = anAgent();
    const tries = Array.from({ length: 10 }, () => agents().insertAgent(agent));
    const results = await Promise.allSettled(tries);
    expect(results.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).to.have.property('reason', 'AGENT_EXISTS');
  });
});
