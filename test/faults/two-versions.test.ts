import { setTimeout as wait } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { describeEachEngine } from '../support/engines.ts';
import { freePort } from '../support/free-port.ts';
import { outcomeOf } from '../support/execution-words.ts';
import { makeRelease, type ReleaseTree } from '../support/release-tree.ts';
import { startProcess, type Ended } from '../support/server-process.ts';
import { TEST_KEYS } from '../support/test-keys.ts';
import { until } from '../support/until.ts';
import { listExecutions } from './support/execution-log.ts';
import { createCluster, type Cluster } from './support/cluster.ts';
import { startLoad } from './support/load.ts';
import type { Replica } from './support/replica.ts';
import { reportFigures } from './support/report-figures.ts';
import { createTestAgent } from './support/test-agent.ts';

const LIMITS = { preLimitMs: 1_000, postLimitMs: 1_000 };
// Few request slots let post-calls be pending, so that replicas find those of others.
const FEW_SLOTS = { CALLHOOKS_MAX_POST_CALLS_PER_ORIGIN: '2' };
const WITHOUT_MIGRATION = { ...FEW_SLOTS, CALLHOOKS_MIGRATE: 'false' };
// The time limit, 5 s more, and 10 s in which the replica that started last marks nothing yet.
const ALL_FINISHED_WITHIN_MS = 30_000;

/** The next release: it expands two tables that every call writes, and writes what this release does not know. */
const NEXT = {
  version: '0.2.0',
  migrations: [
    {
      name: 'execution_region',
      oldestRelease: '0.1.0',
      statement: 'ALTER TABLE executions ADD COLUMN region VARCHAR(64)',
    },
    {
      name: 'agent_region',
      oldestRelease: '0.1.0',
      statement: 'ALTER TABLE agents ADD COLUMN region VARCHAR(64)',
    },
  ],
  edits: [
    {
      file: 'src/store/executions/write-rows.ts',
      from: 'JSON.stringify(detail)',
      to: "JSON.stringify({ ...detail, region: { name: 'north' } })",
    },
    {
      file: 'src/store/executions/write-rows.ts',
      from: 'JSON.stringify({ variables: assigned,',
      to: "JSON.stringify({ region: 'north', variables: assigned,",
    },
    // A failure code that this release does not know. The load meets no such failure.
    { file: 'src/store/sql/column-values.ts', from: 'CONNECT: 3,', to: 'CONNECT: 30,' },
  ],
} as const;

describeEachEngine('Two releases on one database', (engine) => {
  // The embedded database has one process at a time.
  if (engine.name === 'sqlite') return;
  let cluster: Cluster;
  let next: ReleaseTree;
  before(async function () {
    // It may have to start the server of this test run.
    this.timeout(60_000);
    next = makeRelease(NEXT);
    cluster = await createCluster(engine);
  });
  after(async () => {
    await cluster.close();
    next.remove();
  });

  const runMigrate = (main?: string): Promise<Ended> =>
    startProcess(
      ['migrate'],
      { DATABASE_URL: cluster.url ?? '', CALLHOOKS_ENCRYPTION_KEYS: TEST_KEYS },
      main,
    ).ended();

  it('send each webhook at most once and lose nothing while the new one migrates, joins and leaves', async function () {
    this.timeout(120_000);
    const startedAtMs = Date.now();
    const old = await cluster.addReplicas(2, { env: FEW_SLOTS });
    const { callLog, recorder, replicas } = cluster;
    await recorder.script('/pre', { delayMs: [0, 120], statuses: [200, 200, 403, 500], drop: 0.02 });
    await recorder.script('/post', { delayMs: [20, 250], statuses: [200, 200, 200, 500], drop: 0.02 });
    const agents = await Promise.all([false, true].map((blocks) => cluster.addAgent({ ...LIMITS, blocks })));
    const agentUuids = agents.map(({ agentUuid }) => agentUuid);
    const load = startLoad({ callLog, replicas, agentUuids, concurrency: 10, impatient: 0.1 });
    const moreCalls = (count: number) => {
      const target = callLog.entries.length + count;
      return until(`${count} more calls`, () => callLog.entries.length >= target);
    };
    await moreCalls(60);

    const migration = await runMigrate(next.main);
    expect(migration.exitCode, migration.stderr).to.equal(0);
    for (const name of next.added) expect(migration.stdout).to.contain(`applied ${name}`);

    const joined = await cluster.addReplicas(2, { env: WITHOUT_MIGRATION, main: next.main });
    await moreCalls(100);
    for (const victim of [old[0], joined[0], old[1], joined[1]] as Replica[]) {
      await victim.kill();
      await wait(100 + Math.random() * 300);
      // The old release starts against the new schema here.
      await victim.restart({ env: WITHOUT_MIGRATION });
      await moreCalls(40);
    }
    await expectUnknownCodeToBeCarried(old[0] as Replica, joined[0] as Replica);

    for (const leaving of joined) {
      leaving.terminate();
      expect(await leaving.exited(), 'exit code').to.equal(0);
    }
    await moreCalls(40);
    await load.stop();

    const crossed = await countCrossed(cluster, old, joined);
    const figures = await cluster.check(ALL_FINISHED_WITHIN_MS, {
      refusedAs: [
        ...(['EXECUTION_RUNNING', 'DATABASE_UNAVAILABLE', 'OUTCOME_NOT_RECORDED'] as const),
        ...(['LIMIT_REACHED', 'SHUTTING_DOWN'] as const),
      ],
      atLeast: { executions: 100, requests: 100, replies: 100 },
    });
    expect(crossed.acceptedByOldSentByNew, 'accepted by the old release, sent by the new one').to.be.above(0);
    expect(crossed.acceptedByNewSentByOld, 'accepted by the new release, sent by the old one').to.be.above(0);
    const seconds = Math.round((Date.now() - startedAtMs) / 1000);
    reportFigures(`two releases (${engine.name})`, { ...crossed, ...figures, violations: 0, seconds });
  });

  it('refuse the old one when a migration of the new one leaves it behind', async function () {
    this.timeout(60_000);
    const contracting = makeRelease({
      version: '0.3.0',
      migrations: [
        ...NEXT.migrations,
        {
          name: 'drop_agent_region',
          oldestRelease: '0.2.0',
          statement: 'ALTER TABLE agents DROP COLUMN region',
        },
      ],
    });
    try {
      const migration = await runMigrate(contracting.main);
      expect(migration.exitCode, migration.stderr).to.equal(0);
      expect(migration.stdout).to.contain(
        'callhooks 0.2.0 and newer work with the schema after that; stop all replicas of older releases first',
      );
      const refused = [await runMigrate(), await refusedStart(cluster)];
      for (const { exitCode, stderr } of refused) {
        expect(exitCode, stderr).to.equal(78);
        expect(stderr).to.contain('this is callhooks 0.1.0').and.to.contain('start callhooks 0.2.0 or newer');
      }
    } finally {
      contracting.remove();
    }
  });
});

