import { setTimeout as wait } from 'node:timers/promises';
import { describeEachEngine } from '../support/engines.ts';
import { startLoad } from './support/load.ts';
import { inForm, report } from './support/long.ts';
import type { Replica } from './support/replicas.ts';
import { createWorld, type World } from './support/world.ts';

const KILLS = { sqlite: inForm({ short: 7, long: 350 }), mariadb: inForm({ short: 13, long: 700 }) };
const PRE_LIMIT_MS = 1_000;
const POST_LIMIT_MS = 1_000;
// A time limit, 5 s more, and 10 s in which the last one that started marks nothing yet.
const ALL_ENDED_WITHIN_MS = 30_000;

// So early that it does not serve yet.
const STARTING_MS = 200;

/** Starts it and kills it; whether it had not served before. */
const killWhileStarting = async (replica: Replica): Promise<boolean> => {
  const served = replica.restart().then(
    () => true,
    () => false,
  );
  await wait(50 + Math.random() * STARTING_MS);
  await replica.kill();
  return !(await served);
};

describeEachEngine('Replicas that are killed at random moments under load', (engine) => {
  let world: World;
  before(async () => {
    world = await createWorld(engine);
  });
  after(() => world.close());

  it('send each webhook at most once, lose nothing, and tell everybody what is on record', async function () {
    const kills = KILLS[engine.name];
    this.timeout(60_000 + kills * 8_000);
    const startedAtMs = Date.now();
    const count = engine.name === 'sqlite' ? 1 : 3;
    await world.addReplicas(count);
    await world.recorder.script('/pre', { delayMs: [0, 120], statuses: [200, 200, 200, 500], drop: 0.02 });
    await world.recorder.script('/post', { delayMs: [0, 400], statuses: [200, 200, 200, 500], drop: 0.02 });
    const agents = await Promise.all(
      [{ blocks: false }, { blocks: true }].map((more) =>
        world.addAgent({ preLimitMs: PRE_LIMIT_MS, postLimitMs: POST_LIMIT_MS, ...more }),
      ),
    );
    const load = startLoad({
      journal: world.journal,
      replicas: world.replicas,
      agentUuids: agents.map(({ agentUuid }) => agentUuid),
      concurrency: 12,
      impatient: 0.2,
    });
    const told = { kills: 0, inPairs: 0, whileStarting: 0 };
    // A start that was quicker than its kill is not what is meant: then there is another one.
    for (let turn = 0; told.kills < kills || told.whileStarting === 0; turn += 1) {
      await wait(200 + Math.random() * 600);
      const first = Math.floor(Math.random() * count);
      const victims = [first, first + 1].map((at) => world.replicas[at % count] as Replica);
      const isPair = turn % 4 === 1 && count > 1;
      const dying = isPair ? victims : victims.slice(0, 1);
      await Promise.all(dying.map((victim) => victim.kill()));
      told.kills += dying.length;
      if (isPair) told.inPairs += 2;
      if (turn % 4 === 3 && (await killWhileStarting(dying[0] as Replica))) {
        told.kills += 1;
        told.whileStarting += 1;
      }
      await Promise.all(dying.map((victim) => victim.restart()));
    }
    await load.stop();
    const figures = await world.verdict(ALL_ENDED_WITHIN_MS, {
      // On a disk that is slow for a moment a claim is given up after the limit, and who is impatient leaves before his
      // outcome is on record.
      refusedAs: ['EXECUTION_RUNNING', 'DATABASE_UNAVAILABLE', 'OUTCOME_NOT_RECORDED', 'LIMIT_REACHED'],
      // SQLite has nobody else to call while the one is dead.
      refusedShare: engine.name === 'sqlite' ? 0.9 : 0.5,
      atLeast: { executions: 100, requests: 100, replies: 100 },
    });
    const seconds = Math.round((Date.now() - startedAtMs) / 1000);
    report(`kill -9 at random moments (${engine.name})`, { ...told, ...figures, violations: 0, seconds });
  });
});
