import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Engine } from '../../support/engines.ts';
import { watchMachine } from '../../support/quiet-machine.ts';
import { createCallLog, type CallLog } from './call-log.ts';
import { checkCluster } from './check-cluster.ts';
import type { Expected } from './reconcile/evidence.ts';
import type { CheckResult } from './reconcile/reconcile.ts';
import { startRecorder, type Recorder } from './recorder.ts';
import { startReplica, type Replica, type ReplicaOptions } from './replica.ts';
import { createTestAgent, type TestAgent, type TestAgentOptions } from './test-agent.ts';

/** One database with its replicas, endpoints and callers: all that a test hurts and then compares. */
export interface Cluster {
  readonly callLog: CallLog;
  readonly recorder: Recorder;
  readonly replicas: readonly Replica[];
  /** The agents that `addAgent` has created. */
  readonly agents: readonly TestAgent[];
  readonly url: string | null;
  readonly dataDir: string;
  /** Adds a replica on the same database; on SQLite there may be only one. */
  addReplica(options?: Partial<ReplicaOptions>): Promise<Replica>;
  /** Adds equal replicas, all at once. */
  addReplicas(count: number, options?: Partial<ReplicaOptions>): Promise<readonly Replica[]>;
  /** Creates an agent whose executions are compared. Its webhooks point at `recorder` unless `options` say otherwise. */
  addAgent(options?: TestAgentOptions): Promise<TestAgent>;
  /** Returns the first replica that is alive. */
  livingReplica(): Replica;
  /**
   * Waits until each execution is finished (at most `withinMs`), repeats old calls, and compares what the endpoints saw with
   * the execution log and all responses. Throws with the violations, and names a folder that has the evidence.
   */
  check(withinMs: number, expected?: Expected): Promise<CheckResult['figures']>;
  close(): Promise<void>;
}

/** Creates a cluster without replicas, with a database of its own. */
export async function createCluster(engine: Engine): Promise<Cluster> {
  const { url, dataDir, cleanup } = await engine.freshDatabase();
  return buildCluster(url, dataDir, cleanup);
}

/** Creates a cluster without replicas on a MySQL database that exists; `cleanup` is called last. */
export async function createClusterAt(url: string, cleanup: () => Promise<void>): Promise<Cluster> {
  const dataDir = await mkdtemp(join(tmpdir(), 'callhooks-data-'));
  return buildCluster(url, dataDir, async () => {
    await cleanup();
    await rm(dataDir, { recursive: true, force: true });
  });
}

async function buildCluster(
  url: string | null,
  dataDir: string,
  cleanup: () => Promise<void>,
): Promise<Cluster> {
  watchMachine();
  const callLog = createCallLog();
  const recorder = await startRecorder();
  const replicas: Replica[] = [];
  const starting: Promise<Replica>[] = [];
  const agents: TestAgent[] = [];

  const cluster: Cluster = {
    callLog,
    recorder,
    replicas,
    agents,
    url,
    dataDir,
    addReplica: async (options = {}) => {
      const name = `replica-${starting.length + 1}`;
      const start = startReplica({ name, url, dataDir, ...options });
      starting.push(start);
      replicas.push(await start);
      return start;
    },
    addReplicas: (count, options = {}) =>
      Promise.all(Array.from({ length: count }, () => cluster.addReplica(options))),
    addAgent: async (options = {}) => {
      const urls = { preUrl: `${recorder.url}/pre`, postUrl: `${recorder.url}/post` };
      const added = await createTestAgent(cluster.livingReplica().rpc, { ...urls, ...options });
      agents.push(added);
      return added;
    },
    livingReplica: () => {
      const found = replicas.find(({ isAlive }) => isAlive);
      if (found === undefined) throw new Error('no replica is alive');
      return found;
    },
    check: (withinMs, expected = {}) => checkCluster(cluster, withinMs, expected),
    close: async () => {
      // When one of many could not start, others still do: they would keep the test run from ending.
      await Promise.allSettled(starting);
      await Promise.all(replicas.map((replica) => replica.close()));
      await recorder.close();
      callLog.close();
      await cleanup();
    },
  };
  return cluster;
}
