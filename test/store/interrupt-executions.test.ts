import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { describeEachEngine } from '../support/engines.ts';
import { aClaim, anOutcome, aPostCall, aStart, aStartWithLimit } from './samples.ts';
import { connectDirectly, interruptOverdue, openFresh, type TestDatabase, times } from './test-database.ts';

describeEachEngine('marks of interrupted executions', (engine) => {
  let db: TestDatabase;
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
  if (engine.name !== 'sqlite')
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
    for (let after: Awaited<ReturnType<typeof interruptOverdue>>[number] | undefined; ;) {
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
    const interrupted = await store().interruptAllSending();
    expect(interrupted.filter(({ webhookType }) => webhookType === 'pre_call')).to.have.length(220);
    const { executionUuid, conversationUuid, agentUuid, webhookUuid } = postCall;
    expect(interrupted.filter(({ webhookType }) => webhookType === 'post_call')).to.deep.equal([
      { executionUuid, conversationUuid, agentUuid, webhookUuid, webhookType: 'post_call' },
    ]);
    expect(await store().interruptAllSending()).to.deep.equal([]);
    expect(await store().countPending(10)).to.equal(1);
    expect(await stateOf(starts[0]?.executionUuid as string)).to.equal('succeeded');
  });

  it('store the decision of the policy that the claim recorded, and none for a post-call', async () => {
    const overdue = aStartWithLimit(-6_000);
    const webhook = overdue.webhook ?? expect.fail();
    const starts = (['proceed', 'block'] as const).map((failurePolicy) =>
      aStart({ webhook: { ...webhook, failurePolicy } }),
    );
    const postCall = aPostCall();
    await store().insertStarts(starts);
    await store().insertPostCalls([postCall]);
    await store().claimPostCalls([aClaim(postCall, randomUUID(), -6_000)]);
    expect(await interruptOverdue(store())).to.have.length(3);
    const decisions = [...starts, postCall].map(
      async ({ executionUuid }) => (await store().findExecution(executionUuid))?.execution.decision,
    );
    expect(await Promise.all(decisions)).to.deep.equal(['proceed_degraded', 'block', undefined]);
  });

  it('abandon a start that was not confirmed, with SENT_NO', async () => {
    const [sending, finished] = [aStart(), aStart()];
    await store().insertStarts([sending, finished]);
    await store().recordOutcomes([anOutcome(finished)]);
    for (const uuid of [sending.executionUuid, finished.executionUuid, randomUUID()])
      await store().abandonStart(uuid);
    const { execution } = (await store().findExecution(sending.executionUuid)) ?? expect.fail();
    expect(execution.state).to.equal('interrupted');
    expect(execution.failure).to.include({ code: 'INTERRUPTED', sent: 'no' });
    expect(execution.decision).to.equal('proceed_degraded');
    expect(await stateOf(finished.executionUuid)).to.equal('succeeded');
  });

  it('leave rows with states, types and codes of a newer release alone, and show them', async () => {
    const starts = times(3, () => aStartWithLimit(-20_000));
    await store().insertStarts(starts);
    const direct = connectDirectly(db.fresh);
    await direct.use((session) =>
      session.change(
        'UPDATE executions SET state = 77, failure_code = 99, failure_sent = 9, time_limit_source = 9, failure_policy = 9, decision = 9, detail = \'{"later":1}\'',
      ),
    );
    await direct.close();
    const [start] = starts as [(typeof starts)[0]];
    expect(await interruptOverdue(store(), 10)).to.deep.equal([]);
    expect(await store().interruptAllSending()).to.deep.equal([]);
    expect(await store().recordOutcomes([anOutcome(start)])).to.deep.equal(['not_owner']);
    expect(await store().purge((await store().nowMs()) + 1_000, 10)).to.equal(0);
    const { execution } = (await store().findExecution(start.executionUuid)) ?? expect.fail();
    expect(execution).to.deep.include({
      state: 'unknown_77',
      failure: { code: 'unknown_99', message: '', sent: 'unknown_9' },
      timeLimitSource: 'unknown_9',
      failurePolicy: 'unknown_9',
      decision: 'unknown_9',
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
