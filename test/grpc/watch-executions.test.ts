import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, newCall, postTo, type CallAgent } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { until } from '../support/until.ts';
import { watchExecutions, type Watch } from '../support/watch.ts';

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
});
