import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import SqliteDatabase from 'better-sqlite3';
import { expect } from 'chai';
import { createConnection } from 'mysql2/promise';
import { describeEachEngine } from '../support/engines.ts';
import { until } from '../support/until.ts';
import type { LoggedCall } from './support/call-log.ts';
import { startCallers, type Callers, type CallPlan } from './support/callers.ts';
import { createCluster, type Cluster } from './support/cluster.ts';
import { untilAllFinished } from './support/execution-log.ts';
import { watchOutage } from './support/outage.ts';
import type { Replica } from './support/replica.ts';
import { reportFigures } from './support/report-figures.ts';
import { expectNothingWrong, notSeenOnce, repeatRefused, tally } from './support/tally.ts';
import type { TestAgent } from './support/test-agent.ts';

const LOCKED_MS = 4_000;
const STARTS_A_SECOND = 40;
const ENDS_A_SECOND = 20;
const BEFORE_MS = 1_000;
const AFTER_SECONDS = 2;
// A start that runs when the lock is taken gets its answer while the lock lasts.
const ENDPOINT_MS = [300, 1_200] as const;
const LIMIT_MS = 10_000;
const FINISHED_WITHIN_MS = 30_000;
// SQLite says at once that the file is locked. MariaDB lets a statement wait for a second. The transaction that met the lock is
// tried once more where some of its rows are known to be locked, which takes longer than its callers wait.
const MOST_UNDECIDED = { sqlite: 0, mariadb: 20, mysql: 20 };

/** A way in which other programs keep writes out of the executions. */
interface Lock {
  readonly title: string;
  /** Takes the lock. Returns a function that releases it. */
  take(cluster: Cluster): Promise<() => Promise<void>>;
}

const FILE: Lock = {
  title: 'a process that writes to the file for a long time',
  take: ({ dataDir }) => {
    const file = new SqliteDatabase(join(dataDir, 'callhooks.db'));
    // The replica writes too, so this waits for its commit.
    file.pragma('busy_timeout = 5000');
    file.exec('BEGIN EXCLUSIVE');
    return Promise.resolve(() => {
      file.exec('ROLLBACK');
      file.close();
      return Promise.resolve();
    });
  },
};

function onServer(title: string, statements: readonly string[], release: string): Lock {
  return {
    title,
    take: async ({ url }) => {
      const connection = await createConnection({ uri: url ?? '' });
      // These wait for the replica's own transactions.
      for (const statement of statements) await connection.query(statement);
      return async () => {
        await connection.query(release);
        await connection.end();
      };
    },
  };
}

const ON_SERVER: readonly Lock[] = [
  onServer('a dump that locks the table', ['LOCK TABLES executions READ'], 'UNLOCK TABLES'),
  onServer(
    'a transaction that has locked all rows and gaps',
    [
      'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ',
      'START TRANSACTION',
      'SELECT COUNT(*) FROM (SELECT conversation_uuid FROM executions FOR UPDATE) AS all_rows',
    ],
    'ROLLBACK',
  ),
];

