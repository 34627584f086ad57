import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { describeEachEngine } from '../support/engines.ts';
import { aClaim, aPostCall, aStart } from './samples.ts';
import { until } from '../support/until.ts';
import { openFresh, type TestDatabase, times } from './test-database.ts';

const REMOVED = { code: 'WEBHOOK_REMOVED', message: 'the webhook is gone', sent: 'no' } as const;

describeEachEngine('pending post-calls', (engine) => {
  let db: TestDatabase;
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

  it('are as old as the oldest of them, by the clock of the database', async () => {
    expect(await store().oldestPendingAgeMs()).to.equal(0);
    const [first, second] = [aPostCall(), aPostCall()];
    await store().insertPostCalls([first]);
    const acceptedAtMs = (await store().findExecution(first.executionUuid))?.execution.acceptedAtMs ?? NaN;
    await until('10 ms to pass', async () => (await store().nowMs()) >= acceptedAtMs + 10);
    await store().insertPostCalls([second]);
    expect(await store().oldestPendingAgeMs()).to.be.at.least(10);
    await store().failUnsent([first.executionUuid, second.executionUuid], REMOVED);
    expect(await store().oldestPendingAgeMs()).to.equal(0);
  });

  it('fail unsent, once, and lose their details', async () => {
    const [waiting, claimed, other] = [aPostCall(), aPostCall(), aPostCall()];
    await store().insertPostCalls([waiting, claimed, other]);
    await store().claimPostCalls([aClaim(claimed)]);
    const uuids = [waiting.executionUuid, claimed.executionUuid, randomUUID()];
    const { executionUuid, conversationUuid, agentUuid, webhookUuid } = waiting;
    expect(await store().failUnsent(uuids, REMOVED)).to.deep.equal([
      { executionUuid, conversationUuid, agentUuid, webhookUuid, webhookType: 'post_call' },
    ]);
    expect(await store().failUnsent(uuids, REMOVED)).to.deep.equal([]);
    expect(await store().failUnsent([], REMOVED)).to.deep.equal([]);
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
    expect(await store().failUnsent([postCall.executionUuid], REMOVED, 60_000)).to.deep.equal([]);
    expect(await store().failUnsent([postCall.executionUuid], REMOVED, -60_000)).to.have.length(1);
  });
});
