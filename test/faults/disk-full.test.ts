import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import SqliteDatabase from 'better-sqlite3';
import { expect } from 'chai';
import type * as pb from '../../src/gen/index.callhooks.v1.ts';
import type { Engine } from '../support/engines.ts';
import { stateName } from '../support/execution-words.ts';
import { onQuietMachine } from '../support/quiet-machine.ts';
import { errorOf } from '../support/rpc.ts';
import { until } from '../support/until.ts';
import { describeResponse } from './support/call-response.ts';
import { createCluster, type Cluster } from './support/cluster.ts';
import { listExecutions } from './support/execution-log.ts';
import { startLoad, type Load } from './support/load.ts';
import { reportFigures } from './support/report-figures.ts';
import { byRunLength } from './support/run-length.ts';
import { mountSmallDisk, type SmallDisk } from './support/small-disk.ts';
import type { TestAgent } from './support/test-agent.ts';

const MIB = 1024 * 1024;
const DISK_BYTES = 256 * MIB;
// With less than 64 MiB free, no new call is accepted.
const NEARLY_FULL_BYTES = 48 * MIB;
const NOTICED_WITHIN_MS = 2_500;
const LIMIT_MS = 20_000;
// Longer than an answer waits for its record.
const FULL_MS = 7_500;
const ALL_FINISHED_WITHIN_MS = 20_000;

