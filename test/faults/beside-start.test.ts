import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { describeEachEngine } from '../support/engines.ts';
import { until } from '../support/until.ts';
import { describeResponse } from './support/call-response.ts';
import { createCluster, type Cluster } from './support/cluster.ts';
import type { SeenRequest } from './support/recorder.ts';
import type { Replica } from './support/replica.ts';
import { reportFigures } from './support/report-figures.ts';

const LIMIT_MS = 10_000;
const CALLS = 20;

describeEachEngine('OnCallEnd while OnCallStart of its conversation runs', (engine) => {
  let cluster: Cluster;
  before(async function () {
    this.timeout(30_000);
    cluster = await createCluster(engine);
    await cluster.addReplicas(engine.name === 'sqlite' ? 1 : 2);
  });
  after(() => cluster.close());

  it('is accepted at once, and its report is sent after the pre-call, with what that assigned', async function () {
    this.timeout(60_000);
    const { callLog, recorder } = cluster;
    await recorder.script('/slow/pre', { stall: 'until_scripted' });
    const { agentUuid } = await cluster.addAgent({
      preUrl: `${recorder.url}/slow/pre`,
      preLimitMs: LIMIT_MS,
      postLimitMs: LIMIT_MS,
    });
    const [one, other = one] = cluster.replicas as [Replica, Replica?];
    const calls = Array.from({ length: CALLS }, () => ({ agentUuid, conversationUuid: randomUUID() }));
    const starting = calls.map((call) => callLog.call(one, { rpc: 'start', ...call }));
    await until('all starts to run', () => recorder.requests().length === CALLS);
    // On MariaDB half of them go to a replica that does not run the start.
    const responses = await Promise.all(
      calls.map((call, at) => callLog.call(at % 2 === 0 ? one : other, { rpc: 'end', ...call })),
    );
    expect(responses.map(describeResponse)).to.deep.equal(calls.map(() => 'ACCEPTED'));
    await recorder.script('/slow/pre', {});
    const started = (await Promise.all(starting)).map(describeResponse);
    expect(started).to.deep.equal(calls.map(() => 'SUCCEEDED'));
    const figures = await cluster.check(LIMIT_MS, { refusedShare: 0 });
    for (const { conversationUuid } of calls) expect(requestsOf(conversationUuid)).to.satisfy(isInOrder);
    for (const response of responses) {
      const executionUuid = (response.kind === 'reply' && response.executionUuid) || '';
      const { execution } = await one.rpc.executions.getExecution({ executionUuid });
      expect(execution?.request?.body, 'what the start had assigned').to.include('"customer_name":"Ada ');
    }
    reportFigures(`ends beside their starts (${engine.name})`, { ...figures, violations: 0 });
  });

  const requestsOf = (conversationUuid: string): readonly SeenRequest[] =>
    cluster.recorder.requests().filter((request) => request.conversationUuid === conversationUuid);
});

function isInOrder([start, end, ...others]: readonly SeenRequest[]): boolean {
  return (
    others.length === 0 &&
    start?.type === 'pre_call' &&
    end?.type === 'post_call' &&
    end.headAtMs >= (start.answer?.atMs ?? Infinity)
  );
}
