import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { WebhookType } from '../../src/domain/agent.ts';
import type { FaultPoint } from '../../src/engine/fault-points.ts';
import { connectDirectly } from '../store/test-database.ts';
import { describeEachEngine } from '../support/engines.ts';
import { until } from '../support/until.ts';
import type { Call } from './support/call-log.ts';
import { describeResponse } from './support/call-response.ts';
import { readRow } from './support/cluster-database.ts';
import { createCluster, type Cluster } from './support/cluster.ts';
import type { Fault } from './support/faults.ts';
import type { Replica } from './support/replica.ts';
import { reportFigures } from './support/report-figures.ts';

const LIMIT_MS = 1_000;
const LIMITS = { preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS };
const FINISHED_WITHIN_MS = LIMIT_MS + 10_000;
const START_BY_MS = 86_400_000;
const MARKED = 'INTERRUPTED INTERRUPTED MAYBE';

describeEachEngine('A replica killed in its background work', (engine) => {
  let cluster: Cluster;
  beforeEach(async () => {
    cluster = await createCluster(engine);
  });
  afterEach(() => cluster.close());

  const callOf = async (rpc: Call['rpc']): Promise<Call> => ({
    rpc,
    agentUuid: (await cluster.addAgent(LIMITS)).agentUuid,
    conversationUuid: randomUUID(),
  });
  const faultAt = (point: FaultPoint, action: Fault['action'], { conversationUuid }: Call): Fault => ({
    point,
    action,
    conversationUuid,
  });
  const rowOf = ({ rpc, conversationUuid }: Call): Promise<string> =>
    readRow(cluster, conversationUuid, (rpc === 'start' ? 'pre_call' : 'post_call') satisfies WebhookType);
  const untilRow = (call: Call, wanted: string): Promise<unknown> =>
    until(`the row to be ${wanted}`, async () => (await rowOf(call)) === wanted, { everyMs: 50 });
  const repeat = async (replica: Replica, call: Call): Promise<string> =>
    describeResponse(await cluster.callLog.call(replica, call));
  const isSeen = ({ conversationUuid }: Call): boolean =>
    cluster.recorder.requests().some((request) => request.conversationUuid === conversationUuid);

  it('leaves a post-call FAILED that it has just expired, and it is never sent', async function () {
    this.timeout(60_000);
    const victim = await cluster.addReplica();
    const call = await callOf('end');
    await victim.kill();
    await victim.restart({ faults: [faultAt('post_call.accepted', 'kill', call)] });
    await cluster.callLog.call(victim, call);
    await victim.exited();
    const beside = connectDirectly({ ...cluster, cleanup: async () => {} });
    await beside.use((session) =>
      session.change(`UPDATE executions SET accepted_at = accepted_at - ${2 * START_BY_MS}`),
    );
    await beside.close();
    // It looks for such rows when it starts, so it may be dead before it serves.
    await victim.restart({ faults: [faultAt('post_call.expired', 'kill', call)] }).catch(() => undefined);
    expect(await victim.exited(), 'how it ended').to.equal('SIGKILL');
    expect(await rowOf(call), 'record').to.equal('FAILED EXPIRED NO');
    await victim.restart();
    expect(await repeat(victim, call), 'repeat').to.equal('replayed FAILED');
    expect(isSeen(call), 'seen').to.equal(false);
    const figures = await cluster.check(FINISHED_WITHIN_MS, { atLeast: { requests: 0 }, refusedShare: 0.6 });
    reportFigures(`kill -9 after an expiry (${engine.name})`, { kills: 3, ...figures, violations: 0 });
  });

  // On SQLite there is no other replica that marks it, and no owner that lives to correct the mark.
  if (engine.name === 'sqlite') return;

  it('leaves the mark on an execution of another replica that it has just marked interrupted', async function () {
    this.timeout(60_000);
    const owner = await cluster.addReplica({ name: 'owner' });
    const call = await callOf('start');
    await owner.kill();
    await owner.restart({ faults: [faultAt('pre_call.claimed', 'kill', call)] });
    const successor = await cluster.addReplica({
      name: 'successor',
      faults: [faultAt('interrupted', 'kill', call)],
    });
    await cluster.callLog.call(owner, call);
    await owner.exited();
    await successor.exited();
    expect(await rowOf(call), 'record').to.equal(MARKED);
    await owner.restart();
    expect(await repeat(owner, call), 'repeat').to.equal('replayed INTERRUPTED');
    expect(isSeen(call), 'seen').to.equal(false);
    const figures = await cluster.check(FINISHED_WITHIN_MS, { atLeast: { requests: 0 }, refusedShare: 0.6 });
    reportFigures(`kill -9 after a mark (${engine.name})`, { kills: 3, ...figures, violations: 0 });
  });

  const corrections = [
    {
      title: 'leaves the mark of its own post-call when it is killed before it corrects it',
      wakes: false,
      record: MARKED,
    },
    {
      title: 'leaves the correction of its own post-call when it is killed right after it',
      wakes: true,
      record: 'SUCCEEDED',
    },
  ];
  for (const { title, wakes, record } of corrections)
    it(title, async function () {
      this.timeout(60_000);
      const witness = await cluster.addReplica({ name: 'witness' });
      const call = await callOf('end');
      const faults = [
        faultAt('post_call.answered', 'stop', call),
        faultAt('post_call.recorded', 'kill', call),
      ];
      const owner = await cluster.addReplica({ name: 'owner', faults });
      const responding = cluster.callLog.call(owner, call);
      await owner.untilFrozen();
      await untilRow(call, MARKED);
      if (wakes) owner.wake();
      else await owner.kill();
      await owner.exited();
      await responding;
      expect(await rowOf(call), 'record').to.equal(record);
      expect(await repeat(witness, call), 'repeat').to.equal(`replayed ${record.split(' ')[0]}`);
      expect(isSeen(call), 'seen').to.equal(true);
      const figures = await cluster.check(FINISHED_WITHIN_MS);
      const moment = wakes ? 'after' : 'before';
      reportFigures(`kill -9 ${moment} a correction (${engine.name})`, {
        kills: 1,
        ...figures,
        violations: 0,
      });
    });
});
