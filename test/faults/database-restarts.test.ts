import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { describeEachEngine } from '../support/engines.ts';
import { createClusterAt, type Cluster } from './support/cluster.ts';
import { untilDatabaseAvailable } from './support/database-probe.ts';
import { startLoad } from './support/load.ts';
import { startDatabaseServer, type DatabaseServer } from './support/lost-database.ts';
import { watchOutage } from './support/outage.ts';
import { reportFigures } from './support/report-figures.ts';
import { byRunLength } from './support/run-length.ts';

const ALL_FINISHED_WITHIN_MS = 30_000;
// After the return of the database, a replica marks within this time.
const MARKED_AFTER_MS = 15_000;

describeEachEngine('A database restarted under load', (engine) => {
  // SQLite is never away.
  if (engine.name === 'sqlite') return;
  let server: DatabaseServer;
  let cluster: Cluster;
  before(async function () {
    this.timeout(60_000);
    server = await startDatabaseServer();
    cluster = await createClusterAt(server.url, () => server.program.stop());
    await cluster.addReplicas(3);
  });
  after(() => cluster.close());

  it('makes no replica send anything twice, lose anything, answer untruly or become unready', async function () {
    const restarts = byRunLength({ short: 4, long: 60 });
    this.timeout(90_000 + restarts * 20_000);
    const startedAtMs = Date.now();
    const { callLog, recorder, replicas } = cluster;
    await recorder.script('/pre', { delayMs: [0, 120], statuses: [200, 200, 200, 500] });
    await recorder.script('/post', { delayMs: [0, 400], statuses: [200, 200, 200, 500] });
    const { agentUuid } = await cluster.addAgent({ preLimitMs: 1_000, postLimitMs: 1_000 });
    const watches = replicas.map(watchOutage);
    const load = startLoad({ callLog, replicas, agentUuids: [agentUuid], concurrency: 9 });
    for (let restarted = 0; restarted < restarts; restarted += 1) {
      await wait(1_000 + Math.random() * 500);
      await server.program.end(restarted % 2 === 0 ? 'SIGKILL' : 'SIGTERM');
      await wait(restarted % 3 === 2 ? 2_000 : 0);
      await server.program.begin();
    }
    await Promise.all(replicas.map((replica) => untilDatabaseAvailable(replica)));
    await load.stop();
    await Promise.all(watches.map((watch) => watch.stop()));
    // A short outage must not empty the load balancer.
    for (const { health } of watches) expect(health.map(({ isServing }) => isServing)).to.deep.equal([true]);
    const figures = await cluster.check(ALL_FINISHED_WITHIN_MS, {
      refusedAs: ['DATABASE_UNAVAILABLE', 'OUTCOME_NOT_RECORDED', 'EXECUTION_RUNNING', 'LIMIT_REACHED'],
      // Each restart is an outage, after which no replica marks anything for 10 s.
      interruptedWithinMs: Date.now() - startedAtMs + MARKED_AFTER_MS,
      atLeast: { executions: 100, requests: 100, replies: 100 },
    });
    const seconds = Math.round((Date.now() - startedAtMs) / 1000);
    reportFigures('the database restarted under load', { restarts, ...figures, violations: 0, seconds });
  });
});
