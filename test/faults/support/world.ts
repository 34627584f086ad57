import { mkdtempSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Engine } from '../../support/engines.ts';
import { createTestAgent, type TestAgent, type TestAgentOptions } from './calls.ts';
import { untilAllEnded } from './execution-log.ts';
import { createJournal, type Journal } from './journal.ts';
import { reconcile, type Evidence, type Verdict } from './reconcile.ts';
import { startRecorder, type Recorder } from './recorder.ts';
import { startReplica, type Replica, type ReplicaOptions } from './replicas.ts';

/** One database, its replicas, endpoints and callers: all that a scenario hurts and then compares. */
export interface World {
  readonly journal: Journal;
  readonly recorder: Recorder;
  readonly replicas: readonly Replica[];
  readonly url: string | null;
  readonly dataDir: string;
  /** One more endpoint, another origin. */
  addRecorder(): Promise<Recorder>;
  /** One more replica on the same database; on SQLite there may be only one. */
  addReplica(options?: Partial<ReplicaOptions>): Promise<Replica>;
  /** An agent whose webhooks both point at `recorder`, unless told otherwise; its executions are compared. */
  addAgent(options?: TestAgentOptions): Promise<TestAgent>;
  /** Replicas at once, all alike. */
  addReplicas(count: number, options?: Partial<ReplicaOptions>): Promise<readonly Replica[]>;
  /** A replica that lives. */
  living(): Replica;
  /**
   * Waits until everything has an end (at most `withinMs`), repeats old starts and ends, and compares.
   * Throws with the violations, and leaves the evidence in a folder that it names.
   */
  verdict(withinMs: number, more?: Pick<Evidence, 'alsoRefusedAs'>): Promise<Verdict['figures']>;
  close(): Promise<void>;
}

/** How many old calls are repeated before the comparison. */
const REPEATED = 100;

/** Makes a world without replicas, with a database of its own. */
export const createWorld = async (engine: Engine): Promise<World> => {
  const fresh = await engine.freshDatabase();
  return createWorldOn(fresh.url, fresh.dataDir, fresh.cleanup);
};

/** Makes one on a MySQL that is there; `cleanup` is called last. */
export const createWorldAt = async (url: string, cleanup: () => Promise<void>): Promise<World> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'callhooks-data-'));
  return createWorldOn(url, dataDir, async () => {
    await cleanup();
    await rm(dataDir, { recursive: true, force: true });
  });
};

const createWorldOn = async (
  url: string | null,
  dataDir: string,
  cleanup: () => Promise<void>,
): Promise<World> => {
  const journal = createJournal();
  const recorders = [await startRecorder()];
  const [recorder] = recorders as [Recorder];
  const replicas: Replica[] = [];
  const agents: TestAgent[] = [];
  let named = 0;

  const world: World = {
    journal,
    recorder,
    replicas,
    url,
    dataDir,
    addRecorder: async () => {
      const added = await startRecorder();
      recorders.push(added);
      return added;
    },
    addReplica: async (options = {}) => {
      const name = `replica-${(named += 1)}`;
      const added = await startReplica({ name, url, dataDir, ...options });
      replicas.push(added);
      return added;
    },
    addReplicas: (count, options = {}) =>
      Promise.all(Array.from({ length: count }, () => world.addReplica(options))),
    addAgent: async (options = {}) => {
      const urls = { preUrl: `${recorder.url}/pre`, postUrl: `${recorder.url}/post` };
      const added = await createTestAgent(world.living().rpc, { ...urls, ...options });
      agents.push(added);
      return added;
    },
    living: () => {
      const found = replicas.find(({ isAlive }) => isAlive);
      if (found === undefined) throw new Error('no replica lives');
      return found;
    },
    verdict: async (withinMs, more = {}) => {
      const agentUuids = agents.map(({ agentUuid }) => agentUuid);
      const rpc = () => world.living().rpc;
      await untilAllEnded(rpc, agentUuids, withinMs);
      await repeatSome(world, agentUuids);
      // A repeat may have begun something new: what was refused every time before.
      const executions = await untilAllEnded(rpc, agentUuids, withinMs);
      const { violations, figures } = reconcile({ executions, recorders, journal, replicas, ...more });
      if (violations.length > 0) throw violated(violations, world, executions);
      return figures;
    },
    close: async () => {
      await Promise.all(replicas.map((replica) => replica.close()));
      await Promise.all(recorders.map((one) => one.close()));
      journal.close();
      await cleanup();
    },
  };
  return world;
};

// Only what was told a reply before: its repeats have to say the same.
const repeatSome = async ({ journal, living }: World, agentUuids: readonly string[]): Promise<void> => {
  const answered = journal.entries.filter(({ told }) => told.kind === 'reply').slice(-REPEATED);
  for (const { rpc, conversationUuid, agentUuid } of answered) {
    if (agentUuids.includes(agentUuid)) await journal.call(living(), { rpc, conversationUuid, agentUuid });
  }
};

const SHOWN = 20;

const violated = (violations: readonly string[], world: World, executions: readonly object[]): Error => {
  const folder = mkdtempSync(join(tmpdir(), 'callhooks-violation-'));
  const write = (name: string, items: readonly unknown[]): void => {
    const lines = items.map((item) =>
      JSON.stringify(item, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)),
    );
    writeFileSync(join(folder, name), `${lines.join('\n')}\n`);
  };
  write('violations.jsonl', violations);
  write('journal.jsonl', world.journal.entries);
  write('executions.jsonl', executions);
  write('requests.jsonl', world.recorder.requests());
  for (const replica of world.replicas) writeFileSync(join(folder, `${replica.name}.log`), replica.log());
  const rest = violations.length > SHOWN ? [`… and ${violations.length - SHOWN} more`] : [];
  return new Error(
    `${violations.length} violations (evidence in ${folder}):\n${[...violations.slice(0, SHOWN), ...rest].join('\n')}`,
  );
};
