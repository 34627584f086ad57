import { setTimeout as wait } from 'node:timers/promises';
import { describeEachEngine } from '../support/engines.ts';
import { createCluster, type Cluster } from './support/cluster.ts';
import { startLoad } from './support/load.ts';
import type { Replica } from './support/replica.ts';
import { reportFigures } from './support/report-figures.ts';
import { byRunLength } from './support/run-length.ts';

const KILLS = {
  sqlite: byRunLength({ short: 7, long: 350 }),
  mariadb: byRunLength({ short: 13, long: 700 }),
  mysql: byRunLength({ short: 13, long: 700 }),
};
const LIMITS = { preLimitMs: 1_000, postLimitMs: 1_000 };
// The time limit, 5 s more, and 10 s in which the replica that started last marks nothing yet.
const ALL_FINISHED_WITHIN_MS = 30_000;

// A replica that is killed so early does not serve yet.
const STARTING_MS = 200;

/** Starts a replica and kills it. Reports whether it was killed before it served. */
async function killWhileStarting(replica: Replica): Promise<boolean> {
  const served = replica.restart().then(
    () => true,
    () => false,
  );
  await wait(50 + Math.random() * STARTING_MS);
  await replica.kill();
  return !(await served);
}

describeEachEngine('Replicas killed at random moments under load', (engine) => {
  let cluster: Cluster;
  before(async () => {
    cluster = await createCluster(engine);
  });
  after(() => cluster.close());

  it('send each webhook at most once, lose nothing, and answer what is on record', async function () {
    const kills = KILLS[engine.name];
    this.timeout(60_000 + kills * 8_000);
    const startedAtMs = Date.now();
    const count = engine.name === 'sqlite' ? 1 : 3;
    await cluster.addReplicas(count);
    const { callLog, recorder, replicas } = cluster;
    await recorder.script('/pre', { delayMs: [0, 120], statuses: [200, 200, 403, 500], drop: 0.02 });
    await recorder.script('/post', { delayMs: [0, 400], statuses: [200, 200, 200, 500], drop: 0.02 });
    const agents = await Promise.all([false, true].map((blocks) => cluster.addAgent({ ...LIMITS, blocks })));
    const agentUuids = agents.map(({ agentUuid }) => agentUuid);
    const load = startLoad({ callLog, replicas, agentUuids, concurrency: 12, impatient: 0.2 });
    const done = { kills: 0, inPairs: 0, whileStarting: 0 };
    // At least one replica has to be killed before it served; one that was quicker than its kill does not count.
    for (let turn = 0; done.kills < kills || done.whileStarting === 0; turn += 1) {
      await wait(200 + Math.random() * 600);
      const first = Math.floor(Math.random() * count);
      const victims = [first, first + 1].map((at) => replicas[at % count] as Replica);
      const isPair = turn % 4 === 1 && count > 1;
      const dying = isPair ? victims : victims.slice(0, 1);
      await Promise.all(dying.map((victim) => victim.kill()));
      done.kills += dying.length;
      if (isPair) done.inPairs += 2;
      if (turn % 4 === 3 && (await killWhileStarting(dying[0] as Replica))) {
        done.kills += 1;
        done.whileStarting += 1;
      }
      await Promise.all(dying.map((victim) => victim.restart()));
    }
    await load.stop();
    const figures = await cluster.check(ALL_FINISHED_WITHIN_MS, {
      // While the disk is slow for a moment, a claim is abandoned after the limit, and an impatient caller leaves before the
      // outcome of its call is on record.
      refusedAs: ['EXECUTION_RUNNING', 'DATABASE_UNAVAILABLE', 'OUTCOME_NOT_RECORDED', 'LIMIT_REACHED'],
      // On SQLite there is no other replica to call while the one is dead.
      refusedShare: engine.name === 'sqlite' ? 0.9 : 0.5,
      atLeast: { executions: 100, requests: 100, replies: 100 },
    });
    const seconds = Math.round((Date.now() - startedAtMs) / 1000);
    reportFigures(`kill -9 at random moments (${engine.name})`, {
      ...done,
      ...figures,
      violations: 0,
      seconds,
    });
  });
});
