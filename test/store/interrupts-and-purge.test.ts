import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { describeEachEngine } from '../support/engines.ts';
import * as make from './support.ts';
import {
  aClaim,
  aPostCall,
  aPostCallOutcome,
  aStart,
  aStartWithLimit,
  anOutcome,
  interruptOverdue,
  connectDirectly,
  openFresh,
  times,
} from './support.ts';

const REMOVED = { code: 'WEBHOOK_REMOVED', message: 'the webhook is gone', sent: 'no' } as const;

describeEachEngine('marks of interrupted executions', (engine) => {
  let db: make.TestDatabase;
  const store = () => db.database.executions;
  beforeEach(async () => {
    db = await openFresh(engine);
  });
  afterEach(() => db.close());

  const stateOf = async (executionUuid: string) =>
    (await store().findExecution(executionUuid))?.execution.state;

  it('are made for executions that are overdue by 5 s, oldest first, and for no others', async () => {
    const overdue = [aStartWithLimit(-5_200), aStartWithLimit(-5_100)];
    const inTime = aStartWithLimit(-3_000);
    const waiting = aPostCall();
    await store().insertStarts([...overdue, inTime]);
    await store().insertPostCalls([waiting]);
    const found = await store().findOverdue(10);
    expect(found).to.have.length(2);
    for (const [at, { executionUuid, conversationUuid }] of overdue.entries())
      expect(found[at]).to.include({ executionUuid, conversationUuid, webhookType: 'pre_call' });
    const [first] = await store().findOverdue(1);
    expect(first?.executionUuid).to.equal(overdue[0]?.executionUuid);
    expect(await store().findOverdue(10, first)).to.have.length(1);
    const uuids = [...overdue, inTime, waiting].map(({ executionUuid }) => executionUuid);
    expect(await store().interruptOverdue([...uuids, randomUUID()])).to.deep.equal(uuids.slice(0, 2));
    expect(await store().interruptOverdue(uuids)).to.deep.equal([]);
    expect(await store().interruptOverdue([])).to.deep.equal([]);
    expect(await store().findOverdue(10)).to.deep.equal([]);
    expect(await stateOf(inTime.executionUuid)).to.equal('sending');
    expect(await stateOf(waiting.executionUuid)).to.equal('accepted');
    const { execution } = (await store().findExecution(overdue[0]?.executionUuid as string)) ?? expect.fail();
    expect(execution.failure).to.deep.include({ code: 'INTERRUPTED', sent: 'maybe' });
    expect(execution.finishedAtMs).to.be.within(execution.acceptedAtMs, await store().nowMs());
  });

  it('are missing for the counted overdue: sending 10 s past the limit, accepted past CALLHOOKS_START_BY', async () => {
    await store().insertStarts([aStartWithLimit(-10_500), aStartWithLimit(-10_500), aStartWithLimit(-9_000)]);
    await store().insertPostCalls([aPostCall()]);
    expect(await store().countOverdue(0)).to.equal(2);
    expect(await store().countOverdue(-5_500)).to.equal(3);
    expect(await store().countOverdue(60_000)).to.equal(2);
    await interruptOverdue(store());
    expect(await store().countOverdue(60_000)).to.equal(0);
  });

  // A replica that freezes in the middle of a commit keeps its locks until the server closes its connection.
  if (engine.name === 'mariadb')
    for (const lock of ['UPDATE', 'SELECT'])
      it(`pass over a row that an open ${lock} has locked`, async () => {
        const [locked, free] = [aStartWithLimit(-6_100), aStartWithLimit(-6_000)];
        await store().insertStarts([locked, free]);
        const direct = connectDirectly(db.fresh);
        const uuid = Buffer.from(locked.executionUuid.replaceAll('-', ''), 'hex');
        await direct.transaction(async (session) => {
          if (lock === 'UPDATE')
            await session.change('UPDATE executions SET state = 3 WHERE execution_uuid = ?', [uuid]);
          else await session.rows('SELECT 1 FROM executions WHERE execution_uuid = ? FOR UPDATE', [uuid]);
          const startedAtMs = performance.now();
          const interrupted = await interruptOverdue(store(), 10);
          expect(interrupted.map(({ executionUuid }) => executionUuid)).to.deep.equal([free.executionUuid]);
          expect(performance.now() - startedAtMs).to.be.below(900);
        });
        await direct.close();
        const after = lock === 'UPDATE' ? 'succeeded' : 'sending';
        expect(await stateOf(locked.executionUuid)).to.equal(after);
      });

  it('find the overdue page by page, even if rows of earlier pages are still there', async () => {
    const starts = times(60, () => aStartWithLimit(-9_000));
    await store().insertStarts(starts);
    const found: string[] = [];
    for (let after: Awaited<ReturnType<typeof make.interruptOverdue>>[number] | undefined; ;) {
      const page = await store().findOverdue(7, after);
      found.push(...page.map(({ executionUuid }) => executionUuid));
      after = page.at(-1);
      if (page.length < 7) break;
    }
    expect(found.toSorted()).to.deep.equal(starts.map(({ executionUuid }) => executionUuid).toSorted());
    // These are more than one step of either engine.
    expect(await store().interruptOverdue(found)).to.deep.equal(found);
  });

  it('are made for every sending row when no owner can live', async () => {
    const starts = times(230, () => aStart());
    await store().insertStarts(starts);
    const postCall = aPostCall();
    await store().insertPostCalls([postCall, aPostCall()]);
    await store().claimPostCalls([aClaim(postCall)]);
    await store().recordOutcomes(starts.slice(0, 10).map((start) => anOutcome(start)));
    expect(await store().interruptAllSending()).to.equal(221);
    expect(await store().interruptAllSending()).to.equal(0);
    expect(await store().countPending(10)).to.equal(1);
    expect(await stateOf(starts[0]?.executionUuid as string)).to.equal('succeeded');
  });

  it('abandon a start that was not confirmed, with SENT_NO', async () => {
    const [lying, ended] = [aStart(), aStart()];
    await store().insertStarts([lying, ended]);
    await store().recordOutcomes([anOutcome(ended)]);
    for (const uuid of [lying.executionUuid, ended.executionUuid, randomUUID()])
      await store().abandonStart(uuid);
    const { execution } = (await store().findExecution(lying.executionUuid)) ?? expect.fail();
    expect(execution.state).to.equal('interrupted');
    expect(execution.failure).to.include({ code: 'INTERRUPTED', sent: 'no' });
    expect(await stateOf(ended.executionUuid)).to.equal('succeeded');
  });

  it('leave rows with states, types and codes of a newer release alone, and show them', async () => {
    const starts = times(3, () => aStartWithLimit(-20_000));
    await store().insertStarts(starts);
    const direct = connectDirectly(db.fresh);
    await direct.use((session) =>
      session.change(
        'UPDATE executions SET state = 77, failure_code = 99, failure_sent = 9, time_limit_source = 9, failure_policy = 9, detail = \'{"later":1}\'',
      ),
    );
    await direct.close();
    const [start] = starts as [(typeof starts)[0]];
    expect(await interruptOverdue(store(), 10)).to.deep.equal([]);
    expect(await store().interruptAllSending()).to.equal(0);
    expect(await store().recordOutcomes([anOutcome(start)])).to.deep.equal(['not_owner']);
    expect(await store().purge((await store().nowMs()) + 1_000, 10)).to.equal(0);
    const { execution } = (await store().findExecution(start.executionUuid)) ?? expect.fail();
    expect(execution).to.deep.include({
      state: 'unknown_77',
      failure: { code: 'unknown_99', message: '', sent: 'unknown_9' },
      timeLimitSource: 'unknown_9',
      failurePolicy: 'unknown_9',
    });
    expect(execution).not.to.have.property('finishedAtMs');
    const { items } = await store().listExecutions({ states: [], failureCodes: [] }, 10);
    expect(items).to.have.length(3);
    const [lost] = await store().insertStarts([aStart({ conversationUuid: start.conversationUuid })]);
    expect(lost?.kind).to.equal('lost');
    // Such a start wakes no waiter, because its row can not be answered from.
    expect(await store().findFinishedStarts([start.conversationUuid])).to.deep.equal([]);
  });
});

