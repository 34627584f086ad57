import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import type { RequestRecord, ResponseRecord } from '../../src/domain/execution.ts';
import type { RecordedStart } from '../../src/store/execution-store.ts';
import type { Outcome } from '../../src/store/write-batch.ts';
import { describeEachEngine } from '../support/engines.ts';
import {
  aClaim,
  anOutcome,
  aPostCall,
  aPostCallOutcome,
  aStart,
  aStartWithLimit,
  type TestedPostCall,
  type TestedStart,
} from './samples.ts';
import { interruptOverdue, openFresh, type TestDatabase, times } from './test-database.ts';

const REQUEST: RequestRecord = {
  method: 'POST',
  url: 'https://api.example.com/',
  headers: [
    { name: 'x-b', value: '1' },
    { name: 'x-a', value: '••••••' },
  ],
  body: '{"name":"Zoë 😀"}',
  bodyBinary: false,
  bodyBytes: 19,
  truncated: false,
};
const RESPONSE: ResponseRecord = { ...REQUEST, status: 200, body: '', bodyBinary: true };
function response(): ResponseRecord {
  const { method: _, url: __, ...rest } = { ...REQUEST, ...RESPONSE };
  return rest;
}
const TIMED_OUT = { code: 'TIMEOUT', message: 'no answer in 10 s', sent: 'yes' } as const;

