import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { overview, type Overview } from '../../../../src/commands/overview.ts';
import { createMinutes } from '../../../../src/engine/minutes/minutes.ts';
import type { ExecutionLine } from '../../../../src/engine/webhook-run/outcome.ts';
import type { MinuteRow, MinuteStore } from '../../../../src/store/minute-store.ts';

const MINUTE_MS = 60_000;
const START_MS = 29_400_000 * MINUTE_MS;
const NOTHING_PENDING = () => ({ pendingPostCalls: 0, oldestPendingAgeMs: 0, overdue: 0 });

/** A database that replicas share, with a clock that the test sets. */
function createShared() {
  const rows = new Map<string, MinuteRow>();
  const keyOf = ({ minute, writer }: Pick<MinuteRow, 'minute' | 'writer'>) =>
    `${String(minute).padStart(12, '0')} ${writer}`;
  const shared = {
    nowMs: START_MS,
    isAway: false,
    queries: 0,
    writtenRows: 0,
    deletedBefore: [] as number[],
  };
  const answer = async <T>(value: () => T): Promise<T> => {
    await new Promise(setImmediate);
    if (shared.isAway) throw new Error('away');
    return value();
  };
  const store: MinuteStore = {
    writeMinutes: (written) =>
      answer(() => {
        shared.writtenRows += written.length;
        for (const row of written) rows.set(`${row.span} ${keyOf(row)}`, row);
      }),
    listMinutes: (span, from, limit, after) => {
      shared.queries += 1;
      return answer(() =>
        [...rows.values()]
          .filter((row) => row.span === span && row.minute >= from)
          .filter((row) => after === undefined || keyOf(row) > keyOf(after))
          .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
          .slice(0, limit),
      );
    },
    deleteMinutes: async (_, beforeMinute) => {
      shared.deletedBefore.push(beforeMinute);
      return 0;
    },
  };
  return Object.assign(shared, { store, rows });
}

type Shared = ReturnType<typeof createShared>;

/** Makes a replica. Its own clock is `behindMs` behind that of the database. */
function createReplica(shared: Shared, behindMs = 0) {
  const errors: unknown[] = [];
  const machine = { behindMs };
  const minutes = createMinutes({
    store: shared.store,
    newUuid: randomUUID,
    now: () => shared.nowMs - machine.behindMs,
    databaseNowMs: async () => shared.nowMs,
    elapsedMs: () => shared.nowMs,
    onError: (error) => errors.push(error),
  });
  const read = (): Promise<Overview> => overview({ minutes, figures: NOTHING_PENDING });
  return { ...minutes, read, errors, machine };
}

function aLine(change: Partial<ExecutionLine> = {}): ExecutionLine {
  return {
    ...{ webhook_type: 'pre_call', outcome: 'succeeded', decision: 'proceed', recorded: true },
    ...{ webhook_uuid: 'w1', agent_uuid: 'a1', duration_ms: 20, total_ms: 20 },
    ...change,
  } as ExecutionLine;
}

const FAILED = aLine({ outcome: 'failed', decision: 'proceed_degraded', failure_code: 'TIMEOUT' });

