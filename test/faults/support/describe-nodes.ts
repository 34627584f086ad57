import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { createConnection } from 'mysql2/promise';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { startProcess } from '../../support/server-process.ts';
import { TEST_KEYS } from '../../support/test-keys.ts';
import { createClusterAt, type Cluster } from './cluster.ts';
import { untilDatabaseAvailable } from './database-probe.ts';
import { listExecutions } from './execution-log.ts';
import type { GaleraCluster, GaleraNode } from './galera.ts';
import { startLoad } from './load.ts';
import type { Replica } from './replica.ts';
import { reportFigures } from './report-figures.ts';
import { byRunLength } from './run-length.ts';
import { disagreements, RARELY_REFUSED, sendEverywhere } from './same-call.ts';
import { createTestAgent } from './test-agent.ts';

const LIMIT_MS = 1_000;
// This is longer than the silence after which the others leave a node out.
const FROZEN_MS = 9_000;
// By then a node that was left out has joined again and caught up.
const REJOINED_WITHIN_MS = 40_000;
// Longer than time limit and grace.
const REPLICA_FROZEN_MS = 11_000;
const ALL_FINISHED_WITHIN_MS = 40_000;
// After the return of its node, a replica marks within this time.
const MARKED_AFTER_MS = 15_000;

/** Three nodes of one kind, and how replicas reach them. */
export interface NodeKind {
  /** Is a part of the titles, such as "a Galera cluster". */
  readonly name: string;
  /** Says how to get what this machine lacks, or is undefined when the nodes can be started. */
  readonly missing: string | undefined;
  /** Says whether each replica has a node of its own, or all have the primary. */
  readonly hasOwnNodes: boolean;
  /** What `callhooks migrate` notes about such nodes, in parts. */
  readonly migrationNotes: readonly string[];
  start(): Promise<StartedNodes>;
}

/** Three nodes that run. */
export interface StartedNodes extends GaleraCluster {
  /** Returns the URL of a database for the replica with this number. */
  urlFor(replica: number, database: string): string;
  /** Returns the number of the node that is hurt next, which is as good as any other in this round. */
  victim(preferred: number): Promise<number>;
}