describeEachEngine('outcomes', (engine) => {
  let db: TestDatabase;
  const store = () => db.database.executions;
  before(async () => {
    db = await openFresh(engine);
  });
  after(() => db.close());

  const started = async (start: TestedStart = aStart()): Promise<TestedStart> => {
    await store().insertStarts([start]);
    return start;
  };
  const claimed = async (timeLimitMs = 5_000): Promise<{ postCall: TestedPostCall; claim: string }> => {
    const postCall = aPostCall();
    const claim = randomUUID();
    await store().insertPostCalls([postCall]);
    await store().claimPostCalls([aClaim(postCall, claim, timeLimitMs)]);
    return { postCall, claim };
  };
  const record = async (outcome: Outcome): Promise<string | undefined> =>
    (await store().recordOutcomes([outcome]))[0];
  const foundStart = async (conversationUuid: string): Promise<RecordedStart> => {
    const found = await store().findStart(conversationUuid);
    return found === undefined || found === 'purged' ? expect.fail(String(found)) : found;
  };
  const found = async (executionUuid: string) =>
    (await store().findExecution(executionUuid)) ?? expect.fail('not found');

  it('of a pre-call store everything that its replies and the log need', async () => {
    const start = await started();
    const outcome = anOutcome(start, {
      webhookEtag: 'etag-9',
      missingVariables: ['metadata.lead', 'x'],
      missedAssignments: [{ attributeName: 'a.b', dynamicVariable: 'v', reason: 'too_large' }],
      assigned: { b: 1.5, a: { z: null, '😀': ['x'] } },
      assignedSources: { b: 'assignment', a: 'assignment_default' },
      request: REQUEST,
      response: response(),
      durationMs: 250.4,
    });
    expect(await record(outcome)).to.equal('recorded');
    const { execution, record: parts } = await found(start.executionUuid);
    expect(execution).to.deep.include({
      state: 'succeeded',
      decision: 'proceed',
      webhookEtag: 'etag-9',
      timings: outcome.timings,
      missingVariables: outcome.missingVariables,
      missedAssignments: outcome.missedAssignments,
    });
    expect(execution).not.to.have.property('failure');
    expect(execution.finishedAtMs).to.equal((execution.sendingAtMs ?? 0) + 250);
    expect(parts).to.deep.equal({
      request: REQUEST,
      response: response(),
      assignedVariables: outcome.assigned,
    });
    expect(JSON.stringify(parts.assignedVariables)).to.equal(JSON.stringify(outcome.assigned));
    const { assigned, assignedSources } = outcome;
    expect(await foundStart(start.conversationUuid)).to.deep.equal({
      execution,
      start: { ...start.start, assigned, assignedSources },
    });
    expect(await store().findFinishedStarts([start.conversationUuid])).to.deep.equal([
      start.conversationUuid,
    ]);
  });

  it('make their starts finished in a list of any length', async () => {
    const [running, finished] = [aStart(), aStart()];
    await store().insertStarts([running, finished]);
    await store().recordOutcomes([anOutcome(finished)]);
    const many = [running, finished, ...times(40_000, () => aStart())].map((start) => start.conversationUuid);
    expect(await store().findFinishedStarts(many)).to.deep.equal(many.slice(1));
  });

  it('of a failure store its cause, and that nothing was assigned', async () => {
    const start = await started();
    const failed = anOutcome(start, {
      state: 'failed',
      failure: TIMED_OUT,
      decision: 'block',
      assigned: {},
      assignedSources: {},
    });
    expect(await record(failed)).to.equal('recorded');
    const { execution, start: variables } = await foundStart(start.conversationUuid);
    expect(execution).to.deep.include({ state: 'failed', failure: TIMED_OUT, decision: 'block' });
    expect(variables).to.deep.include({ assigned: {}, assignedSources: {} });
  });

  it('of a rejection store its reason, and that nothing was assigned', async () => {
    const start = await started();
    const rejection = { decision: 'block_rejected', rejectReason: 'blocked: 😀' } as const;
    const outcome = anOutcome(start, { ...rejection, assigned: {}, assignedSources: {} });
    expect(await record(outcome)).to.equal('recorded');
    const { execution, start: variables } = await foundStart(start.conversationUuid);
    expect(execution).to.deep.include({ state: 'succeeded', ...rejection });
    expect(variables).to.deep.include({ assigned: {}, assignedSources: {} });
  });

  it('of a post-call delete its details', async () => {
    const { postCall, claim } = await claimed();
    expect(await record(aPostCallOutcome(postCall, claim, { request: REQUEST }))).to.equal('recorded');
    expect(await store().findDetails(postCall.executionUuid)).to.equal(undefined);
    const { execution, record: parts } = await found(postCall.executionUuid);
    expect(execution).not.to.have.property('decision');
    expect(parts).to.deep.equal({ request: REQUEST });
  });

  it('return recorded again when they are repeated', async () => {
    const start = await started();
    const { postCall, claim } = await claimed();
    const outcomes = [
      anOutcome(start, { request: REQUEST, assigned: { a: 1 }, assignedSources: { a: 'assignment' } }),
      aPostCallOutcome(postCall, claim, { state: 'failed', failure: TIMED_OUT, request: REQUEST }),
    ];
    expect(await store().recordOutcomes(outcomes)).to.deep.equal(['recorded', 'recorded']);
    const first = [await found(start.executionUuid), await found(postCall.executionUuid)];
    expect(await store().recordOutcomes(outcomes)).to.deep.equal(['recorded', 'recorded']);
    expect([await found(start.executionUuid), await found(postCall.executionUuid)]).to.deep.equal(first);
  });

  it('return not_owner without the claim, and for rows that are gone or not claimed', async () => {
    const start = await started();
    const waiting = aPostCall();
    await store().insertPostCalls([waiting]);
    const results = await store().recordOutcomes([
      anOutcome(start, { claim: randomUUID() }),
      aPostCallOutcome(waiting, randomUUID()),
      anOutcome(aStart()),
    ]);
    expect(results).to.deep.equal(['not_owner', 'not_owner', 'not_owner']);
    expect((await found(start.executionUuid)).execution.state).to.equal('sending');
    expect((await found(waiting.executionUuid)).execution.state).to.equal('accepted');
    expect(await store().findDetails(waiting.executionUuid)).to.deep.equal(waiting.details);
  });

  it('return not_owner and change nothing when another outcome is recorded', async () => {
    const start = await started();
    await record(anOutcome(start));
    expect(await record(anOutcome(start, { state: 'failed', failure: TIMED_OUT }))).to.equal('not_owner');
    const { postCall, claim } = await claimed();
    await record(aPostCallOutcome(postCall, claim));
    expect(await record(aPostCallOutcome(postCall, claim, { state: 'failed', failure: TIMED_OUT }))).to.equal(
      'not_owner',
    );
    for (const { executionUuid } of [start, postCall])
      expect((await found(executionUuid)).execution.state).to.equal('succeeded');
  });

  it('return not_owner and change nothing when a pre-call is marked interrupted', async () => {
    const start = await started(aStartWithLimit(-10_000));
    await interruptOverdue(store());
    const late = anOutcome(start, {
      request: REQUEST,
      assigned: { a: 1 },
      assignedSources: { a: 'assignment' },
    });
    expect(await record(late)).to.equal('not_owner');
    const { execution, start: variables } = await foundStart(start.conversationUuid);
    expect(execution).to.deep.include({ state: 'interrupted', decision: 'proceed_degraded' });
    expect(execution.failure).to.include({ code: 'INTERRUPTED', sent: 'maybe' });
    expect(variables).to.deep.include({ assigned: {}, assignedSources: {} });
    expect((await found(start.executionUuid)).record).to.deep.equal({});
  });

  it('replace the mark INTERRUPTED of a post-call', async () => {
    const { postCall, claim } = await claimed(-10_000);
    await interruptOverdue(store());
    const marked = (await found(postCall.executionUuid)).execution;
    expect(marked.state).to.equal('interrupted');
    expect(marked).not.to.have.property('decision');
    expect(await store().findDetails(postCall.executionUuid)).to.deep.equal(postCall.details);
    expect(await record(aPostCallOutcome(postCall, claim, { durationMs: 70 }))).to.equal('recorded');
    const { execution } = await found(postCall.executionUuid);
    expect(execution).to.include({ state: 'succeeded', finishedAtMs: (execution.sendingAtMs ?? 0) + 70 });
    expect(execution).not.to.have.property('failure');
    expect(await store().findDetails(postCall.executionUuid)).to.equal(undefined);
  });

  it('return an answer for each outcome of a batch of 200, in the order given', async () => {
    const starts = times(200, () => aStart());
    await store().insertStarts(starts);
    const isOurs = (at: number): boolean => at % 4 !== 0;
    const outcomes = starts.map((start, at) =>
      anOutcome(start, {
        claim: isOurs(at) ? start.executionUuid : randomUUID(),
        state: at % 2 === 0 ? 'succeeded' : 'failed',
        durationMs: at,
        ...(at % 2 === 0 ? {} : { failure: { ...TIMED_OUT, message: `n° ${at} 😀` } }),
        assigned: { at },
        assignedSources: { at: 'assignment' },
        request: { ...REQUEST, body: String(at) },
      }),
    );
    const results = await store().recordOutcomes(outcomes);
    expect(results).to.deep.equal(starts.map((_, at) => (isOurs(at) ? 'recorded' : 'not_owner')));
    for (const at of [0, 1, 2, 3, 197, 199]) {
      const { execution, record: parts } = await found(starts[at]?.executionUuid as string);
      if (!isOurs(at)) expect([execution.state, parts]).to.deep.equal(['sending', {}]);
      else {
        expect(execution.finishedAtMs).to.equal((execution.sendingAtMs ?? 0) + at);
        expect(execution.failure?.message).to.equal(at % 2 === 0 ? undefined : `n° ${at} 😀`);
        expect(parts.request?.body).to.equal(String(at));
      }
    }
  });

  it('agree with a concurrent mark on what the row says', async () => {
    const starts = times(30, () => aStartWithLimit(-10_000));
    await store().insertStarts(starts);
    const [results] = await Promise.all([
      Promise.all(starts.map((start) => record(anOutcome(start)))),
      interruptOverdue(store()),
      interruptOverdue(store()),
    ]);
    for (const [at, { executionUuid }] of starts.entries())
      expect((await found(executionUuid)).execution.state).to.equal(
        results[at] === 'recorded' ? 'succeeded' : 'interrupted',
      );
  });
});
