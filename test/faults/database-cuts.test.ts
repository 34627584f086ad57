import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import { describeEachEngine } from '../support/engines.ts';
import type { TestAgent } from './support/calls.ts';
import { describeTold } from './support/describe-told.ts';
import { startLoad } from './support/load.ts';
import { inForm, report } from './support/long.ts';
import { addProxiedReplica, untilThere, type ProxiedReplica } from './support/proxied.ts';
import { COMMIT, type Caught, type Cut, type Trap } from './support/proxy.ts';
import { readRow } from './support/record-on-disk.ts';
import { stalledBetween } from './support/stalls.ts';
import { until } from './support/until.ts';
import { createWorld, type World } from './support/world.ts';

// A label comes 5 s later: after whatever a test waits for before it.
const LIMIT_MS = 6_000;
const SETTLED_WITHIN_MS = 2_000;
// What a busy machine adds.
const NOISE_MS = 1_000;
// An answer is held so long for its record; a label comes so long after the limit.
const HELD_FOR_RECORD_MS = 5_000;
const LABEL_AFTER_LIMIT_MS = 5_000;
const ALL_ENDED_WITHIN_MS = 30_000;
// A row that a dead connection keeps locked is labelled when the server has dropped it, after 30 s.
const HURT = {
  refusedAs: ['DATABASE_UNAVAILABLE', 'OUTCOME_NOT_RECORDED'],
  labelledWithinMs: 45_000,
} as const;

/** A write of the engine, and where in it the connection is hurt. */
interface Moment {
  readonly title: string;
  readonly rpc: 'start' | 'end';
  readonly at: string;
  readonly within?: string;
}

const START_CLAIM: Moment = { title: "a start's claim", rpc: 'start', at: 'INSERT INTO executions' };
const START_COMMIT: Moment = {
  ...{ title: "the commit of a start's claim", rpc: 'start' },
  ...{ within: 'INSERT INTO execution_starts', at: COMMIT },
};
const ACCEPT: Moment = { title: 'an accept', rpc: 'end', at: 'INSERT INTO executions' };
const ACCEPT_COMMIT: Moment = {
  ...{ title: 'the commit of an accept', rpc: 'end' },
  ...{ within: 'INSERT INTO execution_facts', at: COMMIT },
};
const END_CLAIM: Moment = { title: "an end's claim", rpc: 'end', at: 'claim = new_claim' };
const outcomeOf = (rpc: Moment['rpc']): Moment => ({
  ...{ title: `the outcome of a${rpc === 'end' ? 'n' : ''} ${rpc}`, rpc },
  at: 'state = new_state',
});
const outcomeCommitOf = (rpc: Moment['rpc']): Moment => ({
  ...{ title: `the commit of the outcome of a${rpc === 'end' ? 'n' : ''} ${rpc}`, rpc },
  ...{ within: 'state = new_state', at: COMMIT },
});

const MOMENTS: readonly Moment[] = [
  ...[START_CLAIM, START_COMMIT, outcomeOf('start'), outcomeCommitOf('start')],
  ...[ACCEPT, ACCEPT_COMMIT, END_CLAIM, outcomeOf('end'), outcomeCommitOf('end')],
];

const CUTS: readonly { readonly title: string; readonly cut: Cut | 'killed' }[] = [
  { title: 'is reset before the server has it', cut: 'before' },
  { title: 'is reset while the server works on it', cut: 'unanswered' },
  { title: 'is reset when the server has answered', cut: 'answered' },
  { title: 'is killed by the server', cut: 'killed' },
];

/** What a black hole of one connection comes to. `told` and `record`: while it lasts; `ends`: on record in the end. */
interface Hole {
  readonly moment: Moment;
  readonly cut: 'held' | 'answer_held';
  readonly told: string;
  readonly record: string;
  readonly ends: string;
  /** What a repeat is told once all has arrived. */
  readonly repeat: string;
  /** The dead connection keeps the row: its owner has to meet the lock, before the words arrive or are dropped. */
  readonly locks?: 'delivered' | 'dropped';
}

const WORDS = {
  late: 'and whose words arrive later',
  delivered: 'and that keeps the row until they arrive',
  dropped: 'and that keeps the row until the server drops it',
};

