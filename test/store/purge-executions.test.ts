import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { describeEachEngine } from '../support/engines.ts';
import { aClaim, anOutcome, aPostCall, aPostCallOutcome, aStart, aStartWithoutWebhook } from './samples.ts';
import { connectDirectly, openFresh, type TestDatabase, times } from './test-database.ts';

describeEachEngine('the purge', (engine) => {
  let db: TestDatabase;
  const store = () => db.database.executions;
  before(async () => {
    db = await openFresh(engine);
  });
  after(() => db.close());
  const LATER_MS = 60_000;
  const purgeAll = async () => store().purge((await store().nowMs()) + LATER_MS, 1_000);

  it('deletes finished executions, keeps their keys, and leaves running and younger ones alone', async () => {
    const [done, running, silent] = [aStart(), aStart(), aStartWithoutWebhook()];
    const [sent, waiting] = [aPostCall(), aPostCall()];
    await store().insertStarts([done, running, silent]);
    await store().insertPostCalls([sent, waiting]);
    const claim = aClaim(sent);
    await store().claimPostCalls([claim]);
    await store().recordOutcomes([anOutcome(done, { assigned: {} }), aPostCallOutcome(sent, claim.claim)]);
    expect(await store().purge((await store().nowMs()) - LATER_MS, 1_000)).to.equal(0);
    expect(await purgeAll()).to.equal(3);

    expect(await store().findStart(done.conversationUuid)).to.equal('purged');
    expect(await store().findPostCall(sent.conversationUuid)).to.equal('purged');
    expect(await store().findConversation(done.conversationUuid)).to.deep.equal([]);
    expect(await store().findExecution(done.executionUuid)).to.equal(undefined);
    expect(await store().findStart(silent.conversationUuid), 'no key is left').to.equal(undefined);
    expect(await store().findStart(running.conversationUuid)).to.be.an('object');
    expect(await store().findPostCall(waiting.conversationUuid)).to.be.an('object');

    const again = await store().insertStarts([done, aStart({ conversationUuid: done.conversationUuid })]);
    expect(again).to.deep.equal([{ kind: 'purged' }, { kind: 'purged' }]);
    expect(await store().insertPostCalls([sent])).to.deep.equal([{ kind: 'purged' }]);
    expect(await store().findFinishedStarts([done.conversationUuid])).to.deep.equal([done.conversationUuid]);
    expect(await store().recordOutcomes([anOutcome(done)])).to.deep.equal(['not_owner']);
    const other = aPostCall({ conversationUuid: done.conversationUuid });
    expect((await store().insertPostCalls([other]))[0]?.kind).to.equal('won');
  });

  it('leaves no part of a deleted execution', async () => {
    const direct = connectDirectly(db.fresh);
    await purgeAll();
    const parts = await direct.use(async (session) => {
      const left: string[] = [];
      for (const table of ['execution_starts', 'execution_details', 'execution_records']) {
        const orphans = `SELECT COUNT(*) AS n FROM ${table} WHERE execution_uuid NOT IN (SELECT execution_uuid FROM executions)`;
        left.push(`${table} ${String((await session.rows(orphans))[0]?.n)}`);
      }
      return left;
    });
    await direct.close();
    expect(parts).to.deep.equal(['execution_starts 0', 'execution_details 0', 'execution_records 0']);
  });

  it('deletes in batches until less than a batch is left', async () => {
    const starts = times(60, () => aStart());
    await store().insertStarts(starts);
    await store().recordOutcomes(starts.map((start) => anOutcome(start)));
    const beforeMs = (await store().nowMs()) + LATER_MS;
    expect(await store().purge(beforeMs, 40)).to.equal(40);
    expect(await store().purge(beforeMs, 40)).to.equal(20);
    expect(await store().purge(beforeMs, 40)).to.equal(0);
  });

  it('lets no repeat of a start win while it runs', async () => {
    const winners = new Map<string, number>();
    const conversations = times(60, () => randomUUID());
    const attempt = async (conversationUuid: string): Promise<void> => {
      const start = aStart({ conversationUuid });
      const [result] = await store().insertStarts([start]);
      if (result?.kind !== 'won') return;
      winners.set(conversationUuid, (winners.get(conversationUuid) ?? 0) + 1);
      await store().recordOutcomes([anOutcome(start, { durationMs: 0 })]);
    };
    let done = false;
    const purging = (async () => {
      while (!done) await purgeAll();
    })();
    for (let round = 0; round < 4; round += 1) await Promise.all(conversations.map(attempt));
    done = true;
    await purging;
    expect([...winners.values()]).to.deep.equal(times(60, () => 1));
    await purgeAll();
    for (const uuid of conversations) expect(await store().findStart(uuid)).to.equal('purged');
  });

  it('forgets keys of an older day step by step, and keeps younger ones', async () => {
    const fresh = await openFresh(engine);
    const store = () => fresh.database.executions;
    const starts = [aStart(), aStart(), aStart()];
    await store().insertStarts(starts);
    await store().recordOutcomes(starts.map((start) => anOutcome(start)));
    const nowMs = await store().nowMs();
    await store().purge(nowMs + 60_000, 100);
    const walk = async (beforeMs: number): Promise<number> => {
      let steps = 0;
      for (
        let after = await store().forgetKeys(beforeMs, 1);
        ;
        after = await store().forgetKeys(beforeMs, 1, after)
      ) {
        steps += 1;
        if (after === undefined) return steps;
      }
    };
    expect(await walk(nowMs)).to.equal(4);
    const first = starts[0]?.conversationUuid ?? '';
    expect(await store().findStart(first)).to.equal('purged');
    await walk(nowMs + 2 * 86_400_000);
    for (const { conversationUuid } of starts)
      expect(await store().findStart(conversationUuid)).to.equal(undefined);
    await fresh.close();
  });
});
