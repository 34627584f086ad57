import { mkdtempSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as pb from '../../../src/gen/index.callhooks.v1.ts';
import type { Engine } from '../../support/engines.ts';
import { createTestAgent, type TestAgent, type TestAgentOptions } from './calls.ts';
import { typeOf, untilAllEnded } from './execution-log.ts';
import { createJournal, type Call, type Entry, type Journal } from './journal.ts';
import type { Expected } from './reconcile/evidence.ts';
import { reconcile, type Verdict } from './reconcile/reconcile.ts';
import { startRecorder, type Recorder } from './recorder.ts';
import { startReplica, type Replica, type ReplicaOptions } from './replicas.ts';
import { until } from '../../support/until.ts';

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
  verdict(withinMs: number, expected?: Expected): Promise<Verdict['figures']>;
  close(): Promise<void>;
}

/** How many old calls are repeated before the comparison, besides those of an unknown fate. */
const REPEATED = 100;
const REPEATED_AT_ONCE = 8;
/** How many starts are looked at with all that is recorded of them. */
const LOOKED_AT = 50;

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
  const starts: Promise<Replica>[] = [];
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
      const start = startReplica({ name, url, dataDir, ...options });
      starts.push(start);
      replicas.push(await start);
      return start;
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
    verdict: async (withinMs, expected = {}) => {
      const agentUuids = agents.map(({ agentUuid }) => agentUuid);
      const rpc = () => world.living().rpc;
      await untilAllEnded(rpc, agentUuids, withinMs);
      await repeatSome(world);
      // A repeat may have begun something new: what was refused every time before.
      const executions = await untilAllEnded(rpc, agentUuids, withinMs);
      const looked = await lookAtSome(world, executions);
      const { violations, figures } = reconcile({
        ...{ executions, looked, agents, recorders, journal, replicas, expected },
      });
      if (violations.length > 0) throw violated(violations, world, executions);
      return figures;
    },
    close: async () => {
      // When one of many could not start, others still do: they would keep the test run from ending.
      await Promise.allSettled(starts);
      await Promise.all(replicas.map((replica) => replica.close()));
      await Promise.all(recorders.map((one) => one.close()));
      journal.close();
      await cleanup();
    },
  };
  return world;
};

const UNKNOWN_FATES = new Set(['OUTCOME_NOT_RECORDED', 'DATABASE_UNAVAILABLE']);

// What was told a reply has to be told the same again, by whomever; of what was left open it shows what became of it.
const repeatSome = async ({ journal, replicas }: World): Promise<void> => {
  const calls = (isMeant: (entry: Entry) => boolean): readonly Call[] => {
    const meant = journal.entries.filter(isMeant);
    const keyed = meant.map(({ rpc, agentUuid, conversationUuid }) => ({ rpc, agentUuid, conversationUuid }));
    return [...new Map(keyed.map((call) => [`${call.rpc} ${call.conversationUuid}`, call])).values()];
  };
  const left = [
    ...sample(
      calls(({ told }) => told.kind === 'reply'),
      REPEATED,
    ),
    ...calls(({ told }) => told.kind === 'error' && UNKNOWN_FATES.has(told.reason)),
    // Repeating them is as good as calling for the first time.
    ...sample(
      calls(({ told }) => told.kind === 'error' && told.reason === 'LIMIT_REACHED'),
      REPEATED,
    ),
  ];
  const living = replicas.filter(({ isAlive }) => isAlive);
  let turn = 0;
  const repeatAll = async (): Promise<void> => {
    for (let call = left.pop(); call !== undefined; call = left.pop()) await repeat(call);
  };
  const repeat = (call: Call): Promise<unknown> =>
    until(
      `the ${call.rpc} of ${call.conversationUuid} to be told again`,
      async () => {
        const replica = living[(turn += 1) % living.length] as Replica;
        return (await journal.call(replica, call)).kind === 'reply';
      },
      { everyMs: 500 },
    );
  await Promise.all(Array.from({ length: REPEATED_AT_ONCE }, repeatAll));
};

const lookAtSome = async (world: World, executions: readonly pb.Execution[]): Promise<pb.Execution[]> => {
  const starts = executions.filter((execution) => typeOf(execution) === 'pre_call');
  const { getExecution } = world.living().rpc.executions;
  const looked = sample(starts, LOOKED_AT).map(async ({ executionUuid }) => {
    const { execution } = await getExecution({ executionUuid });
    return execution === undefined ? [] : [execution];
  });
  return (await Promise.all(looked)).flat();
};

const sample = <T>(items: readonly T[], count: number): T[] => {
  const left = [...items];
  const taken = Array.from({ length: Math.min(count, left.length) }, () =>
    left.splice(Math.floor(Math.random() * left.length), 1),
  );
  return taken.flat();
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