// Statements as the process list shows them.
const CLAIMS = 'UPDATE%claim = new_claim%';
// The owner of an outcome waits for the lock, or asks whether it is still there.
const MEETS_LOCK = /state = new_state|SKIP LOCKED/;

const REFUSED = 'DATABASE_UNAVAILABLE';
const DISOWNED = 'INTERRUPTED INTERRUPTED NO';
const FINE = { told: 'SUCCEEDED', record: 'SUCCEEDED', ends: 'SUCCEEDED', repeat: 'replayed SUCCEEDED' };
const ACCEPTED = { ...FINE, told: 'ACCEPTED' };

// The outcome is on record when the dead connection has committed it, or let go of the row for its owner to write it.
const lockedBy = (rpc: Moment['rpc'], locks: 'delivered' | 'dropped'): Hole => ({
  ...{ moment: outcomeCommitOf(rpc), cut: 'held', locks, record: 'SENDING' },
  ...{ told: rpc === 'start' ? 'OUTCOME_NOT_RECORDED' : 'ACCEPTED' },
  ...{ ends: 'SUCCEEDED', repeat: 'replayed SUCCEEDED' },
});

const HOLES: readonly Hole[] = [
  // Without its commit the late insert is nothing: the repeat is the first to run.
  {
    ...{ moment: START_CLAIM, cut: 'held', told: REFUSED, record: '(nothing)' },
    ...{ ends: 'SUCCEEDED', repeat: 'SUCCEEDED' },
  },
  // The row lies there when its owner has long said that it does not know.
  {
    ...{ moment: START_COMMIT, cut: 'held', told: REFUSED, record: '(nothing)' },
    ...{ ends: DISOWNED, repeat: 'replayed INTERRUPTED' },
  },
  {
    ...{ moment: START_COMMIT, cut: 'answer_held', told: REFUSED, record: DISOWNED },
    ...{ ends: DISOWNED, repeat: 'replayed INTERRUPTED' },
  },
  { ...FINE, moment: outcomeOf('start'), cut: 'held' },
  { ...FINE, moment: outcomeCommitOf('start'), cut: 'answer_held' },
  {
    ...{ moment: ACCEPT_COMMIT, cut: 'held', told: REFUSED, record: '(nothing)' },
    ...{ ends: 'SUCCEEDED', repeat: 'replayed SUCCEEDED' },
  },
  { ...ACCEPTED, moment: ACCEPT_COMMIT, cut: 'answer_held', told: REFUSED },
  { ...ACCEPTED, moment: END_CLAIM, cut: 'held' },
  { ...ACCEPTED, moment: END_CLAIM, cut: 'answer_held' },
  { ...ACCEPTED, moment: outcomeOf('end'), cut: 'held' },
  { ...ACCEPTED, moment: outcomeCommitOf('end'), cut: 'answer_held' },
  ...(['start', 'end'] as const).flatMap((rpc) => [lockedBy(rpc, 'delivered'), lockedBy(rpc, 'dropped')]),
];

