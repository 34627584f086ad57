import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { expect } from 'chai';
import type * as pb from '../../src/gen/index.callhooks.v1.ts';
import type { Engine } from '../support/engines.ts';
import { errorOf } from '../support/rpc.ts';
import type { TestAgent } from './support/calls.ts';
import { describeTold } from './support/describe-told.ts';
import { listExecutions, nameOf } from './support/execution-log.ts';
import { startLoad, type Load } from './support/load.ts';
import { inForm, report } from './support/long.ts';
import { mountSmallDisk, type SmallDisk } from './support/small-disk.ts';
import { until } from '../support/until.ts';
import { createWorld, type World } from './support/world.ts';

const MIB = 1024 * 1024;
const DISK_BYTES = 256 * MIB;
// Below 64 MiB nothing new is accepted.
const NEARLY_FULL_BYTES = 48 * MIB;
const NOTICED_WITHIN_MS = 2_500;
const LIMIT_MS = 20_000;
// Longer than an answer is held for its record.
const FULL_MS = 7_500;
const ALL_ENDED_WITHIN_MS = 20_000;

describe('A disk that runs full under SQLite', () => {
  let disk: SmallDisk;
  let world: World;
  let agent: TestAgent;
  let load: Load;
  let filled = 0;

  before(async function () {
    this.timeout(30_000);
    const mounted = mountSmallDisk(DISK_BYTES);
    if (mounted === undefined) {
      const message = 'LEFT OUT: this user may not mount a small disk (root may)';
      if (process.env['CI'] === 'true') throw new Error(message);
      console.error(`\n*** full disks: ${message} ***\n`);
      return this.skip();
    }
    disk = mounted;
    const engine: Engine = {
      name: 'sqlite',
      freshDatabase: async () => ({ url: null, dataDir: disk.folder, cleanup: () => disk.unmount() }),
    };
    world = await createWorld(engine);
    await world.addReplica();
    agent = await world.addAgent({ preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS });
    await world.recorder.script('/pre', { delayMs: [0, 2_500] });
    await world.recorder.script('/post', { delayMs: [0, 1_500] });
    load = startLoad({
      ...{ journal: world.journal, replicas: world.replicas, agentUuids: [agent.agentUuid] },
      concurrency: 40,
    });
  });
  after(async function () {
    this.timeout(30_000);
    disk?.empty();
    await load?.stop();
    await world?.close();
  });

  const fill = (leaveBytes: number): void => {
    filled += 1;
    disk.fill(leaveBytes);
  };
  // Outcomes go into the log, which is begun again from its start and keeps its size: that needs no room. So it is made
  // empty, and can't be begun again while somebody reads.
  const keepLogGrowing = (): (() => void) => {
    const reader = new SqliteDatabase(join(disk.folder, 'callhooks.db'), { timeout: 5_000 });
    reader.pragma('wal_checkpoint(TRUNCATE)');
    reader.exec('BEGIN');
    reader.prepare('SELECT COUNT(*) FROM executions').get();
    return () => reader.close();
  };
  const refusal = () =>
    errorOf(
      world.living().rpc.calls.onCallEnd({ agentUuid: agent.agentUuid, conversationUuid: randomUUID() }),
    );
  const untilAccepted = (): Promise<unknown> =>
    until('new calls to be taken', async () => {
      const call = { rpc: 'end', agentUuid: agent.agentUuid, conversationUuid: randomUUID() } as const;
      return describeTold(await world.journal.call(world.living(), call)) === 'ACCEPTED';
    });

  it('refuses new calls while little is free, and still writes the outcomes of what it took', async function () {
    const rounds = inForm({ short: 1, long: 20 });
    this.timeout(20_000 + rounds * 15_000);
    for (let round = 0; round < rounds; round += 1) {
      await wait(1_000);
      fill(NEARLY_FULL_BYTES);
      const isRefused = () =>
        world.journal.entries.some(
          ({ sentAtMs, told }) =>
            sentAtMs >= filledAtMs && told.kind === 'error' && told.reason === 'LIMIT_REACHED',
        );
      const filledAtMs = Date.now();
      await until('new calls to be refused', isRefused, { timeoutMs: NOTICED_WITHIN_MS });
      const error = await refusal();
      expect(error).to.include({ code: 'RESOURCE_EXHAUSTED', reason: 'LIMIT_REACHED', retryAfterMs: 1_000 });
      expect(error.message).to.equal("the database's disk is nearly full; nothing was recorded");
      await until('all that was accepted to have its end', async () => (await openExecutions()).length === 0);
      disk.empty();
      await untilAccepted();
    }
  });

  it('keeps outcomes while nothing at all can be written, and writes them when there is room', async function () {
    const rounds = inForm({ short: 1, long: 20 });
    this.timeout(20_000 + rounds * 15_000);
    let keptInAll = 0;
    for (let round = 0; round < rounds; round += 1) {
      await wait(1_000);
      const letGo = keepLogGrowing();
      fill(0);
      await wait(FULL_MS);
      letGo();
      expect(disk.freeBytes()).to.be.below(MIB);
      expect((await refusal()).reason).to.be.oneOf(['LIMIT_REACHED', 'DATABASE_UNAVAILABLE']);
      const kept = await openExecutions();
      keptInAll += kept.length;
      disk.empty();
      await untilAccepted();
      const states = await until('what was kept to be on record', async () => {
        const all = await listExecutions(world.living().rpc, [agent.agentUuid]);
        const found = all.filter(({ executionUuid }) => kept.includes(executionUuid));
        return found.some(isOpen) ? false : found.map(({ state }) => nameOf(state));
      });
      expect(states).to.have.length(kept.length).and.to.satisfy(isAllSucceeded);
    }
    expect(keptInAll, 'executions whose outcomes were kept').to.be.above(0);
  });

  it('loses nothing when the process is killed while the disk is full', async function () {
    this.timeout(30_000);
    await wait(1_000);
    const letGo = keepLogGrowing();
    fill(0);
    await wait(1_500);
    letGo();
    await world.living().kill();
    disk.empty();
    await world.replicas[0]?.restart();
    await untilAccepted();
  });

  it('leaves nothing lost, sent twice or told otherwise', async function () {
    this.timeout(60_000);
    await load.stop();
    const figures = await world.verdict(ALL_ENDED_WITHIN_MS, {
      // A start whose outcome is kept may outlast the deadline of its repeat.
      refusedAs: ['LIMIT_REACHED', 'DATABASE_UNAVAILABLE', 'OUTCOME_NOT_RECORDED', 'EXECUTION_RUNNING'],
      refusedShare: 0.95,
      atLeast: { executions: 100, requests: 100, replies: 100 },
    });
    const told = (word: string) =>
      world.journal.entries.filter((it) => describeTold(it.told) === word).length;
    const [refused, unsettled, unrecorded] = [
      told('LIMIT_REACHED'),
      told('DATABASE_UNAVAILABLE'),
      told('OUTCOME_NOT_RECORDED'),
    ];
    expect(unrecorded, 'how many outcomes could not be written for a while').to.be.above(0);
    report('full disks (sqlite)', { filled, refused, unsettled, unrecorded, ...figures, violations: 0 });
  });

  const openExecutions = async (): Promise<readonly string[]> => {
    const all = await listExecutions(world.living().rpc, [agent.agentUuid]);
    return all.filter(isOpen).map(({ executionUuid }) => executionUuid);
  };
});

const isOpen = ({ state }: { readonly state: pb.ExecutionState }): boolean =>
  ['ACCEPTED', 'SENDING'].includes(nameOf(state));
const isAllSucceeded = (states: readonly string[]): boolean => states.every((state) => state === 'SUCCEEDED');
