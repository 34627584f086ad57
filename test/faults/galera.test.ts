import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { createConnection } from 'mysql2/promise';
import { createTestAgent } from './support/calls.ts';
import { listExecutions } from './support/execution-log.ts';
import { hasGalera, startGalera, type GaleraCluster, type GaleraNode } from './support/galera.ts';
import { startLoad } from './support/load.ts';
import { inForm, report } from './support/long.ts';
import { untilThere } from './support/proxied.ts';
import type { Replica } from './support/replicas.ts';
import { disagreements, SELDOM_REFUSED, sendEverywhere } from './support/same-call.ts';
import { createWorldAt, type World } from './support/world.ts';

const LIMIT_MS = 1_000;
// Longer than a node may be silent before the others leave it out.
const FROZEN_MS = 9_000;
// A node that was left out joins again, and catches up.
const REJOINED_WITHIN_MS = 40_000;
// Longer than limit and grace.
const REPLICA_FROZEN_MS = 11_000;
const ALL_ENDED_WITHIN_MS = 40_000;
// When its node is back.
const LABELLED_AFTER_MS = 15_000;

describe('Three replicas, each on a node of its own of a Galera cluster', () => {
  let cluster: GaleraCluster;
  let world: World;
  /** In the order of their nodes. */
  let replicas: readonly Replica[];
  let agentUuid: string;

  before(async function () {
    this.timeout(120_000);
    if (!hasGalera()) {
      const message = 'LEFT OUT: there is no Galera here (test/tools/galera-install.sh says how to get it)';
      if (process.env['CI'] === 'true') throw new Error(message);
      console.error(`\n*** the tests of a cluster: ${message} ***\n`);
      this.skip();
    }
    cluster = await startGalera(3);
    const first = nodeAt(0).url('');
    const connection = await createConnection(first);
    await connection.query('CREATE DATABASE callhooks');
    await connection.end();
    world = await createWorldAt(nodeAt(0).url('callhooks'), () => cluster.stop());
    const addReplicaAt = (at: number) => world.addReplica({ url: nodeAt(at).url('callhooks') });
    // The first one makes the tables.
    replicas = [await addReplicaAt(0), ...(await Promise.all([1, 2].map(addReplicaAt)))];
    await world.recorder.script('/pre', { delayMs: [0, 120], statuses: [200, 200, 200, 500] });
    await world.recorder.script('/post', { delayMs: [0, 300], statuses: [200, 200, 200, 500] });
    ({ agentUuid } = await world.addAgent({ preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS }));
  });
  after(async function () {
    this.timeout(30_000);
    if (world === undefined) await cluster?.stop();
    else await world.close();
  });

  const nodeAt = (at: number): GaleraNode => cluster.nodes[at] as GaleraNode;
  const replicaAt = (at: number): Replica => replicas[at] as Replica;
  const underLoad = async (work: () => Promise<void>): Promise<void> => {
    const load = startLoad({
      ...{ journal: world.journal, replicas: world.replicas, agentUuids: [agentUuid] },
      concurrency: 9,
    });
    try {
      await work();
    } finally {
      await load.stop();
    }
  };

  it('see at once what was written on another: agents, the ends of starts, and their variables', async function () {
    const rounds = inForm({ short: 60, long: 1_000 });
    this.timeout(30_000 + rounds * 200);
    const { agentUuid } = await world.addAgent({ preUrl: `${world.recorder.url}/ok/pre` });
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
        const told = await world.journal.call(one, { rpc: 'start', ...call });
        expect(told).to.include({ kind: 'reply', replayed: false });
        const [again, end] = await Promise.all([
          world.journal.call(two, { rpc: 'start', ...call }),
          world.journal.call(three, { rpc: 'end', ...call }),
        ]);
        expect(again).to.deep.equal({ ...told, replayed: true });
        expect(end).to.include({ kind: 'reply', replayed: false });
        if (end.kind === 'reply') ends.push(end.executionUuid ?? '');
        const fresh = await createTestAgent(one.rpc, {});
        await two.rpc.calls.onCallStart({ agentUuid: fresh.agentUuid, conversationUuid: randomUUID() });
      }
    });
    await world.verdict(ALL_ENDED_WITHIN_MS, { ...SELDOM_REFUSED, atLeast: { executions: 2 * rounds } });
    for (const executionUuid of ends) {
      const { execution } = await replicaAt(0).rpc.executions.getExecution({ executionUuid });
      expect(execution?.request?.body, 'what the start had assigned').to.include('"customer_name":"Ada ');
    }
  });

  it('see what was written on another even while their own node is slow to apply it', async function () {
    this.timeout(30_000);
    const slow = await createConnection(nodeAt(1).url(''));
    for (let round = 0; round < inForm({ short: 3, long: 50 }); round += 1) {
      // Stops the node from applying what the others commit.
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

  it('run the same call once that is sent to all three nodes at once, and tell all the same', async function () {
    const conversations = inForm({ short: 60, long: 1_000 });
    this.timeout(60_000 + conversations * 200);
    const { agentUuid } = await world.addAgent({ preLimitMs: 5_000, postLimitMs: 5_000 });
    const told = await sendEverywhere({
      journal: world.journal,
      replicas,
      agentUuid,
      conversations,
      atOnce: 5,
    });
    const figures = await world.verdict(ALL_ENDED_WITHIN_MS, {
      ...SELDOM_REFUSED,
      atLeast: { requests: 2 * conversations },
    });
    expect(told, 'calls').to.have.length(2 * conversations);
    expect(disagreements(told)).to.deep.equal([]);
    report('the same call on each node of a cluster', { conversations, ...figures, violations: 0 });
  });

  it('agree with everybody when replicas and nodes die or freeze under load', async function () {
    const rounds = inForm({ short: 1, long: 15 });
    this.timeout(120_000 + rounds * 60_000);
    const startedAtMs = Date.now();
    await underLoad(async () => {
      for (let round = 0; round < rounds; round += 1) {
        await wait(2_000);
        const [first, second, third] = [0, 1, 2].map((at) => (round + at) % 3) as [number, number, number];
        await replicaAt(first).kill();
        await replicaAt(first).restart();
        await nodeAt(second).kill();
        await wait(4_500);
        await nodeAt(second).rejoin();
        await untilThere(replicaAt(second), REJOINED_WITHIN_MS);
        await wait(1_000);
        nodeAt(third).freeze();
        await wait(FROZEN_MS);
        nodeAt(third).wake();
        await untilThere(replicaAt(third), REJOINED_WITHIN_MS);
        replicaAt(first).freeze();
        // The others have had the database for 10 s then, and mark what it was sending.
        await wait(REPLICA_FROZEN_MS);
        replicaAt(first).wake();
      }
      await wait(2_000);
    });
    const figures = await world.verdict(ALL_ENDED_WITHIN_MS, {
      refusedAs: ['DATABASE_UNAVAILABLE', 'OUTCOME_NOT_RECORDED', 'EXECUTION_RUNNING', 'LIMIT_REACHED'],
      interruptedWithinMs: Date.now() - startedAtMs + LABELLED_AFTER_MS,
      atLeast: { executions: 100, requests: 100, replies: 100 },
    });
    const seconds = Math.round((Date.now() - startedAtMs) / 1000);
    const faults = {
      replicasKilled: rounds,
      replicasFrozen: rounds,
      nodesKilled: rounds,
      nodesFrozen: rounds,
    };
    report('a cluster under load', { ...faults, ...figures, violations: 0, seconds });
  });

  it('show the same log on each node', async function () {
    this.timeout(30_000);
    const logs = await Promise.all(
      world.replicas.map(async ({ rpc }) => {
        const all = await listExecutions(rpc, [agentUuid]);
        return all.map(({ executionUuid, state }) => `${executionUuid} ${state}`);
      }),
    );
    expect(logs[0]).to.have.length.above(100);
    expect(logs[1]).to.deep.equal(logs[0]);
    expect(logs[2]).to.deep.equal(logs[0]);
  });
});
