import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, newCall, postTo, type CallAgent } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { readMetrics } from '../support/metrics.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { until } from '../support/until.ts';
import { watchExecutions, type Watch } from '../support/watch.ts';
import { anOutcome, aStart } from '../store/samples.ts';
import { openTested, optionsOf } from '../store/test-database.ts';

const { EXECUTION_STATE_FAILED: failed, EXECUTION_STATE_SENDING: sending } = pb.ExecutionState;

describeEachEngine('WatchExecutions', (engine) => {
  let app: TestApp;
  let receiver: Receiver;
  let good: CallAgent;
  let bad: CallAgent;
  const watches: Watch[] = [];

  const watch = (
    ...args: [Parameters<typeof watchExecutions>[1]?, Parameters<typeof watchExecutions>[2]?]
  ) => {
    const made = watchExecutions(app.port, ...args);
    watches.push(made);
    return made;
  };
  const untilBegun = (made: Watch) => until('the first message', () => made.messages.length > 0);
  const figure = async (name: string) => (await readMetrics(app.opsAddress)).get(name);
  const start = async (agent: CallAgent) =>
    (await app.rpc.calls.onCallStart(newCall(agent))).execution?.executionUuid;

  before(async () => {
    receiver = await startReceiver(({ body }) => ({ status: body === 'bad' ? 500 : 200 }));
    app = await startTestApp(engine, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' });
    good = await makeAgent(app.rpc, {
      pre: postTo(receiver.url, 'good'),
      post: postTo(receiver.url, 'good'),
    });
    bad = await makeAgent(app.rpc, { pre: postTo(receiver.url, 'bad') });
  });
  afterEach(() => {
    for (const made of watches.splice(0)) made.cancel();
  });
  after(async () => {
    await receiver.close();
    await app.close();
  });

  it('answers at once, and then tells each execution that ends, as ListExecutions shows it', async () => {
    const made = watch();
    await untilBegun(made);
    expect(made.messages[0]?.executions).to.deep.equal([]);
    const call = newCall(good);
    const { execution } = await app.rpc.calls.onCallStart(call);
    await app.rpc.calls.onCallEnd(call);
    const told = await made.untilTold(execution?.executionUuid);
    const { executions } = await app.rpc.executions.listExecutions(call);
    expect(told).to.deep.equal(executions.find(({ executionUuid }) => executionUuid === told.executionUuid));
    await until('both executions', () => made.executions().length === 2);
  });

  it('tells only executions that match the filter', async () => {
    const ofBad = watch({ agentUuid: bad.agentUuid, states: [failed] });
    const notDegraded = watch({ degraded: false });
    await untilBegun(ofBad);
    await untilBegun(notDegraded);
    const goodUuid = await start(good);
    const badUuid = await start(bad);
    await ofBad.untilTold(badUuid);
    await notDegraded.untilTold(goodUuid);
    const uuids = (made: Watch) => made.executions().map(({ executionUuid }) => executionUuid);
    expect(uuids(ofBad)).to.deep.equal([badUuid]);
    expect(uuids(notDegraded)).to.deep.equal([goodUuid]);
  });

  it('tells executions of the past in the order of their ends, and then those of the present, each once', async () => {
    const from = new Date();
    const past = [await start(good), await start(bad), await start(good)];
    const made = watch({ finishedAtFrom: from });
    await made.untilTold(past[2]);
    const present = [await start(good), await start(bad)];
    for (const uuid of present) await made.untilTold(uuid);
    const uuids = made.executions().map(({ executionUuid }) => executionUuid);
    expect(uuids.slice(0, 3)).to.have.members(past);
    expect(uuids).to.have.members([...past, ...present]);
    expect(made.messages.every(({ dropped }) => dropped === 0n)).to.equal(true);
  });

  it('refuses states in which nothing has ended and a time of yesterday as VALIDATION_FAILED', async () => {
    const error = await watch({ states: [sending], finishedAtFrom: new Date(Date.now() - 90_000_000) }).ended;
    expect(error?.reason).to.equal('VALIDATION_FAILED');
    expect(error?.fields).to.deep.equal(['states', 'finished_at_from']);
  });

  it('ends as DEADLINE_EXCEEDED at the deadline of its caller, and logs one line with what was sent', async () => {
    const error = await watch({ agentUuid: good.agentUuid }, { deadlineMs: 1_500 }).ended;
    expect(error?.code).to.equal('DEADLINE_EXCEEDED');
    // The client may cancel at its deadline a moment before the server sees that it has passed.
    const isLine = (line: Readonly<Record<string, unknown>>) =>
      String(line['rpc']).endsWith('WatchExecutions') && line['agent_uuid'] === good.agentUuid;
    const line = await until('the log line', () => app.logLines.find(isLine));
    expect(line).to.include({ messages: 1, executions: 0, dropped: 0 });
    expect(line['code']).to.be.oneOf(['DEADLINE_EXCEEDED', 'CANCELLED']);
  });

  it('refuses the 101st watcher of a replica as LIMIT_REACHED with a RetryInfo, and takes another when one has gone', async () => {
    const all = Array.from({ length: 100 }, () => watch());
    for (const made of all) await untilBegun(made);
    const error = await watch().ended;
    expect(error).to.include({ code: 'RESOURCE_EXHAUSTED', reason: 'LIMIT_REACHED' });
    expect(error?.retryAfterMs).to.be.above(0);
    expect(await figure('callhooks_watchers')).to.equal(100);
    all[0]?.cancel();
    await until('a watcher to go', async () => (await figure('callhooks_watchers')) === 99);
    await untilBegun(watch());
  });

  if (engine.name !== 'sqlite')
    it('tells what another replica records, also when it is committed seconds after its end', async () => {
      const other = await openTested(optionsOf(app.database));
      const made = watch();
      await untilBegun(made);
      const starts = [aStart(), aStart()] as const;
      await other.executions.insertStarts(starts);
      await other.executions.recordOutcomes([anOutcome(starts[0], { durationMs: 10 })]);
      await made.untilTold(starts[0].executionUuid);
      await until('4 s to pass by the clock of the database', async () => {
        const { items } = await other.executions.listExecutions({ states: ['sending'], failureCodes: [] }, 1);
        return (await other.executions.nowMs()) - (items[0]?.acceptedAtMs ?? 0) > 4_000;
      });
      // Its end lies before others that were told.
      await other.executions.recordOutcomes([anOutcome(starts[1], { durationMs: 5 })]);
      await made.untilTold(starts[1].executionUuid, 15_000);
      expect(made.executions()).to.have.length(2);
      await other.close();
    }).timeout(30_000);

  it('ends as SHUTTING_DOWN as soon as the replica shuts down, and logs what was told', async () => {
    const made = watch();
    await untilBegun(made);
    await made.untilTold(await start(good));
    const beganMs = performance.now();
    const restarted = app.restart();
    expect(await made.ended).to.include({ code: 'UNAVAILABLE', reason: 'SHUTTING_DOWN' });
    expect(performance.now() - beganMs).to.be.below(400);
    await restarted;
    const line = app.logLines.find((it) => it['reason'] === 'SHUTTING_DOWN');
    expect(line).to.include({ code: 'UNAVAILABLE', executions: 1, dropped: 0 });
  });
});
