import { expect } from 'chai';
import { describeEachEngine } from '../support/engines.ts';
import { anAgent, aWebhook } from './samples.ts';
import { openFresh, type TestDatabase } from './test-database.ts';

describeEachEngine('sealed values', (engine) => {
  let db: TestDatabase;
  before(async () => {
    db = await openFresh(engine);
  });
  after(() => db.close());

  it('keep the first check value of a key', async () => {
    const { sealed } = db.database;
    expect(await sealed.findKeyCheck('k1')).to.equal(undefined);
    await sealed.insertKeyCheck({ keyId: 'k1', sealed: 'Zmlyc3Q=' });
    await sealed.insertKeyCheck({ keyId: 'k1', sealed: 'c2Vjb25k' });
    expect(await sealed.findKeyCheck('k1')).to.deep.equal({ keyId: 'k1', sealed: 'Zmlyc3Q=' });
    expect(await sealed.findKeyCheck('K1')).to.equal(undefined);
  });

  for (const table of ['agent_secrets', 'webhook_headers'] as const) {
    it(`list those of one key in ${table} page by page, each once`, async () => {
      const { agents, sealed } = db.database;
      const keyId = `list-${table}`;
      const values = {
        A: { keyId, sealed: 'QQ==' },
        b: { keyId, sealed: 'Yg==' },
        C: { keyId: 'x', sealed: 'Qw==' },
      };
      for (let count = 0; count < 3; count += 1) {
        const agent = anAgent(table === 'agent_secrets' ? { sealedSecrets: values } : {});
        const webhooks =
          table === 'agent_secrets' ? [] : [aWebhook(agent.agentUuid, { sealedHeaders: values })];
        await agents.insertAgent({ ...agent, webhooks });
      }
      const first = await sealed.listByKey(table, keyId, 4);
      const second = await sealed.listByKey(table, keyId, 4, first.at(-1)?.place);
      expect([first.length, second.length]).to.deep.equal([4, 2]);
      const all = [...first, ...second];
      expect(all.map(({ place }) => place.field).join('')).to.equal('AbAbAb');
      expect(all.every(({ value }) => value.keyId === keyId)).to.equal(true);
      const rows = all.map(({ place }) => place.rowId);
      expect(rows).to.deep.equal(rows.toSorted());
    });
  }

  it('are replaced where they are as they were read, and nowhere else; etag and times stay', async () => {
    const { agents, sealed } = db.database;
    const value = (text: string) => ({ keyId: 'r1', sealed: text });
    const draft = anAgent({ sealedSecrets: { A: value('QQ=='), B: value('Qg=='), a: value('YQ==') } });
    const webhook = aWebhook(draft.agentUuid, { sealedHeaders: { cookie: value('MQ==') } });
    const before = await agents.insertAgent({ ...draft, webhooks: [webhook] });
    const placed = [
      ...(await sealed.listByKey('agent_secrets', 'r1', 10)),
      ...(await sealed.listByKey('webhook_headers', 'r1', 10)),
    ];
    const after = { keyId: 'r2', sealed: 'bmV3' };
    const replaced = await sealed.replaceSealed(
      placed.map(({ place, value: read }) => ({
        place,
        // B was changed since it was read, if only in the case of a letter.
        before: place.field === 'B' ? value('qg==') : read,
        after,
      })),
    );
    expect(replaced).to.equal(3);
    expect(await agents.findAgent(draft.agentUuid)).to.deep.equal({
      ...before,
      sealedSecrets: { A: after, B: value('Qg=='), a: after },
      webhooks: [{ ...before.webhooks[0], sealedHeaders: { cookie: after } }],
    });
  });
});
