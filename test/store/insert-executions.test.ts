import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../src/domain/json.ts';
import type { StartVariables } from '../../src/domain/call.ts';
import { DatabaseError } from '../../src/errors.ts';
import type { RecordedStart } from '../../src/store/execution-store.ts';
import type { InsertResult } from '../../src/store/write-batch.ts';
import { describeEachEngine } from '../support/engines.ts';
import { aPostCall, aStart, aStartWithoutWebhook, type TestedPostCall } from './samples.ts';
import { connectDirectly, openFresh, rejection, type TestDatabase, times } from './test-database.ts';

function kindsOf(results: readonly InsertResult[]): string[] {
  return results.map(({ kind }) => kind);
}
function holderOf(result: InsertResult | undefined): string {
  return result !== undefined && 'execution' in result ? result.execution.executionUuid : 'none';
}

describeEachEngine('inserts of executions', (engine) => {
  let db: TestDatabase;
  const store = () => db.database.executions;
  before(async () => {
    db = await openFresh(engine);
  });
  after(() => db.close());

  const foundStart = async (conversationUuid: string): Promise<RecordedStart> => {
    const found = await store().findStart(conversationUuid);
    if (found === undefined || found === 'purged') return expect.fail(`start: ${String(found)}`);
    return found;
  };

  it('claim a pre-call at the time of the database, and store it as it was given', async () => {
    const start = aStart();
    const beforeMs = await store().nowMs();
    const [result] = await store().insertStarts([start]);
    if (result?.kind !== 'won') return expect.fail(String(result?.kind));
    const { acceptedAtMs } = result.execution;
    expect(acceptedAtMs).to.be.within(beforeMs, await store().nowMs());
    expect(result.execution).to.deep.equal({
      executionUuid: start.executionUuid,
      agentUuid: start.agentUuid,
      conversationUuid: start.conversationUuid,
      webhookUuid: start.webhook?.webhookUuid,
      webhookEtag: 'etag-1',
      webhookType: 'pre_call',
      state: 'sending',
      failurePolicy: 'proceed',
      timeLimitMs: 10_000,
      timeLimitSource: 'config',
      missingVariables: [],
      missedAssignments: [],
      acceptedAtMs,
      sendingAtMs: acceptedAtMs,
      instance: 'replica-1',
    });
    expect(await foundStart(start.conversationUuid)).to.deep.equal({
      execution: result.execution,
      start: start.start,
    });
    expect(await store().isSending(start.executionUuid)).to.equal(true);
  });

  it('store a start without a webhook as finished, hidden from the log', async () => {
    const start = aStartWithoutWebhook();
    expect(kindsOf(await store().insertStarts([start, aStartWithoutWebhook()]))).to.deep.equal([
      'won',
      'won',
    ]);
    const { execution, start: stored } = await foundStart(start.conversationUuid);
    expect([execution.state, execution.webhookUuid, execution.failurePolicy]).to.deep.equal([
      'no_webhook',
      '',
      null,
    ]);
    expect(execution.finishedAtMs).to.equal(execution.acceptedAtMs);
    expect(stored).to.deep.equal(start.start);
    expect(await store().findExecution(start.executionUuid)).to.equal(undefined);
    expect(await store().findFinishedStarts([start.conversationUuid])).to.deep.equal([
      start.conversationUuid,
    ]);
  });

  it('accept a post-call with its details', async () => {
    const postCall = aPostCall();
    const [result] = await store().insertPostCalls([postCall]);
    if (result?.kind !== 'won') return expect.fail(String(result?.kind));
    expect(result.execution).to.deep.include({
      state: 'accepted',
      webhookType: 'post_call',
      failurePolicy: null,
    });
    expect(result.execution).not.to.have.any.keys('sendingAtMs', 'finishedAtMs', 'timeLimitMs', 'failure');
    expect(await store().findPostCall(postCall.conversationUuid)).to.deep.equal(result.execution);
    expect(await store().findDetails(postCall.executionUuid)).to.deep.equal(postCall.details);
  });

  it('store the pre-call and the post-call of one conversation', async () => {
    const { conversationUuid, agentUuid } = aStart();
    await store().insertStarts([aStart({ conversationUuid, agentUuid })]);
    const postCalls = await store().insertPostCalls([aPostCall({ conversationUuid, agentUuid })]);
    expect(kindsOf(postCalls)).to.deep.equal(['won']);
    const found = await store().findConversation(conversationUuid);
    expect(found.map(({ webhookType }) => webhookType)).to.deep.equal(['pre_call', 'post_call']);
  });

  it('return other_agent and leave nothing when the conversation belongs to another agent', async () => {
    const start = aStart();
    const postCall = aPostCall();
    await store().insertStarts([start]);
    await store().insertPostCalls([postCall]);
    const { conversationUuid } = start;
    const otherPostCall = aPostCall({ conversationUuid });
    const otherStart = aStart({ conversationUuid: postCall.conversationUuid });
    expect(kindsOf(await store().insertPostCalls([otherPostCall]))).to.deep.equal(['other_agent']);
    expect(kindsOf(await store().insertStarts([otherStart]))).to.deep.equal(['other_agent']);
    expect(await store().findPostCall(conversationUuid)).to.equal(undefined);
    expect(await store().findStart(postCall.conversationUuid)).to.equal(undefined);
    expect(await store().findDetails(otherPostCall.executionUuid)).to.equal(undefined);
  });

  it('return lost and the existing row when the conversation has one', async () => {
    const first = aStart();
    const second = aStart({ conversationUuid: first.conversationUuid, instance: 'replica-2' });
    const [won] = await store().insertStarts([first]);
    const [lost] = await store().insertStarts([second]);
    expect(lost).to.deep.equal({ ...won, kind: 'lost' });
    expect(await store().isSending(second.executionUuid)).to.equal(false);
  });

  it('return won again when they are repeated with the same token', async () => {
    const start = aStart();
    const postCall = aPostCall();
    const [wonStart] = await store().insertStarts([start]);
    expect(await store().insertStarts([start])).to.deep.equal([wonStart]);
    const [wonPostCall] = await store().insertPostCalls([postCall]);
    expect(await store().insertPostCalls([postCall])).to.deep.equal([wonPostCall]);
  });

  it('return an answer for each row of a batch of 200: new, taken, twice in the batch', async () => {
    const taken = times(40, () => aStart());
    await store().insertStarts(taken);
    const fresh = times(120, () => aStart());
    const losers = taken.map(({ conversationUuid }) => aStart({ conversationUuid }));
    const doubles = fresh.slice(0, 40).map(({ conversationUuid }) => aStart({ conversationUuid }));
    const batch = [...losers, ...fresh, ...doubles].map((start, at) => ({ start, order: (at * 73) % 200 }));
    const shuffled = batch.toSorted((a, b) => a.order - b.order).map(({ start }) => start);

    const results = await store().insertStarts(shuffled);
    const answerOf = (start: { executionUuid: string }) =>
      results[shuffled.findIndex(({ executionUuid }) => executionUuid === start.executionUuid)];
    expect(new Set(kindsOf(losers.map((start) => answerOf(start) as InsertResult)))).to.deep.equal(
      new Set(['lost']),
    );
    losers.forEach((start, at) => expect(holderOf(answerOf(start))).to.equal(taken[at]?.executionUuid));
    for (const start of fresh.slice(40)) expect(answerOf(start)?.kind).to.equal('won');
    doubles.forEach((double, at) => {
      const pair = [answerOf(double), answerOf(fresh[at] as { executionUuid: string })];
      expect(kindsOf(pair as InsertResult[]).toSorted()).to.deep.equal(['lost', 'won']);
      expect(holderOf(pair[0])).to.equal(holderOf(pair[1]));
    });
    for (const start of fresh.slice(40, 45))
      expect((await foundStart(start.conversationUuid)).start).to.deep.equal(start.start);
  });

  it('let exactly one of many connections win each conversation', async () => {
    const conversations = times(20, () => randomUUID());
    const batches = times(12, () => conversations.map((conversationUuid) => aStart({ conversationUuid })));
    const answers = await Promise.all(batches.map((batch) => store().insertStarts(batch)));
    conversations.forEach((conversationUuid, at) => {
      const ofOne = answers.map((results) => results[at] as InsertResult);
      expect(
        kindsOf(ofOne).filter((kind) => kind === 'won'),
        conversationUuid,
      ).to.have.length(1);
      expect(new Set(ofOne.map(holderOf)).size).to.equal(1);
    });
  });

  it('store texts and numbers as they are', async () => {
    const metadata: JsonObject = JSON.parse(
      '{"b":1,"a":2,"10":"x","9":"y","nested":{"d":[],"c":{}},"fraction":0.1,"big":9007199254740993,"huge":1.7976931348623157e308,"tiny":5e-324,"negative":-0.5}',
    );
    const details: TestedPostCall['details'] = {
      callerPhone: '+49 30 ☎️',
      metadata,
      dynamicVariables: { lone: 'a\ud800b', nul: 'a\u0000b', quotes: `"'\\%_?` },
      callDurationSecs: 62.123456789,
      callSummary: 'Kunde 😀 zufrieden \u{1F9D1}\u200D\u{1F680} \n\t "ok" \\',
    };
    const postCall = aPostCall({ details });
    await store().insertPostCalls([postCall]);
    const read = await store().findDetails(postCall.executionUuid);
    expect(read).to.deep.equal(details);
    expect(JSON.stringify(read)).to.equal(JSON.stringify(details));
  });

  for (const [name, bytes] of Object.entries({ '64 KiB and a byte': 65_537, '3 MiB': 3_145_728 }))
    it(`store a text of ${name}`, async () => {
      const text = '€'.repeat(Math.floor(bytes / 3)) + 'x'.repeat(bytes % 3);
      const postCall = aPostCall({
        details: {
          callerPhone: '',
          metadata: { text },
          dynamicVariables: {},
          callSummary: text.slice(0, 20_000),
        },
      });
      const start: StartVariables = { callerPhone: '', variables: { text }, sources: { text: 'request' } };
      const begun = aStart({ start });
      await Promise.all([store().insertPostCalls([postCall]), store().insertStarts([begun])]);
      expect(await store().findDetails(postCall.executionUuid)).to.deep.equal(postCall.details);
      expect((await foundStart(begun.conversationUuid)).start).to.deep.equal(start);
    });

  it('return no answers for no rows', async () => {
    expect(await store().insertStarts([])).to.deep.equal([]);
    expect(await store().insertPostCalls([])).to.deep.equal([]);
    expect(await store().claimPostCalls([])).to.deep.equal([]);
    expect(await store().recordOutcomes([])).to.deep.equal([]);
  });

  it('return purged and leave nothing under a purged key', async () => {
    const [start, postCall] = [aStart(), aPostCall()];
    const direct = connectDirectly(db.fresh);
    const keep = (conversationUuid: string, type: number) =>
      direct.use((session) =>
        session.change(
          'INSERT INTO purged_keys (conversation_uuid, webhook_type, purged_day) VALUES (?, ?, 1)',
          [Buffer.from(conversationUuid.replaceAll('-', ''), 'hex'), type],
        ),
      );
    await keep(start.conversationUuid, 1);
    await keep(postCall.conversationUuid, 2);
    await direct.close();
    const other = aStart();
    expect(kindsOf(await store().insertStarts([other, start]))).to.deep.equal(['won', 'purged']);
    expect(kindsOf(await store().insertPostCalls([postCall]))).to.deep.equal(['purged']);
    expect(await store().findStart(start.conversationUuid)).to.equal('purged');
    expect(await store().findPostCall(postCall.conversationUuid)).to.equal('purged');
    expect(await store().findPostCall(start.conversationUuid)).to.equal(undefined);
    expect(await store().findExecution(start.executionUuid)).to.equal(undefined);
    expect(await store().findDetails(postCall.executionUuid)).to.equal(undefined);
  });

  // SQLite has no lengths, so there no row is bad in this way.
  if (engine.name !== 'sqlite')
    it('reject the whole batch as row when one value is too long', async () => {
      const good = aStart();
      const bad = aStart({ instance: 'x'.repeat(300) });
      const error = await rejection(store().insertStarts([good, bad]));
      expect(error).to.be.instanceOf(DatabaseError).with.property('kind', 'row');
      expect(await store().findStart(good.conversationUuid)).to.equal(undefined);
      expect(kindsOf(await store().insertStarts([good]))).to.deep.equal(['won']);
    });
});