/**
 * Lets the new release fail a call with a failure code that the old one does not know, and reads it from the old one: the
 * code is unspecified, and all else is as the new one recorded it. A repeat gets the same decision.
 */
async function expectUnknownCodeToBeCarried(older: Replica, newer: Replica): Promise<void> {
  const closed = `http://127.0.0.1:${await freePort()}/pre`;
  const { agentUuid } = await createTestAgent(newer.rpc, { preUrl: closed, blocks: true });
  const call = { agentUuid, conversationUuid: randomUUID(), callerPhone: '' };
  const first = await newer.rpc.calls.onCallStart(call);
  const [executionUuid, message] = [first.execution?.executionUuid ?? '', first.execution?.failure?.message];
  expect(first.execution && outcomeOf(first.execution)).to.equal('FAILED CONNECT NO');
  const { execution } = await older.rpc.executions.getExecution({ executionUuid });
  expect(execution && outcomeOf(execution)).to.equal('FAILED UNSPECIFIED NO');
  expect(execution?.failure?.message).to.equal(message);
  const repeat = await older.rpc.calls.onCallStart(call);
  expect([repeat.replayed, repeat.decision]).to.deep.equal([true, pb.CallDecision.CALL_DECISION_BLOCK]);
  // The old release has changed nothing of it.
  const again = await newer.rpc.calls.onCallStart(call);
  expect(again.execution).to.deep.equal(first.execution);
}

/** Counts the post-calls that replicas of one release accepted and those of the other one sent. */
async function countCrossed(cluster: Cluster, old: readonly Replica[], joined: readonly Replica[]) {
  const executions = await listExecutions(
    cluster.livingReplica().rpc,
    cluster.agents.map(({ agentUuid }) => agentUuid),
  );
  const senders = new Map(
    executions
      .filter(({ webhookType }) => webhookType === pb.WebhookType.WEBHOOK_TYPE_POST_CALL)
      .map(({ conversationUuid, instance }) => [conversationUuid, instance]),
  );
  const acceptors = new Map<string, string>();
  for (const { rpc, conversationUuid, replica, response } of cluster.callLog.entries)
    if (rpc === 'end' && response.kind === 'reply' && !acceptors.has(conversationUuid))
      acceptors.set(conversationUuid, replica);
  const count = (from: readonly Replica[], to: readonly Replica[]): number =>
    [...acceptors].filter(
      ([conversationUuid, acceptor]) =>
        from.some(({ name }) => name === acceptor) &&
        to.some(({ name }) => name === senders.get(conversationUuid)),
    ).length;
  return { acceptedByOldSentByNew: count(old, joined), acceptedByNewSentByOld: count(joined, old) };
}

/** Starts the old release, which must refuse to serve. */
function refusedStart(cluster: Cluster): Promise<Ended> {
  const server = startProcess(['serve'], {
    CALLHOOKS_LISTEN: '127.0.0.1:0',
    DATABASE_URL: cluster.url ?? '',
    CALLHOOKS_ENCRYPTION_KEYS: TEST_KEYS,
  });
  void server.serving().then(
    () => server.kill('SIGKILL'),
    () => undefined,
  );
  return server.ended();
}
