import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import type { Webhook } from '../../src/domain/agent.ts';
import { describeEachEngine } from '../support/engines.ts';
import { anAgent, aWebhook } from './samples.ts';
import { openFresh, type TestDatabase, times } from './test-database.ts';

function withWebhooks(...changes: readonly Partial<Webhook>[]) {
  const agentUuid = randomUUID();
  return anAgent({ agentUuid, webhooks: changes.map((change) => aWebhook(agentUuid, change)) });
}

describeEachEngine('lists of agents and webhooks', (engine) => {
  let db: TestDatabase;
  const uuids: string[] = [];
  before(async () => {
    db = await openFresh(engine);
    for (let at = 0; at < 7; at += 1) {
      const agent = withWebhooks({}, { webhookType: 'post_call' });
      uuids.push(agent.agentUuid);
      await db.database.agents.insertAgent(agent);
    }
    uuids.sort();
  });
  after(() => db.close());

  it('return each agent once, by uuid, page by page', async () => {
    const seen: string[] = [];
    const sizes: number[] = [];
    for (let after: string | undefined, more = true; more;) {
      const page = await db.database.agents.listAgents(3, after);
      seen.push(...page.items.map(({ agentUuid }) => agentUuid));
      sizes.push(page.items.length);
      expect(page.items.every(({ webhooks }) => webhooks.length === 2)).to.equal(true);
      after = page.next;
      more = after !== undefined;
    }
    expect(seen).to.deep.equal(uuids);
    expect(sizes).to.deep.equal([3, 3, 1]);
  });

  it('return the webhooks of one agent or of all', async () => {
    const all: string[] = [];
    for (let after: string | undefined, more = true; more;) {
      const page = await db.database.agents.listWebhooks(undefined, 5, after);
      all.push(...page.items.map(({ webhookUuid }) => webhookUuid));
      after = page.next;
      more = after !== undefined;
    }
    expect(all).to.have.length(14);
    expect(all).to.deep.equal(all.toSorted());
    const ofOne = await db.database.agents.listWebhooks(uuids[2], 5);
    expect(ofOne.items.map(({ agentUuid }) => agentUuid)).to.deep.equal([uuids[2], uuids[2]]);
    expect(ofOne.next).to.equal(undefined);
    expect((await db.database.agents.listWebhooks(randomUUID(), 5)).items).to.deep.equal([]);
  });

  it('end a page at 1 MiB, and go on with the next page', async () => {
    const dynamicVariables = { text: 'x'.repeat(250_000) };
    const large = Array.from({ length: 6 }, () => anAgent({ dynamicVariables }));
    for (const agent of large) await db.database.agents.insertAgent(agent);
    const seen: string[] = [];
    let pages = 0;
    for (let after: string | undefined, more = true; more; pages += 1) {
      const page = await db.database.agents.listAgents(200, after);
      seen.push(...page.items.map(({ agentUuid }) => agentUuid));
      after = page.next;
      more = after !== undefined;
    }
    expect(seen).to.deep.equal([...uuids, ...large.map(({ agentUuid }) => agentUuid)].toSorted());
    expect(pages).to.be.within(2, 3);
  });

  it('count secrets, headers and configurations into the size of a page', async () => {
    const text = 'x'.repeat(300_000);
    const sealed = { s: { keyId: 'k', sealed: text } };
    const { apiSchema, ...config } = aWebhook(randomUUID()).config;
    const large = times(2, () => [
      anAgent({ sealedSecrets: sealed }),
      withWebhooks({ sealedHeaders: sealed }),
      withWebhooks({ config: { ...config, apiSchema: { ...apiSchema, requestBody: text } } }),
    ]);
    for (const agent of large.flat()) await db.database.agents.insertAgent(agent);
    const sizes: number[] = [];
    for (let after: string | undefined, more = true; more;) {
      const page = await db.database.agents.listAgents(200, after);
      sizes.push(JSON.stringify(page.items).length);
      after = page.next;
      more = after !== undefined;
    }
    for (let after: string | undefined, more = true; more;) {
      const page = await db.database.agents.listWebhooks(undefined, 200, after);
      sizes.push(JSON.stringify(page.items).length);
      after = page.next;
      more = after !== undefined;
    }
    expect(Math.max(...sizes)).to.be.within(500_000, 1024 * 1024 * 1.05);
  });
});