describeEachEngine('A connection to the database that breaks', (engine) => {
  // SQLite has none.
  if (engine.name === 'sqlite') return;
  let world: World;
  let through: ProxiedReplica;
  let agent: TestAgent;
  let beside: Connection;
  let cuts = 0;

  before(async function () {
    this.timeout(60_000);
    world = await createWorld(engine);
    through = await addProxiedReplica(world);
    agent = await world.addAgent({ preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS });
    beside = await createConnection(world.url ?? '');
  });
  after(async () => {
    await beside.end();
    await world.close();
    await through.proxy.close();
  });
  // A cut makes the database look away until the next probe finds it.
  beforeEach(() => untilThere(through.replica));

  const trap = ({ at, within }: Moment, cut: Cut): Promise<Caught> => {
    cuts += 1;
    return through.proxy.trap({ at, cut, ...(within === undefined ? {} : { within }) } satisfies Trap);
  };
  const callTo = (rpc: Moment['rpc'], conversationUuid: string) =>
    world.journal.call(through.replica, { rpc, agentUuid: agent.agentUuid, conversationUuid });
  const rowOf = (rpc: Moment['rpc'], conversationUuid: string): Promise<string> =>
    readRow(world, conversationUuid, rpc === 'start' ? 'pre_call' : 'post_call');
  const untilRow = (rpc: Moment['rpc'], conversationUuid: string, expected: string, withinMs = 12_000) => {
    let row = '';
    const look = async () => (row = await rowOf(rpc, conversationUuid)) === expected;
    return until(`${rpc} to be ${expected}`, look, { timeoutMs: withinMs }).catch(() =>
      expect(row, `the row of the ${rpc}`).to.equal(expected),
    );
  };
  // Without the time in which this process got no turn.
  const msSince = (sinceMs: number): number =>
    Date.now() - sinceMs - stalledBetween(world.journal.stalls, sinceMs, Date.now());
  const kill = async ({ serverSidePort }: Caught): Promise<void> => {
    const [rows] = await beside.query<RowDataPacket[]>(
      'SELECT id FROM information_schema.processlist WHERE host = ?',
      [`127.0.0.1:${serverSidePort}`],
    );
    expect(rows, 'connections to kill').to.have.length(1);
    for (const { id } of rows) await beside.query(`KILL CONNECTION ${String(id)}`);
  };

  for (const moment of MOMENTS)
    for (const { title, cut } of CUTS)
      it(`at ${moment.title}, and ${title}, changes nothing for anybody`, async function () {
        const rounds = inForm({ short: 1, long: 10 });
        this.timeout(10_000 + rounds * 5_000);
        for (let round = 0; round < rounds; round += 1) {
          if (round > 0) await untilThere(through.replica);
          const conversationUuid = randomUUID();
          const caught = trap(moment, cut === 'killed' ? 'held' : cut);
          const startedAtMs = Date.now();
          const telling = callTo(moment.rpc, conversationUuid);
          if (cut === 'killed') await kill(await caught);
          await caught;
          expect(describeTold(await telling)).to.equal(moment.rpc === 'start' ? 'SUCCEEDED' : 'ACCEPTED');
          expect(msSince(startedAtMs)).to.be.below(SETTLED_WITHIN_MS);
          await untilRow(moment.rpc, conversationUuid, 'SUCCEEDED');
        }
      });

  for (const hole of HOLES)
    it(`at ${hole.moment.title}, silently (${hole.cut}), ${WORDS[hole.locks ?? 'late']}`, async function () {
      this.timeout(40_000);
      const { rpc } = hole.moment;
      const conversationUuid = randomUUID();
      const catching = trap(hole.moment, hole.cut);
      const startedAtMs = Date.now();
      const telling = callTo(rpc, conversationUuid);
      const caught = await catching;
      await caught.clientGone();
      expect(Date.now() - startedAtMs, 'when its client gave up').to.be.at.least(1_900);
      expect(msSince(startedAtMs), 'when its client gave up').to.be.at.most(2_000 + NOISE_MS);
      expect(describeTold(await telling)).to.equal(hole.told);
      const toldWithinMs =
        hole.told === 'OUTCOME_NOT_RECORDED' ? HELD_FOR_RECORD_MS + NOISE_MS : 2_000 + NOISE_MS;
      expect(msSince(startedAtMs), 'when the caller was told').to.be.below(toldWithinMs);
      await untilThere(through.replica);
      await untilRow(rpc, conversationUuid, hole.record);
      if (hole.locks !== undefined) await through.proxy.untilSeen(MEETS_LOCK);
      // Nobody may label it yet: what ends it is its owner.
      if (hole.locks !== undefined)
        expect(Date.now() - startedAtMs).to.be.below(LIMIT_MS + LABEL_AFTER_LIMIT_MS);
      if (hole.locks === 'dropped') caught.drop();
      else {
        caught.deliver();
        await caught.answered();
      }
      if (hole.ends === 'SUCCEEDED' && hole.record === '(nothing)') await wait(100);
      else await untilRow(rpc, conversationUuid, hole.ends);
      await until(
        'the repeat to be told',
        async () => {
          const told = describeTold(await callTo(rpc, conversationUuid));
          if (told === REFUSED) return false;
          const isStillRunning = hole.ends === 'SUCCEEDED' && /^replayed (ACCEPTED|SENDING)$/.test(told);
          if (isStillRunning) return false;
          expect(told).to.equal(hole.repeat);
          return true;
        },
        { everyMs: 200 },
      );
      await untilRow(rpc, conversationUuid, hole.ends);
    });

  it('while a claim waits behind a row lock leaves a copy of it that is applied, and settled', async function () {
    const rounds = inForm({ short: 2, long: 20 });
    this.timeout(20_000 + rounds * 5_000);
    for (let round = 0; round < rounds; round += 1) {
      await untilThere(through.replica);
      const conversationUuid = randomUUID();
      const catching = trap(END_CLAIM, 'held');
      expect(describeTold(await callTo('end', conversationUuid))).to.equal('ACCEPTED');
      const caught = await catching;
      await lockRow(conversationUuid);
      caught.deliver();
      await untilWaiting(CLAIMS, 1);
      caught.resetClient();
      // Its owner repeats it, and waits behind the same lock.
      await untilWaiting(CLAIMS, 2);
      await beside.query('ROLLBACK');
      await untilRow('end', conversationUuid, 'SUCCEEDED');
    }
  });

  for (const what of ['QUERY', 'CONNECTION'] as const)
    it(`by KILL ${what} while a claim waits behind a row lock, has the claim repeated`, async function () {
      const rounds = inForm({ short: 2, long: 20 });
      this.timeout(20_000 + rounds * 5_000);
      for (let round = 0; round < rounds; round += 1) {
        await untilThere(through.replica);
        const conversationUuid = randomUUID();
        const catching = trap(END_CLAIM, 'held');
        expect(describeTold(await callTo('end', conversationUuid))).to.equal('ACCEPTED');
        const caught = await catching;
        await lockRow(conversationUuid);
        caught.deliver();
        const [first] = await untilWaiting(CLAIMS, 1);
        await beside.query(`KILL ${what} ${String(first)}`);
        // It is another connection that repeats it: the killed one is not used again.
        await until('the repeat to wait', async () => (await waiting(CLAIMS)).some((id) => id !== first));
        await beside.query('ROLLBACK');
        await untilRow('end', conversationUuid, 'SUCCEEDED');
      }
    });

  const lockRow = async (conversationUuid: string): Promise<void> => {
    await beside.query('START TRANSACTION');
    await beside.query('SELECT state FROM executions WHERE conversation_uuid = UNHEX(?) FOR UPDATE', [
      conversationUuid.replaceAll('-', ''),
    ]);
  };
  /** The connections that execute such a statement. */
  const waiting = async (statement: string): Promise<readonly number[]> => {
    const [rows] = await beside.query<RowDataPacket[]>(
      'SELECT id FROM information_schema.processlist WHERE info LIKE ?',
      [statement],
    );
    return rows.map(({ id }) => Number(id));
  };
  const untilWaiting = (statement: string, count: number): Promise<readonly number[]> =>
    until(
      `${count} to wait: ${statement}`,
      async () => {
        const found = await waiting(statement);
        return found.length >= count && found;
      },
      { everyMs: 10 },
    );

  it('leaves nothing open, twice sent or told otherwise', async function () {
    this.timeout(60_000);
    const figures = await world.verdict(ALL_ENDED_WITHIN_MS, {
      ...HURT,
      refusedShare: 0.25,
      atLeast: { executions: MOMENTS.length * CUTS.length, requests: MOMENTS.length * CUTS.length },
    });
    report('connections cut at each write (mariadb)', { cuts, ...figures, violations: 0 });
  });
});