describe('the minutes of replicas', () => {
  it('show the executions of all, what is not written yet from the own memory, and nothing twice', async () => {
    const shared = createShared();
    const [one, other] = [createReplica(shared), createReplica(shared)];
    one.countExecution(aLine());
    one.countExecution(aLine({ webhook_type: 'post_call', outcome: 'failed', failure_code: 'DNS' }));
    other.countExecution(FAILED);
    const succeededAndDegraded = ({ hour, day }: Overview) =>
      [hour, day].map(({ outcomes }) => [outcomes.succeeded, outcomes.degraded, outcomes.failed]);
    expect(succeededAndDegraded(await one.read())).to.deep.equal([
      [1, 0, 1],
      [1, 0, 1],
    ]);
    await Promise.all([one.write(), other.write()]);
    for (let at = 0; at < 4; at += 1) {
      shared.nowMs += 3_000;
      for (const replica of [one, other])
        expect(succeededAndDegraded(await replica.read())).to.deep.equal([
          [1, 1, 1],
          [1, 1, 1],
        ]);
    }
    other.countExecution(FAILED);
    shared.nowMs += 3_000;
    expect((await other.read()).hour.outcomes.degraded).to.equal(2);
    expect((await one.read()).hour.outcomes.degraded).to.equal(1);
  });

  it('show durations by type, failures by code, refusals by reason, and the webhooks that failed', async () => {
    const replica = createReplica(createShared());
    for (let at = 0; at < 98; at += 1) replica.countExecution(aLine());
    for (let at = 0; at < 2; at += 1)
      replica.countExecution(aLine({ ...FAILED, webhook_uuid: 'w2', total_ms: 3_000 }));
    replica.countExecution(aLine({ outcome: 'interrupted', failure_code: 'SHUTDOWN' }));
    replica.countRefusal('LIMIT_REACHED');
    const { hour } = await replica.read();
    const { count, p50Ms = 0, p99Ms = 0 } = hour.latency.pre_call;
    expect([count, Math.round(p50Ms / 5), Math.round(p99Ms / 1_000)]).to.deep.equal([101, 4, 3]);
    expect(hour.latency.post_call).to.deep.equal({ count: 0 });
    expect(hour.failures).to.deep.equal([
      { word: 'TIMEOUT', count: 2 },
      { word: 'SHUTDOWN', count: 1 },
    ]);
    expect(hour.refusals).to.deep.equal([{ word: 'LIMIT_REACHED', count: 1 }]);
    expect(hour.failingWebhooks).to.deep.equal([{ webhookUuid: 'w2', agentUuid: 'a1', failures: 2 }]);
    expect([hour.executions, hour.otherWebhookFailures]).to.deep.equal([101, 0]);
  });

  it('do not count an execution whose row says something else', async () => {
    const replica = createReplica(createShared());
    replica.countExecution(aLine({ recorded: false }));
    expect((await replica.read()).hour.executions).to.equal(0);
  });

  it('put an execution into its minute, and into its quarter of an hour', async () => {
    const shared = createShared();
    const replica = createReplica(shared);
    replica.countExecution(aLine());
    shared.nowMs += 20 * MINUTE_MS;
    replica.countExecution(aLine());
    const { hour, day } = await replica.read();
    const placesOf = ({ steps }: Overview['hour']) =>
      steps.flatMap(({ executions, startMs }) => (executions > 0 ? [(startMs - START_MS) / MINUTE_MS] : []));
    expect([placesOf(hour), placesOf(day)]).to.deep.equal([
      [0, 20],
      [0, 15],
    ]);
    expect([hour.steps.length, day.steps.length]).to.deep.equal([60, 96]);
  });

  it('go by the clock of the database, also when that of the machine is three hours behind', async () => {
    const shared = createShared();
    const [late, other] = [createReplica(shared, 180 * MINUTE_MS), createReplica(shared)];
    await late.start();
    late.countExecution(aLine());
    await late.write();
    expect((await other.read()).hour.steps.at(-1)?.executions).to.equal(1);
  });

  it('keep what a process wrote that has ended since', async () => {
    const shared = createShared();
    const first = createReplica(shared);
    first.countExecution(aLine());
    await first.writeLast();
    const second = createReplica(shared);
    second.countExecution(aLine());
    await second.write();
    expect((await second.read()).hour.executions).to.equal(2);
    expect((await createReplica(shared).read()).day.executions).to.equal(2);
  });

  it('lose nothing while the database is away for 55 minutes, and are complete for others afterwards', async () => {
    const shared = createShared();
    const [replica, other] = [createReplica(shared), createReplica(shared)];
    await other.read();
    shared.isAway = true;
    for (let minute = 0; minute < 55; minute += 1) {
      replica.countExecution(aLine());
      expect(await replica.write().catch(() => 'rejected')).to.equal('rejected');
      shared.nowMs += MINUTE_MS;
    }
    expect(await other.read().catch(() => 'rejected')).to.equal('rejected');
    shared.isAway = false;
    await replica.write();
    for (const reader of [replica, other, createReplica(shared)]) {
      const { hour, day } = await reader.read();
      expect([hour.executions, day.executions]).to.deep.equal([55, 55]);
    }
  });

  it('keep an hour while the database is away for ten, in bounded memory', async () => {
    const shared = createShared();
    const replica = createReplica(shared);
    shared.isAway = true;
    for (let minute = 0; minute < 600; minute += 1) {
      for (let at = 0; at < 300; at += 1)
        replica.countExecution(aLine({ ...FAILED, webhook_uuid: `w${minute * 300 + at}` }));
      shared.nowMs += MINUTE_MS;
    }
    await replica.writeLast();
    expect(replica.errors).to.have.length(1);
    shared.isAway = false;
    await replica.write();
    // The minute that begins now has none yet.
    expect((await createReplica(shared).read()).hour.executions).to.equal(59 * 300);
    expect(shared.rows.size).to.be.at.most(60 + 5);
    for (const { counts } of shared.rows.values()) expect(counts.length).to.be.below(5 * 1_024);
  });

  it('write nothing when nothing has changed', async () => {
    const shared = createShared();
    const replica = createReplica(shared);
    await replica.write();
    expect(shared.writtenRows).to.equal(0);
    replica.countRefusal('AGENT_NOT_FOUND');
    await replica.write();
    await replica.write();
    expect(shared.writtenRows).to.equal(2);
  });

  it('are read with one pair of queries for a hundred readers, and for all who come within two seconds', async () => {
    const shared = createShared();
    const replica = createReplica(shared);
    const all = await Promise.all(Array.from({ length: 100 }, () => replica.read()));
    expect(new Set(all.map(({ nowMs }) => nowMs)).size).to.equal(1);
    expect(shared.queries).to.equal(2);
    shared.nowMs += 1_999;
    await replica.read();
    expect(shared.queries).to.equal(2);
    shared.nowMs += 1;
    await replica.read();
    expect(shared.queries).to.equal(4);
  });

  it('are read with 17 queries for a day of ten replicas, then with 2, and with 7 once a minute', async () => {
    const shared = createShared();
    const [minute, writers] = [START_MS / MINUTE_MS, Array.from({ length: 10 }, () => randomUUID())];
    const fill = (span: 1 | 15, count: number) => {
      for (const writer of writers)
        for (let at = 0; at < count; at += 1) {
          const row = {
            span,
            minute: minute - at * span,
            writer,
            counts: '{"refusals":{"LIMIT_REACHED":1}}',
          };
          shared.rows.set(`${span} ${row.minute} ${writer}`, row);
        }
    };
    fill(1, 120);
    fill(15, 96);
    const replica = createReplica(shared);
    const { hour, day } = await replica.read();
    expect([hour, day].map(({ refusals }) => refusals[0]?.count)).to.deep.equal([600, 960]);
    expect(shared.queries).to.equal(17);
    shared.nowMs += MINUTE_MS - 1;
    await replica.read();
    expect(shared.queries).to.equal(19);
    shared.nowMs += 2_000;
    await replica.read();
    expect(shared.queries).to.equal(26);
  });

  it('show the same to a reader that has looked all day as to a new one', async () => {
    const shared = createShared();
    const [replica, watcher] = [createReplica(shared), createReplica(shared)];
    for (let step = 0; step < 26 * 20; step += 1) {
      shared.nowMs += 3 * MINUTE_MS;
      replica.countExecution(step % 3 === 0 ? FAILED : aLine());
      watcher.countExecution(aLine({ webhook_type: 'post_call' }));
      if (step % 7 !== 0) await replica.write();
      await watcher.write();
      if (step % 5 === 0) await watcher.read();
    }
    await replica.write();
    const shown = await watcher.read();
    expect(shown).to.deep.equal(await createReplica(shared).read());
    expect(shown.hour.executions).to.equal(40);
    expect(shown.day.executions).to.be.within(950, 960);
  });

  it('forgets by the clock of the database, also right after that of the machine was set', async () => {
    const shared = createShared();
    const replica = createReplica(shared);
    await replica.start();
    replica.machine.behindMs = -30 * 60 * MINUTE_MS;
    await replica.forget(() => false);
    const minute = START_MS / MINUTE_MS;
    expect(shared.deletedBefore).to.deep.equal([minute - 120, minute - 25 * 60]);
  });
});