describeEachEngine('A replica whose writes are locked out for 4 s', (engine) => {
  let cluster: Cluster;
  let replica: Replica;
  let agent: TestAgent;
  const processes: Callers[] = [];
  before(async function () {
    this.timeout(30_000);
    cluster = await createCluster(engine);
    processes.push(startCallers(cluster.callLog), startCallers(cluster.callLog));
    replica = await cluster.addReplica();
    agent = await cluster.addAgent({ preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS });
  });
  after(async () => {
    await Promise.all(processes.map((callers) => callers.close()));
    await cluster.close();
  });

  const call = async (rpc: CallPlan['rpc'], perSecond: number): Promise<readonly LoggedCall[]> => {
    const callers = processes[rpc === 'start' ? 0 : 1] as Callers;
    const seconds = (BEFORE_MS + LOCKED_MS) / 1_000 + AFTER_SECONDS;
    const plan = { rpc, agentUuid: agent.agentUuid, pace: { perSecond }, of: { seconds } };
    return (await callers.call(replica, plan)).entries;
  };

  for (const lock of engine.name === 'sqlite' ? [FILE] : ON_SERVER)
    it(`by ${lock.title} loses no execution, and answers the repeats of all refused calls`, async function () {
      this.timeout(120_000);
      await cluster.recorder.script('/pre', { delayMs: ENDPOINT_MS });
      const watch = watchOutage(replica);
      const calls = Promise.all([call('start', STARTS_A_SECOND), call('end', ENDS_A_SECOND)]);
      await wait(BEFORE_MS);
      const release = await lock.take(cluster);
      const lockedAtMs = Date.now();
      await wait(LOCKED_MS);
      await release();
      const releasedAtMs = Date.now();
      const [starts, ends] = await calls;
      await watch.stop();
      const [startTally, endTally] = [tally(starts), tally(ends)];
      reportFigures(`writes locked for 4 s by ${lock.title} (${engine.name})`, {
        starts: starts.length,
        ends: ends.length,
        duringLock: starts.filter(({ sentAtMs }) => sentAtMs > lockedAtMs && sentAtMs < releasedAtMs).length,
        refusedStarts: startTally.refused.length,
        refusedEnds: endTally.refused.length,
        undecided: startTally.undecided.length + endTally.undecided.length,
        healthChanges: watch.health.length - 1,
      });
      const bounds = { mostUndecided: MOST_UNDECIDED[engine.name] };
      expectNothingWrong(startTally, 'starts', bounds);
      expectNothingWrong(endTally, 'ends', bounds);
      expect(startTally.refused, 'refused: no call met the lock').not.to.have.length(0);
      const probeResults = new Set(watch.answers.map(({ result }) => result));
      expect(['available', 'RESOURCE_EXHAUSTED LIMIT_REACHED'], 'probes').to.include.members([
        ...probeResults,
      ]);
      expect(
        watch.health.map(({ isServing }) => isServing),
        'readiness',
      ).to.deep.equal([true]);

      await cluster.recorder.script('/pre', {});
      const [callers] = processes as [Callers];
      const answered = [...startTally.good, ...endTally.good];
      for (const [rpc, { refused, undecided }] of [
        ['start', startTally],
        ['end', endTally],
      ] as const) {
        const plan = { rpc, agentUuid: agent.agentUuid };
        const { tally: again } = await repeatRefused(callers, replica, plan, refused);
        expectNothingWrong(again, `repeated ${rpc}s`);
        expect(again.good, `repeated ${rpc}s`).to.have.length(refused.length);
        // Some of the undecided calls may have been written after all, and some claims of them given up.
        const { tally: decided } = await repeatRefused(callers, replica, plan, undecided);
        const most = undecided.length;
        expectNothingWrong(decided, `repeated undecided ${rpc}s`, {
          mostAbandoned: most,
          mostRecorded: most,
        });
        expect(decided.refused, `undecided ${rpc}s that are still refused`).to.have.length(0);
        answered.push(...again.good, ...decided.good, ...decided.recorded);
      }
      await untilAllFinished(() => replica.rpc, [agent.agentUuid], FINISHED_WITHIN_MS);
      await until(
        'the endpoint to have seen all',
        () => notSeenOnce(answered, cluster.recorder.requests()).length === 0,
      );
    });

  it('has every execution finished in the end', async function () {
    this.timeout(120_000);
    const figures = await cluster.check(FINISHED_WITHIN_MS, {
      refusedAs: engine.name === 'sqlite' ? ['LIMIT_REACHED'] : ['LIMIT_REACHED', 'DATABASE_UNAVAILABLE'],
      refusedShare: 0.8,
      atLeast: { executions: 300, requests: 300, replies: 300 },
    });
    reportFigures(`locked writes (${engine.name})`, { ...figures, violations: 0 });
  });
});