describe('A full disk under SQLite', () => {
  let disk: SmallDisk;
  let cluster: Cluster;
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
    cluster = await createCluster(engine);
    await cluster.addReplica();
    const { callLog, recorder, replicas } = cluster;
    agent = await cluster.addAgent({ preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS });
    await recorder.script('/pre', { delayMs: [0, 2_500] });
    await recorder.script('/post', { delayMs: [0, 1_500] });
    load = startLoad({ callLog, replicas, agentUuids: [agent.agentUuid], concurrency: 40 });
  });
  after(async function () {
    this.timeout(30_000);
    disk?.empty();
    await load?.stop();
    await cluster?.close();
  });

  const fill = (leaveBytes: number): void => {
    filled += 1;
    disk.fill(leaveBytes);
  };
  // Outcomes go into the WAL, which SQLite overwrites from its start without needing room on the disk. So it is emptied, and a
  // reader keeps SQLite from overwriting it.
  const keepWalGrowing = (): (() => void) => {
    const reader = new SqliteDatabase(join(disk.folder, 'callhooks.db'), { timeout: 5_000 });
    reader.pragma('wal_checkpoint(TRUNCATE)');
    reader.exec('BEGIN');
    reader.prepare('SELECT COUNT(*) FROM executions').get();
    return () => reader.close();
  };
  const newCall = () => ({ agentUuid: agent.agentUuid, conversationUuid: randomUUID() });
  const refusal = () => errorOf(cluster.livingReplica().rpc.calls.onCallEnd(newCall()));
  const untilAccepted = (): Promise<unknown> =>
    until('new calls to be taken', async () => {
      const call = { rpc: 'end', ...newCall() } as const;
      return describeResponse(await cluster.callLog.call(cluster.livingReplica(), call)) === 'ACCEPTED';
    });
  const listOpen = async (): Promise<readonly string[]> => {
    const all = await listExecutions(cluster.livingReplica().rpc, [agent.agentUuid]);
    return all.filter(isOpen).map(({ executionUuid }) => executionUuid);
  };

  it('has new calls refused while little is free, and the outcomes of accepted ones recorded', async function () {
    const rounds = byRunLength({ short: 1, long: 20 });
    this.timeout(20_000 + rounds * 15_000);
    for (let round = 0; round < rounds; round += 1) {
      await wait(1_000);
      fill(NEARLY_FULL_BYTES);
      const filledAtMs = Date.now();
      const isRefused = () =>
        cluster.callLog.entries.some(
          ({ sentAtMs, response }) =>
            sentAtMs >= filledAtMs && response.kind === 'error' && response.reason === 'LIMIT_REACHED',
        );
      await until('new calls to be refused', isRefused);
      const noticedMs = Date.now() - filledAtMs;
      await onQuietMachine('a nearly full disk is noticed soon', filledAtMs, () =>
        expect(noticedMs, 'milliseconds').to.be.lessThan(NOTICED_WITHIN_MS),
      );
      const error = await refusal();
      expect(error).to.include({ code: 'RESOURCE_EXHAUSTED', reason: 'LIMIT_REACHED', retryAfterMs: 1_000 });
      expect(error.message).to.equal("the database's disk is nearly full; nothing was recorded");
      await until('all accepted ones to be finished', async () => (await listOpen()).length === 0, {
        everyMs: 50,
      });
      disk.empty();
      await untilAccepted();
    }
  });

  it('has outcomes kept while nothing can be written, and recorded when there is room', async function () {
    const rounds = byRunLength({ short: 1, long: 20 });
    this.timeout(20_000 + rounds * 15_000);
    let keptInAll = 0;
    for (let round = 0; round < rounds; round += 1) {
      await wait(1_000);
      const letGo = keepWalGrowing();
      fill(0);
      await wait(FULL_MS);
      letGo();
      expect(disk.freeBytes()).to.be.below(MIB);
      expect((await refusal()).reason).to.be.oneOf(['LIMIT_REACHED', 'DATABASE_UNAVAILABLE']);
      const kept = await listOpen();
      keptInAll += kept.length;
      disk.empty();
      await untilAccepted();
      const states = await until(
        'the kept outcomes to be recorded',
        async () => {
          const all = await listExecutions(cluster.livingReplica().rpc, [agent.agentUuid]);
          const found = all.filter(({ executionUuid }) => kept.includes(executionUuid));
          return found.some(isOpen) ? false : found.map(({ state }) => stateName(state));
        },
        { everyMs: 50 },
      );
      expect(states).to.have.length(kept.length).and.to.satisfy(areAllSucceeded);
    }
    expect(keptInAll, 'executions whose outcomes were kept').to.be.above(0);
  });

  it('loses nothing when the process is killed meanwhile', async function () {
    this.timeout(30_000);
    await wait(1_000);
    const letGo = keepWalGrowing();
    fill(0);
    await wait(1_500);
    letGo();
    await cluster.livingReplica().kill();
    disk.empty();
    await cluster.replicas[0]?.restart();
    await untilAccepted();
  });

  it('has lost nothing, sent nothing twice, and answered what is on record in the end', async function () {
    this.timeout(60_000);
    await load.stop();
    const figures = await cluster.check(ALL_FINISHED_WITHIN_MS, {
      // A start whose outcome is kept may run for longer than the deadline of its repeat.
      refusedAs: ['LIMIT_REACHED', 'DATABASE_UNAVAILABLE', 'OUTCOME_NOT_RECORDED', 'EXECUTION_RUNNING'],
      refusedShare: 0.95,
      atLeast: { executions: 100, requests: 100, replies: 100 },
    });
    const count = (reason: string) =>
      cluster.callLog.entries.filter((it) => describeResponse(it.response) === reason).length;
    const unrecorded = count('OUTCOME_NOT_RECORDED');
    expect(unrecorded, 'outcomes that could not be recorded for a while').to.be.above(0);
    reportFigures('full disks (sqlite)', {
      filled,
      refused: count('LIMIT_REACHED'),
      unsettled: count('DATABASE_UNAVAILABLE'),
      unrecorded,
      ...figures,
      violations: 0,
    });
  });
});

function isOpen({ state }: { readonly state: pb.ExecutionState }): boolean {
  return ['ACCEPTED', 'SENDING'].includes(stateName(state));
}

function areAllSucceeded(states: readonly string[]): boolean {
  return states.every((state) => state === 'SUCCEEDED');
}
