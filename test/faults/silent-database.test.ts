import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { describeEachEngine } from '../support/engines.ts';
import { onQuietMachine } from '../support/quiet-machine.ts';
import { until } from '../support/until.ts';
import { describeResponse } from './support/call-response.ts';
import { createCluster, type Cluster } from './support/cluster.ts';
import { untilDatabaseAvailable } from './support/database-probe.ts';
import { addProxiedReplica, type ProxiedReplica } from './support/proxied-replica.ts';
import { reportFigures } from './support/report-figures.ts';
import { stalledBetween } from './support/stalls.ts';

const LIMIT_MS = 6_000;
const DEADLINE_MS = 1_000;
const WAITING_CALLS = 48;
const CALL_EVERY_MS = 15;
const ALL_FINISHED_WITHIN_MS = 30_000;

describeEachEngine('A replica whose database falls silent', (engine) => {
  // SQLite is never silent.
  if (engine.name === 'sqlite') return;
  let cluster: Cluster;
  let replicas: readonly ProxiedReplica[];
  before(async function () {
    this.timeout(60_000);
    cluster = await createCluster(engine);
    replicas = await Promise.all([1, 2].map(() => addProxiedReplica(cluster)));
  });
  after(async () => {
    await cluster.close();
    await Promise.all(replicas.map(({ proxy }) => proxy.close()));
  });

  it('answers EXECUTION_RUNNING in time to a repeat that waits for its start', async function () {
    this.timeout(20_000);
    const { callLog, recorder } = cluster;
    await recorder.script('/slow/pre', { stall: 'until_scripted' });
    const [running, waiting] = replicas as [ProxiedReplica, ProxiedReplica];
    const preUrl = `${recorder.url}/slow/pre`;
    const { agentUuid } = await cluster.addAgent({ preLimitMs: LIMIT_MS, preUrl });
    const call = { rpc: 'start', agentUuid, conversationUuid: randomUUID() } as const;
    const first = callLog.call(running.replica, call);
    await until('it to run', () => recorder.requests().length > 0);
    const startedAtMs = Date.now();
    const repeat = callLog.call(waiting.replica, { ...call, deadlineMs: DEADLINE_MS });
    await wait(700);
    waiting.proxy.silence('both');
    expect(describeResponse(await repeat)).to.equal('EXECUTION_RUNNING');
    const respondedAtMs = Date.now();
    await recorder.script('/slow/pre', {});
    const stalledMs = stalledBetween(callLog.stalls, startedAtMs, respondedAtMs);
    await onQuietMachine('a repeat is answered before its deadline', startedAtMs, () =>
      expect(respondedAtMs - startedAtMs - stalledMs).to.be.below(DEADLINE_MS + 100),
    );
    waiting.proxy.restore();
    expect(describeResponse(await first)).to.equal('SUCCEEDED');
    await untilDatabaseAvailable(waiting.replica);
  });

  it('refuses waiting calls as LIMIT_REACHED, and has recorded none of them when the silence is over', async function () {
    this.timeout(60_000);
    const { agentUuid } = await cluster.addAgent({ preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS });
    const [{ replica, proxy }] = replicas as [ProxiedReplica];
    const call = async (rpc: 'start' | 'end', conversationUuid: string): Promise<string> =>
      describeResponse(await cluster.callLog.call(replica, { rpc, agentUuid, conversationUuid }));
    // From now on the replica has the agent in its cache.
    expect(await call('start', randomUUID())).to.equal('SUCCEEDED');
    proxy.silence('both');
    const responding: Promise<{ rpc: 'start' | 'end'; conversationUuid: string; response: string }>[] = [];
    // All connections hang before the last of these calls come, and the loss is not noticed yet.
    for (let called = 0; called < WAITING_CALLS; called += 1) {
      const [rpc, conversationUuid] = [called % 2 === 0 ? 'start' : 'end', randomUUID()] as const;
      responding.push(call(rpc, conversationUuid).then((response) => ({ rpc, conversationUuid, response })));
      await wait(CALL_EVERY_MS);
    }
    const responses = await Promise.all(responding);
    expect([...new Set(responses.map(({ response }) => response))]).to.have.members([
      'LIMIT_REACHED',
      'DATABASE_UNAVAILABLE',
    ]);
    proxy.restore();
    await untilDatabaseAvailable(replica);
    const refused = responses.filter(({ response }) => response === 'LIMIT_REACHED');
    for (const { rpc, conversationUuid } of refused) {
      const success = rpc === 'start' ? 'SUCCEEDED' : 'ACCEPTED';
      expect(await call(rpc, conversationUuid)).to.equal(success);
    }
    const figures = await cluster.check(ALL_FINISHED_WITHIN_MS, {
      refusedAs: ['DATABASE_UNAVAILABLE', 'OUTCOME_NOT_RECORDED', 'EXECUTION_RUNNING', 'LIMIT_REACHED'],
      // The silence is an outage, after which no replica marks anything for 10 s.
      interruptedWithinMs: 45_000,
    });
    reportFigures(`refused behind a silence (${engine.name})`, {
      waiting: responses.length,
      refusedWaiting: refused.length,
      ...figures,
      violations: 0,
    });
  });
});