describeEachEngine('Replicas whose ways to the database are hurt at random', (engine) => {
  if (engine.name === 'sqlite') return;
  let world: World;
  let all: ProxiedReplica[];

  before(async function () {
    this.timeout(60_000);
    world = await createWorld(engine);
    all = await Promise.all([1, 2, 3].map(() => addProxiedReplica(world)));
  });
  after(async () => {
    await world.close();
    await Promise.all(all.map(({ proxy }) => proxy.close()));
  });

  it('tell a repeat that waits in time that it has to come again', async function () {
    this.timeout(20_000);
    const limits = { preLimitMs: 6_000, preUrl: `${world.recorder.url}/slow/pre` };
    await world.recorder.script('/slow/pre', { delayMs: [4_000, 4_000] });
    const [running, waiting] = all as [ProxiedReplica, ProxiedReplica];
    const { agentUuid } = await world.addAgent(limits);
    const call = { rpc: 'start', agentUuid, conversationUuid: randomUUID() } as const;
    const first = world.journal.call(running.replica, call);
    await until('it to run', () => world.recorder.requests().length > 0, { everyMs: 10 });
    const startedAtMs = Date.now();
    const repeat = world.journal.call(waiting.replica, { ...call, deadlineMs: 1_000 });
    await wait(700);
    waiting.proxy.silence('both');
    expect(describeTold(await repeat)).to.equal('EXECUTION_RUNNING');
    const toldAtMs = Date.now();
    const stalledMs = stalledBetween(world.journal.stalls, startedAtMs, toldAtMs);
    expect(toldAtMs - startedAtMs - stalledMs).to.be.below(1_100);
    waiting.proxy.restore();
    expect(describeTold(await first)).to.equal('SUCCEEDED');
    await untilThere(waiting.replica);
  });

  it('send each webhook at most once, lose nothing, and tell everybody what is on record', async function () {
    const rounds = inForm({ short: 1, long: 20 });
    this.timeout(120_000 + rounds * 40_000);
    const startedAtMs = Date.now();
    await world.recorder.script('/pre', { delayMs: [0, 120], statuses: [200, 200, 200, 500], drop: 0.02 });
    await world.recorder.script('/post', { delayMs: [0, 400], statuses: [200, 200, 200, 500], drop: 0.02 });
    const { agentUuid } = await world.addAgent({ preLimitMs: 1_000, postLimitMs: 1_000 });
    const load = startLoad({
      ...{ journal: world.journal, replicas: world.replicas, agentUuids: [agentUuid] },
      concurrency: 9,
    });
    let killed = 0;
    for (let round = 0; round < rounds; round += 1) {
      for (const { proxy } of all) proxy.harass(0.08);
      await wait(6_000);
      for (const { proxy } of all) proxy.harass(0);
      for (const direction of ['to_server', 'to_client', 'both'] as const) {
        const victim = pick(all);
        victim.proxy.silence(direction);
        await wait(2_500 + Math.random() * 1_000);
        victim.proxy.restore();
        pick(all).proxy.resetAll();
        await wait(500);
      }
      killed += await killConnections(world);
    }
    await load.stop();
    expect(killed, 'connections killed').to.be.above(0);
    const figures = await world.verdict(ALL_ENDED_WITHIN_MS, {
      refusedAs: [...HURT.refusedAs, 'EXECUTION_RUNNING'],
      labelledWithinMs: Date.now() - startedAtMs + HURT.labelledWithinMs,
      atLeast: { executions: 100, requests: 100, replies: 100 },
    });
    const cuts = all.reduce((sum, { proxy }) => sum + proxy.cuts, 0);
    const seconds = Math.round((Date.now() - startedAtMs) / 1000);
    report('connections hurt at random (mariadb)', { cuts, killed, ...figures, violations: 0, seconds });
  });
});

// Some at a time, as an operator's script would; how many.
const killConnections = async ({ url }: World): Promise<number> => {
  let killed = 0;
  const beside = await createConnection(url ?? '');
  for (let times = 0; times < 20; times += 1) {
    const [rows] = await beside.query<RowDataPacket[]>(
      'SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()',
    );
    const victim = rows[Math.floor(Math.random() * rows.length)];
    if (victim !== undefined)
      killed += await beside.query(`KILL CONNECTION ${String(victim['id'])}`).then(() => 1, isGone);
    await wait(50);
  }
  await beside.end();
  return killed;
};

const ER_NO_SUCH_THREAD = 1094;
const isGone = (error: Error & { errno?: number }): number => {
  if (error.errno !== ER_NO_SUCH_THREAD) throw error;
  return 0;
};

const pick = <T>(items: readonly T[]): T => items[Math.floor(Math.random() * items.length)] as T;
