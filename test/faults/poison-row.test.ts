import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { describeEachEngine } from '../support/engines.ts';
import { outcomeOf } from '../support/execution-words.ts';
import { createCluster, type Cluster } from './support/cluster.ts';
import type { Fault } from './support/faults.ts';
import { reportFigures } from './support/report-figures.ts';

const LIMIT_MS = 1_000;

describeEachEngine('A post-call whose rendering kills the process', (engine) => {
  let cluster: Cluster;
  before(async () => {
    cluster = await createCluster(engine);
  });
  after(() => cluster.close());

  it('is marked INTERRUPTED after one death, and no other replica begins it', async function () {
    this.timeout(60_000);
    const conversationUuid = randomUUID();
    // Every replica that renders it dies.
    const faults: readonly Fault[] = [{ point: 'post_call.rendering', action: 'kill', conversationUuid }];
    await cluster.addReplicas(engine.name === 'sqlite' ? 1 : 3, { faults });
    const { agentUuid } = await cluster.addAgent({ preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS });
    const call = { rpc: 'end', agentUuid, conversationUuid } as const;
    await cluster.callLog.call(cluster.livingReplica(), call);
    // Another replica may have found it pending and have claimed it first.
    await Promise.race(cluster.replicas.map((replica) => replica.exited()));
    const died = cluster.replicas.filter(({ isAlive }) => !isAlive);
    expect(died, 'deaths').to.have.length(1);
    await died[0]?.restart({ faults });
    await wait(LIMIT_MS);
    // A repeat does not make anybody begin it again either.
    for (const replica of cluster.replicas) await cluster.callLog.call(replica, call);
    const figures = await cluster.check(LIMIT_MS + 15_000, { atLeast: { requests: 0 } });
    const { executions } = await cluster.livingReplica().rpc.executions.listExecutions({ conversationUuid });
    expect(executions.map(outcomeOf)).to.deep.equal(['INTERRUPTED INTERRUPTED MAYBE']);
    const living = cluster.replicas.filter(({ isAlive }) => isAlive);
    expect(living, 'replicas alive').to.have.length(cluster.replicas.length);
    expect(cluster.recorder.requests()).to.have.length(0);
    reportFigures(`poison row (${engine.name})`, { deaths: 1, ...figures, violations: 0 });
  });
});
