import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { createConnection } from 'mysql2/promise';
import { describeEachEngine } from '../support/engines.ts';
import { createCluster, type Cluster } from './support/cluster.ts';
import { killConnection, listConnections } from './support/kill-connection.ts';
import { startLoad } from './support/load.ts';
import { addProxiedReplica, type ProxiedReplica } from './support/proxied-replica.ts';
import { reportFigures } from './support/report-figures.ts';
import { byRunLength } from './support/run-length.ts';

const ALL_FINISHED_WITHIN_MS = 30_000;
// A row that a dead connection keeps locked is marked when the server has dropped that connection, after 30 s.
const INTERRUPTED_WITHIN_MS = 45_000;

describeEachEngine('Replicas whose connections to the database are hurt at random', (engine) => {
  // SQLite has no connections.
  if (engine.name === 'sqlite') return;
  let cluster: Cluster;
  let proxied: readonly ProxiedReplica[];
  before(async function () {
    this.timeout(60_000);
    cluster = await createCluster(engine);
    proxied = await Promise.all([1, 2, 3].map(() => addProxiedReplica(cluster)));
  });
  after(async () => {
    await cluster.close();
    await Promise.all(proxied.map(({ proxy }) => proxy.close()));
  });

  it('send each webhook at most once, lose nothing, and answer what is on record', async function () {
    const rounds = byRunLength({ short: 1, long: 20 });
    this.timeout(120_000 + rounds * 40_000);
    const startedAtMs = Date.now();
    const { callLog, recorder, replicas } = cluster;
    await recorder.script('/pre', { delayMs: [0, 120], statuses: [200, 200, 200, 500], drop: 0.02 });
    await recorder.script('/post', { delayMs: [0, 400], statuses: [200, 200, 200, 500], drop: 0.02 });
    const { agentUuid } = await cluster.addAgent({ preLimitMs: 1_000, postLimitMs: 1_000 });
    const load = startLoad({ callLog, replicas, agentUuids: [agentUuid], concurrency: 9 });
    let killed = 0;
    for (let round = 0; round < rounds; round += 1) {
      for (const { proxy } of proxied) proxy.cutAtRandom(0.08);
      await wait(6_000);
      for (const { proxy } of proxied) proxy.cutAtRandom(0);
      for (const direction of ['to_server', 'to_client', 'both'] as const) {
        const victim = pick(proxied);
        victim.proxy.silence(direction);
        await wait(2_500 + Math.random() * 1_000);
        victim.proxy.restore();
        pick(proxied).proxy.resetAll();
        await wait(500);
      }
      killed += await killSomeConnections(cluster);
    }
    await load.stop();
    expect(killed, 'connections killed').to.be.above(0);
    const figures = await cluster.check(ALL_FINISHED_WITHIN_MS, {
      refusedAs: ['DATABASE_UNAVAILABLE', 'OUTCOME_NOT_RECORDED', 'EXECUTION_RUNNING', 'LIMIT_REACHED'],
      interruptedWithinMs: Date.now() - startedAtMs + INTERRUPTED_WITHIN_MS,
      atLeast: { executions: 100, requests: 100, replies: 100 },
    });
    const cuts = proxied.reduce((sum, { proxy }) => sum + proxy.cuts, 0);
    const seconds = Math.round((Date.now() - startedAtMs) / 1000);
    reportFigures(`connections hurt at random (${engine.name})`, {
      cuts,
      killed,
      ...figures,
      violations: 0,
      seconds,
    });
  });
});

// Kills connections one after the other, as the script of an operator would. Returns how many.
async function killSomeConnections({ url }: Cluster): Promise<number> {
  let killed = 0;
  const beside = await createConnection(url ?? '');
  for (let times = 0; times < 20; times += 1) {
    const ids = await listConnections(beside, 'db = DATABASE() AND id <> CONNECTION_ID()');
    if (ids.length > 0 && (await killConnection(beside, pick(ids)))) killed += 1;
    await wait(50);
  }
  await beside.end();
  return killed;
}

function pick<T>(items: readonly T[]): T {
  return items[Math.floor(Math.random() * items.length)] as T;
}