describeEachEngine('pending post-calls', (engine) => {
  let db: make.TestDatabase;
  const store = () => db.database.executions;
  beforeEach(async () => {
    db = await openFresh(engine);
  });
  afterEach(() => db.close());

  it('are listed by webhook, oldest first', async () => {
    const webhooks = times(3, () => randomUUID());
    const postCalls = times(12, (at) => aPostCall({ webhookUuid: webhooks[at % 3] as string }));
    for (const postCall of postCalls) await store().insertPostCalls([postCall]);
    await store().insertStarts([aStart()]);
    const found = await store().listPendingWebhooks();
    expect(found.map(({ webhookUuid }) => webhookUuid)).to.deep.equal(webhooks.toSorted());
    for (const { webhookUuid, oldestAcceptedAtMs } of found) {
      const [oldest] = await store().listPendingPostCalls(webhookUuid, 1);
      expect(oldestAcceptedAtMs).to.equal(oldest?.acceptedAtMs);
    }
    const all = await store().listPendingPostCalls(webhooks[1] as string, 10);
    const accepted = postCalls.filter(({ webhookUuid }) => webhookUuid === webhooks[1]);
    expect(all.map(({ executionUuid }) => executionUuid)).to.have.members(
      accepted.map((postCall) => postCall.executionUuid),
    );
    expect(all.map(({ acceptedAtMs }) => acceptedAtMs)).to.deep.equal(
      all.map((postCall) => postCall.acceptedAtMs).toSorted(),
    );
    expect(await store().listPendingPostCalls(webhooks[1] as string, 2)).to.deep.equal(all.slice(0, 2));
    expect(await store().listPendingPostCalls(webhooks[1] as string, 9, all[1])).to.deep.equal(all.slice(2));
    const first =
      postCalls.find(({ executionUuid }) => executionUuid === all[0]?.executionUuid) ?? expect.fail();
    const { executionUuid, conversationUuid, agentUuid, webhookUuid } = first;
    expect(all[0]).to.deep.include({ executionUuid, conversationUuid, agentUuid, webhookUuid });
  });

  it('are found for all of many webhooks', async () => {
    const postCalls = times(450, () => aPostCall());
    await store().insertPostCalls(postCalls);
    const webhooks = postCalls.map(({ webhookUuid }) => webhookUuid).toSorted();
    const found = await store().listPendingWebhooks();
    expect(found.map(({ webhookUuid }) => webhookUuid)).to.deep.equal(webhooks);
  });

  it('are counted up to a cap', async () => {
    expect(await store().countPending(100)).to.equal(0);
    await store().insertPostCalls(times(7, () => aPostCall()));
    for (const [cap, count] of [
      [100, 7],
      [7, 7],
      [3, 3],
      [0, 0],
    ] as const)
      expect(await store().countPending(cap), `up to ${cap}`).to.equal(count);
  });

  it('fail unsent, once, and lose their details', async () => {
    const [waiting, claimed, other] = [aPostCall(), aPostCall(), aPostCall()];
    await store().insertPostCalls([waiting, claimed, other]);
    await store().claimPostCalls([aClaim(claimed)]);
    const uuids = [waiting.executionUuid, claimed.executionUuid, randomUUID()];
    expect(await store().failUnsent(uuids, REMOVED)).to.equal(1);
    expect(await store().failUnsent(uuids, REMOVED)).to.equal(0);
    expect(await store().failUnsent([], REMOVED)).to.equal(0);
    const { execution } = (await store().findExecution(waiting.executionUuid)) ?? expect.fail();
    expect(execution).to.deep.include({ state: 'failed', failure: REMOVED });
    expect(execution.finishedAtMs).to.be.within(execution.acceptedAtMs, await store().nowMs());
    expect(await store().findDetails(waiting.executionUuid)).to.equal(undefined);
    expect(await store().findDetails(claimed.executionUuid)).to.deep.equal(claimed.details);
    const left = await store().listPendingWebhooks();
    expect(left.map(({ webhookUuid }) => webhookUuid)).to.deep.equal([other.webhookUuid]);
  });

  it('fail unsent only when they are old enough by the database’s clock', async () => {
    const postCall = aPostCall();
    await store().insertPostCalls([postCall]);
    expect(await store().failUnsent([postCall.executionUuid], REMOVED, 60_000)).to.equal(0);
    expect(await store().failUnsent([postCall.executionUuid], REMOVED, -60_000)).to.equal(1);
  });
});

describeEachEngine('the purge', (engine) => {
  let db: make.TestDatabase;
  const store = () => db.database.executions;
  before(async () => {
    db = await openFresh(engine);
  });
  after(() => db.close());
  const LATER_MS = 60_000;
  const purgeAll = async () => store().purge((await store().nowMs()) + LATER_MS, 1_000);

  it('deletes finished executions, keeps their keys, and leaves running and younger ones alone', async () => {
    const [done, running, silent] = [aStart(), aStart(), make.aStartWithoutWebhook()];
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
