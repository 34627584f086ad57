import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { describeEachEngine } from '../support/engines.ts';
import { aClaim, aPostCall, aPostCallOutcome, aStart, type TestedPostCall } from './samples.ts';
import { connectDirectly, interruptOverdue, openFresh, type TestDatabase, times } from './test-database.ts';

describeEachEngine('claims of post-calls', (engine) => {
  let db: TestDatabase;
  const store = () => db.database.executions;
  before(async () => {
    db = await openFresh(engine);
  });
  after(() => db.close());

  const accepted = async (): Promise<TestedPostCall> => {
    const postCall = aPostCall();
    await store().insertPostCalls([postCall]);
    return postCall;
  };

  it('win an accepted row at the time of the database', async () => {
    const postCall = await accepted();
    const beforeMs = await store().nowMs();
    expect(await store().claimPostCalls([aClaim(postCall)])).to.deep.equal(['won']);
    const found = await store().findPostCall(postCall.conversationUuid);
    if (found === undefined || found === 'purged') return expect.fail();
    expect(found).to.include({
      state: 'sending',
      webhookEtag: 'etag-2',
      timeLimitMs: 5_000,
      instance: 'replica-2',
    });
    expect(found.sendingAtMs).to.be.within(beforeMs, await store().nowMs());
    expect(await store().listPendingPostCalls(postCall.webhookUuid, 10)).to.deep.equal([]);
    expect(await store().findDetails(postCall.executionUuid)).to.deep.equal(postCall.details);
  });

  it('win again with the same token, also after INTERRUPTED was marked, but not after the outcome', async () => {
    const postCall = await accepted();
    const claim = aClaim(postCall, randomUUID(), -10_000);
    expect(await store().claimPostCalls([claim])).to.deep.equal(['won']);
    expect(await store().claimPostCalls([claim])).to.deep.equal(['won']);
    await interruptOverdue(store());
    expect(await store().isSending(postCall.executionUuid)).to.equal(false);
    expect(await store().claimPostCalls([claim])).to.deep.equal(['won']);
    await store().recordOutcomes([aPostCallOutcome(postCall, claim.claim)]);
    expect(await store().claimPostCalls([claim])).to.deep.equal(['lost']);
  });

  it('lose a row that is claimed, finished, of another type, or gone', async () => {
    const [claimed, finished] = [await accepted(), await accepted()];
    await store().claimPostCalls([aClaim(claimed)]);
    await store().failUnsent([finished.executionUuid], {
      code: 'WEBHOOK_REMOVED',
      message: 'gone',
      sent: 'no',
    });
    const start = aStart();
    await store().insertStarts([start]);
    const claims = [claimed, finished, start, { executionUuid: randomUUID() }].map((row) => aClaim(row));
    expect(await store().claimPostCalls(claims)).to.deep.equal(['lost', 'lost', 'lost', 'lost']);
    expect(await store().isSending(start.executionUuid)).to.equal(true);
  });

  it('return an answer for each claim of a batch, in the order given', async () => {
    const postCalls = times(60, () => aPostCall());
    await store().insertPostCalls(postCalls);
    await store().claimPostCalls(
      postCalls.filter((_, at) => at % 3 === 0).map((postCall) => aClaim(postCall)),
    );
    const results = await store().claimPostCalls(postCalls.map((postCall) => aClaim(postCall)));
    expect(results).to.deep.equal(postCalls.map((_, at) => (at % 3 === 0 ? 'lost' : 'won')));
  });

  it('let one of two claims of the same row in one batch win', async () => {
    const postCall = await accepted();
    const results = await store().claimPostCalls([aClaim(postCall), aClaim(postCall)]);
    expect(results.toSorted()).to.deep.equal(['lost', 'won']);
  });

  it('let exactly one of many connections win each row', async () => {
    const postCalls = times(25, () => aPostCall());
    await store().insertPostCalls(postCalls);
    const answers = await Promise.all(
      times(12, () => store().claimPostCalls(postCalls.map((postCall) => aClaim(postCall)))),
    );
    postCalls.forEach((_, at) =>
      expect(answers.filter((results) => results[at] === 'won')).to.have.length(1),
    );
  });

  it('lose a row whose key is purged', async () => {
    const postCall = await accepted();
    const direct = connectDirectly(db.fresh);
    await direct.use((session) =>
      session.change(
        'INSERT INTO purged_keys (conversation_uuid, webhook_type, purged_day) VALUES (?, 2, 1)',
        [Buffer.from(postCall.conversationUuid.replaceAll('-', ''), 'hex')],
      ),
    );
    await direct.close();
    expect(await store().claimPostCalls([aClaim(postCall)])).to.deep.equal(['lost']);
    expect(await store().listPendingPostCalls(postCall.webhookUuid, 10)).to.deep.equal([]);
    expect(await store().findExecution(postCall.executionUuid)).to.equal(undefined);
  });
});