/** Describes three replicas on three nodes, under load while nodes and replicas die and freeze. */
export function describeNodes({ name, missing, hasOwnNodes, migrationNotes, start }: NodeKind): void {
  describe(`Three replicas on ${name}`, () => {
    let nodes: StartedNodes;
    let cluster: Cluster;
    /** The replicas in the order of their nodes. */
    let replicas: readonly Replica[];
    let agentUuid: string;

    before(async function () {
      this.timeout(120_000);
      if (missing !== undefined) {
        const message = `LEFT OUT: ${missing}`;
        if (process.env['CI'] === 'true') throw new Error(message);
        console.error(`\n*** the tests of ${name}: ${message} ***\n`);
        this.skip();
      }
      nodes = await start();
      const first = nodes.urlFor(0, '');
      const connection = await createConnection(first);
      await connection.query('CREATE DATABASE callhooks');
      await connection.end();
      cluster = await createClusterAt(nodes.urlFor(0, 'callhooks'), () => nodes.stop());
      const addReplicaAt = (at: number) => cluster.addReplica({ url: nodes.urlFor(at, 'callhooks') });
      // The first one creates the tables.
      replicas = [await addReplicaAt(0), ...(await Promise.all([1, 2].map(addReplicaAt)))];
      await cluster.recorder.script('/pre', { delayMs: [0, 120], statuses: [200, 200, 200, 500] });
      await cluster.recorder.script('/post', { delayMs: [0, 300], statuses: [200, 200, 200, 500] });
      ({ agentUuid } = await cluster.addAgent({ preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS }));
    });
    after(async function () {
      this.timeout(30_000);
      if (cluster === undefined) await nodes?.stop();
      else await cluster.close();
    });

    const nodeAt = (at: number): GaleraNode => nodes.nodes[at] as GaleraNode;
    const replicaAt = (at: number): Replica => replicas[at] as Replica;
    const underLoad = async (work: () => Promise<void>): Promise<void> => {
      const { callLog } = cluster;
      const load = startLoad({ callLog, replicas, agentUuids: [agentUuid], concurrency: 9 });
      try {
        await work();
      } finally {
        await load.stop();
      }
    };

    it('migrate an empty database all at once, each migration once, and note what that does to the nodes', async function () {
      this.timeout(60_000);
      const connection = await createConnection(nodes.urlFor(0, ''));
      await connection.query('CREATE DATABASE callhooks_empty');
      const migrate = (at: number) =>
        startProcess(['migrate'], {
          DATABASE_URL: nodes.urlFor(at, 'callhooks_empty'),
          CALLHOOKS_ENCRYPTION_KEYS: TEST_KEYS,
          CALLHOOKS_INSTANCE: `replica-${at + 1}`,
        }).ended();
      const ends = await Promise.all([0, 1, 2].map(migrate));
      for (const { exitCode, stdout, stderr } of ends) expect(exitCode, stdout + stderr).to.equal(0);
      const applied = ends.flatMap(({ stdout }) => stdout.match(/(?<=^applied )\S+/gm) ?? []);
      expect(applied.toSorted()).to.deep.equal(MIGRATIONS.map(({ name }) => name));
      const notes = ends.flatMap(({ stdout }) => stdout.match(/(?<=^note: ).*/gm) ?? []);
      expect(notes).to.have.length.above(0);
      for (const part of migrationNotes) expect(notes.join('\n')).to.contain(part);
      await connection.query('DROP DATABASE callhooks_empty');
      await connection.end();
    });

    it('see at once what another node has written: agents, the outcomes of starts, and their variables', async function () {
      const rounds = byRunLength({ short: 60, long: 1_000 });
      this.timeout(30_000 + rounds * 200);
      const { agentUuid } = await cluster.addAgent({ preUrl: `${cluster.recorder.url}/ok/pre` });
      const ends: string[] = [];
      await underLoad(async () => {
        for (let round = 0; round < rounds; round += 1) {
          const [one, two, three] = [0, 1, 2].map((at) => replicaAt((round + at) % 3)) as [
            Replica,
            Replica,
            Replica,
          ];
          const conversationUuid = randomUUID();
          const call = { agentUuid, conversationUuid } as const;
          const first = await cluster.callLog.call(one, { rpc: 'start', ...call });
          expect(first).to.include({ kind: 'reply', replayed: false });
          const [again, end] = await Promise.all([
            cluster.callLog.call(two, { rpc: 'start', ...call }),
            cluster.callLog.call(three, { rpc: 'end', ...call }),
          ]);
          expect(again).to.deep.equal({ ...first, replayed: true });
          expect(end).to.include({ kind: 'reply', replayed: false });
          if (end.kind === 'reply') ends.push(end.executionUuid ?? '');
          const fresh = await createTestAgent(one.rpc, {});
          await two.rpc.calls.onCallStart({ agentUuid: fresh.agentUuid, conversationUuid: randomUUID() });
        }
      });
      await cluster.check(ALL_FINISHED_WITHIN_MS, { ...RARELY_REFUSED, atLeast: { executions: 2 * rounds } });
      for (const executionUuid of ends) {
        const { execution } = await replicaAt(0).rpc.executions.getExecution({ executionUuid });
        expect(execution?.request?.body, 'what the start had assigned').to.include('"customer_name":"Ada ');
      }
    });

    if (hasOwnNodes)
      it('see what another node has written while their own node is slow to apply it', async function () {
        this.timeout(30_000);
        const slow = await createConnection(nodeAt(1).url(''));
        for (let round = 0; round < byRunLength({ short: 3, long: 50 }); round += 1) {
          // This stops the node from applying what the others commit.
          await slow.query('FLUSH TABLES WITH READ LOCK');
          const { agentUuid } = await createTestAgent(replicaAt(0).rpc, {});
          const unlocked = wait(300).then(() => slow.query('UNLOCK TABLES'));
          await Promise.all([
            replicaAt(1).rpc.calls.onCallStart({ agentUuid, conversationUuid: randomUUID() }),
            unlocked,
          ]);
        }
        await slow.end();
      });

    it('run the webhook of a call once that is sent to all three at once, with equal replies', async function () {
      const conversations = byRunLength({ short: 60, long: 1_000 });
      this.timeout(60_000 + conversations * 200);
      const { agentUuid } = await cluster.addAgent({ preLimitMs: 5_000, postLimitMs: 5_000 });
      const responses = await sendEverywhere({
        callLog: cluster.callLog,
        replicas,
        agentUuid,
        conversations,
        atOnce: 5,
      });
      const figures = await cluster.check(ALL_FINISHED_WITHIN_MS, {
        ...RARELY_REFUSED,
        atLeast: { requests: 2 * conversations },
      });
      expect(responses, 'calls').to.have.length(2 * conversations);
      expect(disagreements(responses)).to.deep.equal([]);
      reportFigures(`the same call on each replica on ${name}`, { conversations, ...figures, violations: 0 });
    });

    it('send nothing twice and lose nothing when replicas and nodes die or freeze under load', async function () {
      const rounds = byRunLength({ short: 1, long: 15 });
      this.timeout(120_000 + rounds * 60_000);
      const startedAtMs = Date.now();
      await underLoad(async () => {
        for (let round = 0; round < rounds; round += 1) {
          await wait(2_000);
          const [first, second, third] = [0, 1, 2].map((at) => (round + at) % 3) as [number, number, number];
          await replicaAt(first).kill();
          await replicaAt(first).restart();
          const killed = await nodes.victim(second);
          await nodeAt(killed).kill();
          await wait(4_500);
          await nodeAt(killed).rejoin();
          await untilDatabaseAvailable(replicaAt(killed), REJOINED_WITHIN_MS);
          await wait(1_000);
          const frozen = await nodes.victim(third);
          nodeAt(frozen).freeze();
          await wait(FROZEN_MS);
          await nodeAt(frozen).wake();
          await untilDatabaseAvailable(replicaAt(frozen), REJOINED_WITHIN_MS);
          replicaAt(first).freeze();
          // By then the others have had the database for 10 s, and mark what it was sending.
          await wait(REPLICA_FROZEN_MS);
          replicaAt(first).wake();
        }
        await wait(2_000);
      });
      const figures = await cluster.check(ALL_FINISHED_WITHIN_MS, {
        refusedAs: ['DATABASE_UNAVAILABLE', 'OUTCOME_NOT_RECORDED', 'EXECUTION_RUNNING', 'LIMIT_REACHED'],
        interruptedWithinMs: Date.now() - startedAtMs + MARKED_AFTER_MS,
        atLeast: { executions: 100, requests: 100, replies: 100 },
      });
      const seconds = Math.round((Date.now() - startedAtMs) / 1000);
      reportFigures(`${name} under load`, {
        replicasKilled: rounds,
        replicasFrozen: rounds,
        nodesKilled: rounds,
        nodesFrozen: rounds,
        ...figures,
        violations: 0,
        seconds,
      });
    });

    it('list the same executions on each node', async function () {
      this.timeout(30_000);
      const logs = await Promise.all(
        cluster.replicas.map(async ({ rpc }) => {
          const all = await listExecutions(rpc, [agentUuid]);
          return all.map(({ executionUuid, state }) => `${executionUuid} ${state}`);
        }),
      );
      expect(logs[0]).to.have.length.above(100);
      expect(logs[1]).to.deep.equal(logs[0]);
      expect(logs[2]).to.deep.equal(logs[0]);
    });
  });
}
