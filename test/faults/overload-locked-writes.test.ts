import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import SqliteDatabase from 'better-sqlite3';
import { expect } from 'chai';
import { createConnection } from 'mysql2/promise';
import { describeEachEngine, type Engine } from '../support/engines.ts';
import type { TestAgent } from './support/calls.ts';
import { startCallers, type Callers, type CallPlan } from './support/callers.ts';
import { untilAllEnded } from './support/execution-log.ts';
import type { Entry } from './support/journal.ts';
import { report } from './support/long.ts';
import { watchOutage } from './support/outage.ts';
import type { Replica } from './support/replicas.ts';
import { expectNothingWrong, notSeenOnce, repeatRefused, tally } from './support/tally.ts';
import { until } from '../support/until.ts';
import { createWorld, type World } from './support/world.ts';

const LOCKED_MS = 4_000;
const STARTS_A_SECOND = 40;
const ENDS_A_SECOND = 20;
const BEFORE_MS = 1_000;
const AFTER_SECONDS = 2;
// A start that runs when the lock is taken ends in the middle of it.
const ENDPOINT_MS = [300, 1_200] as const;
const LIMIT_MS = 10_000;
const ENDED_WITHIN_MS = 30_000;
// SQLite tells at once that the file is locked. MariaDB keeps a statement waiting for a second, and what was in it when the
// lock came is tried once more where some of its rows are known to be locked: longer than its callers wait.
const MOST_UNDECIDED = { sqlite: 0, mariadb: 20 };

/** Keeps writes out of the executions, as somebody else's work does; the result lets them in again. */
interface Lock {
  readonly title: string;
  take(world: World): Promise<() => Promise<void>>;
}

const FILE: Lock = {
  title: 'a process that writes to the file for long',
  take: ({ dataDir }) => {
    const file = new SqliteDatabase(join(dataDir, 'callhooks.db'));
    // The replica writes, too: wait for its commit.
    file.pragma('busy_timeout = 5000');
    file.exec('BEGIN EXCLUSIVE');
    return Promise.resolve(() => {
      file.exec('ROLLBACK');
      file.close();
      return Promise.resolve();
    });
  },
};

const onMariadb = (title: string, statements: readonly string[], release: string): Lock => ({
  title,
  take: async ({ url }) => {
    const connection = await createConnection({ uri: url ?? '' });
    // The locks of the replica's own transactions are waited for.
    for (const statement of statements) await connection.query(statement);
    return async () => {
      await connection.query(release);
      await connection.end();
    };
  },
});

const LOCKS: Readonly<Record<Engine['name'], readonly Lock[]>> = {
  sqlite: [FILE],
  mariadb: [
    onMariadb('a dump that locks the table', ['LOCK TABLES executions READ'], 'UNLOCK TABLES'),
    onMariadb(
      'a transaction that has locked all rows and gaps',
      [
        'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ',
        'START TRANSACTION',
        'SELECT COUNT(*) FROM (SELECT conversation_uuid FROM executions FOR UPDATE) AS all_rows',
      ],
      'ROLLBACK',
    ),
  ],
};

describeEachEngine('Writes that somebody else keeps waiting for 4 s', (engine) => {
  let world: World;
  let replica: Replica;
  let agent: TestAgent;
  const processes: Callers[] = [];
  before(async function () {
    this.timeout(30_000);
    world = await createWorld(engine);
    processes.push(startCallers(world.journal), startCallers(world.journal));
    replica = await world.addReplica();
    agent = await world.addAgent({ preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS });
  });
  after(async () => {
    await Promise.all(processes.map((callers) => callers.close()));
    await world.close();
  });

  const call = async (rpc: CallPlan['rpc'], perSecond: number): Promise<readonly Entry[]> => {
    const callers = processes[rpc === 'start' ? 0 : 1] as Callers;
    const seconds = (BEFORE_MS + LOCKED_MS) / 1_000 + AFTER_SECONDS;
    const plan = { rpc, agentUuid: agent.agentUuid, pace: { perSecond }, of: { seconds } };
    return (await callers.call(replica, plan)).entries;
  };

  for (const lock of LOCKS[engine.name])
    it(`by ${lock.title} cost no execution: who is refused repeats and gets a normal answer`, async function () {
      this.timeout(120_000);
      await world.recorder.script('/pre', { delayMs: ENDPOINT_MS });
      const watch = watchOutage(replica);
      const calls = Promise.all([call('start', STARTS_A_SECOND), call('end', ENDS_A_SECOND)]);
      await wait(BEFORE_MS);
      const release = await lock.take(world);
      const lockedAtMs = Date.now();
      await wait(LOCKED_MS);
      await release();
      const releasedAtMs = Date.now();
      const [starts, ends] = await calls;
      await watch.stop();
      const [startTally, endTally] = [tally(starts), tally(ends)];
      report(`writes locked for 4 s by ${lock.title} (${engine.name})`, {
        starts: starts.length,
        ends: ends.length,
        duringLock: starts.filter(({ sentAtMs }) => sentAtMs > lockedAtMs && sentAtMs < releasedAtMs).length,
        refusedStarts: startTally.refused.length,
        refusedEnds: endTally.refused.length,
        undecided: startTally.undecided.length + endTally.undecided.length,
        healthChanges: watch.health.length - 1,
      });
      expectNothingWrong(startTally, 'starts', MOST_UNDECIDED[engine.name]);
      expectNothingWrong(endTally, 'ends', MOST_UNDECIDED[engine.name]);
      expect(startTally.refused, 'refused: nobody was kept waiting').not.to.have.length(0);
      const toldStrangers = new Set(watch.answers.map(({ told }) => told));
      expect(['there', 'RESOURCE_EXHAUSTED LIMIT_REACHED'], 'strangers').to.include.members([
        ...toldStrangers,
      ]);
      expect(
        watch.health.map(({ isServing }) => isServing),
        'readiness',
      ).to.deep.equal([true]);

      await world.recorder.script('/pre', {});
      const [callers] = processes as [Callers];
      const answered = [...startTally.good, ...endTally.good];
      for (const [rpc, { refused, undecided }] of [
        ['start', startTally],
        ['end', endTally],
      ] as const) {
        const plan = { rpc, agentUuid: agent.agentUuid };
        const repeated = [...refused, ...undecided];
        const { tally: again } = await repeatRefused(callers, replica, plan, repeated);
        expectNothingWrong(again, `repeated ${rpc}s`);
        expect(again.good, `repeated ${rpc}s`).to.have.length(repeated.length);
        answered.push(...again.good);
      }
      await untilAllEnded(() => replica.rpc, [agent.agentUuid], ENDED_WITHIN_MS);
      await until(
        'the endpoint to have seen all',
        () => notSeenOnce(answered, world.recorder.requests()).length === 0,
      );
    });

  it('leave nothing behind', async function () {
    this.timeout(120_000);
    const figures = await world.verdict(ENDED_WITHIN_MS, {
      refusedAs: engine.name === 'sqlite' ? ['LIMIT_REACHED'] : ['LIMIT_REACHED', 'DATABASE_UNAVAILABLE'],
      refusedShare: 0.8,
      atLeast: { executions: 300, requests: 300, replies: 300 },
    });
    report(`locked writes (${engine.name})`, { ...figures, violations: 0 });
  });
});
