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
import type { Caught, Cut } from './support/proxy.ts';
import { readRow } from './support/record-on-disk.ts';
import { stalledBetween } from './support/stalls.ts';
import { until } from '../support/until.ts';
import { createWorld, type World } from './support/world.ts';

// A mark comes 5 s later: after whatever a test waits for before it.
const LIMIT_MS = 6_000;
const SETTLED_WITHIN_MS = 2_000;
// What a busy machine adds.
const NOISE_MS = 1_000;
// An answer is held so long for its record; a mark comes so long after the limit.
const HELD_FOR_RECORD_MS = 5_000;
const LABEL_AFTER_LIMIT_MS = 5_000;
const ALL_ENDED_WITHIN_MS = 30_000;
// A row that a dead connection keeps locked is marked interrupted when the server has dropped it, after 30 s.
const HURT = {
  refusedAs: ['DATABASE_UNAVAILABLE', 'OUTCOME_NOT_RECORDED'],
  interruptedWithinMs: 45_000,
} as const;

/** A write of the engine: one text from START TRANSACTION to COMMIT, told by what `at` says. */
interface Moment {
  readonly title: string;
  readonly rpc: 'start' | 'end';
  readonly at: string;
}

const START_CLAIM: Moment = { title: "a start's claim", rpc: 'start', at: 'INSERT INTO execution_starts' };
const ACCEPT: Moment = { title: 'an accept', rpc: 'end', at: 'INSERT INTO execution_details' };
const END_CLAIM: Moment = { title: "an end's claim", rpc: 'end', at: 'e.claim = new_claim' };
const START_OUTCOME: Moment = { title: 'the outcome of a start', rpc: 'start', at: 'SET state = new_state' };
const END_OUTCOME: Moment = { title: 'the outcome of an end', rpc: 'end', at: 'SET state = new_state' };

const MOMENTS: readonly Moment[] = [START_CLAIM, START_OUTCOME, ACCEPT, END_CLAIM, END_OUTCOME];

const CUTS: readonly { readonly title: string; readonly cut: Cut | 'killed' }[] = [
  { title: 'is reset before the server has it', cut: 'before' },
  { title: 'is reset while the server works on it', cut: 'unanswered' },
  { title: 'is reset when the server has answered', cut: 'answered' },
  { title: 'is killed by the server', cut: 'killed' },
];

/**
 * What a black hole of one connection comes to. `told` and `record`: while it lasts; `late`: on record when all has
 * arrived; `ends`: on record in the end.
 */
interface Hole {
  readonly moment: Moment;
  readonly cut: 'held' | 'answer_held';
  readonly told: string;
  readonly record: string;
  readonly late?: string;
  readonly ends: string;
  /** What a repeat is told once all has arrived, or, if it comes before, what it is told then. */
  readonly repeat: string;
  readonly repeatsBefore?: true;
}

const REFUSED = 'DATABASE_UNAVAILABLE';
const NOTHING = '(nothing)';
const ABANDONED = 'INTERRUPTED INTERRUPTED NO';
const MARKED = 'INTERRUPTED INTERRUPTED MAYBE';
const FINE = { told: 'SUCCEEDED', record: 'SUCCEEDED', ends: 'SUCCEEDED', repeat: 'replayed SUCCEEDED' };
const ACCEPTED = { ...FINE, told: 'ACCEPTED' };

const HOLES: readonly Hole[] = [
  // The row lies there when its owner has long said that it does not know, and looks after it no more.
  {
    ...{ moment: START_CLAIM, cut: 'held', told: REFUSED, record: NOTHING },
    ...{ late: 'SENDING', ends: MARKED, repeat: 'replayed INTERRUPTED' },
  },
  // The repeat is the first to run, and the late insert is nothing.
  {
    ...{ moment: START_CLAIM, cut: 'held', told: REFUSED, record: NOTHING },
    ...{ ends: 'SUCCEEDED', repeat: 'SUCCEEDED', repeatsBefore: true },
  },
  {
    ...{ moment: START_CLAIM, cut: 'answer_held', told: REFUSED, record: ABANDONED },
    ...{ ends: ABANDONED, repeat: 'replayed INTERRUPTED' },
  },
  { ...FINE, moment: START_OUTCOME, cut: 'held' },
  { ...FINE, moment: START_OUTCOME, cut: 'answer_held' },
  // Whoever finds it sends it.
  {
    ...{ moment: ACCEPT, cut: 'held', told: REFUSED, record: NOTHING },
    ...{ ends: 'SUCCEEDED', repeat: 'replayed SUCCEEDED' },
  },
  {
    ...{ moment: ACCEPT, cut: 'held', told: REFUSED, record: NOTHING },
    ...{ ends: 'SUCCEEDED', repeat: 'ACCEPTED', repeatsBefore: true },
  },
  { ...ACCEPTED, moment: ACCEPT, cut: 'answer_held', told: REFUSED },
  { ...ACCEPTED, moment: END_CLAIM, cut: 'held' },
  { ...ACCEPTED, moment: END_CLAIM, cut: 'answer_held' },
  { ...ACCEPTED, moment: END_OUTCOME, cut: 'held' },
  { ...ACCEPTED, moment: END_OUTCOME, cut: 'answer_held' },
];

/** Somebody else keeps the row of an outcome. `told`: while it lasts. */
const LOCKS = [
  { rpc: 'start', lets: 'rolls back', told: 'OUTCOME_NOT_RECORDED' },
  { rpc: 'start', lets: 'is gone', told: 'OUTCOME_NOT_RECORDED' },
  { rpc: 'end', lets: 'rolls back', told: 'ACCEPTED' },
  { rpc: 'end', lets: 'is gone', told: 'ACCEPTED' },
] as const;

// A statement as the process list shows it.
const CLAIMS = 'UPDATE%claim = new_claim%';
// The owner waits for the lock, or asks whether it is still there.
const MEETS_LOCK = /state = new_state|claim = new_claim|SKIP LOCKED/;
// The row is locked while the endpoint works.
const WORKS_MS = 1_000;

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

  const trap = ({ at }: Moment, cut: Cut): Promise<Caught> => {
    cuts += 1;
    return through.proxy.trap({ at, cut });
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

  /** Repeats a call as long as it is told that nothing is known yet; what it is told then. */
  const repeatOf = (rpc: Moment['rpc'], conversationUuid: string, isFinal: (told: string) => boolean) =>
    until(
      'the repeat to be told',
      async () => {
        const told = describeTold(await callTo(rpc, conversationUuid));
        return told !== REFUSED && told !== 'EXECUTION_RUNNING' && isFinal(told) && told;
      },
      { everyMs: 200 },
    );
  const isEnded = (told: string): boolean => !/^replayed (ACCEPTED|SENDING)$/.test(told);

  for (const hole of HOLES)
    it(`at ${hole.moment.title}, silently (${hole.cut}), ${
      hole.repeatsBefore ? 'and repeated before its words arrive' : 'and whose words arrive later'
    }`, async function () {
      this.timeout(60_000);
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
      expect(msSince(startedAtMs), 'when the caller was told').to.be.below(2_000 + NOISE_MS);
      await untilThere(through.replica);
      await untilRow(rpc, conversationUuid, hole.record);
      if (hole.repeatsBefore) {
        expect(await repeatOf(rpc, conversationUuid, () => true)).to.equal(hole.repeat);
        await untilRow(rpc, conversationUuid, hole.ends);
      }
      caught.deliver();
      await caught.answered();
      if (hole.late !== undefined) await untilRow(rpc, conversationUuid, hole.late);
      await untilRow(rpc, conversationUuid, hole.ends, LIMIT_MS + LABEL_AFTER_LIMIT_MS + 5_000);
      const repeat = hole.repeatsBefore ? `replayed ${hole.ends}` : hole.repeat;
      expect(await repeatOf(rpc, conversationUuid, isEnded)).to.equal(repeat);
      await untilRow(rpc, conversationUuid, hole.ends);
    });

  for (const { rpc, lets, told } of LOCKS)
    it(`or another one that keeps the row of an outcome of a${rpc === 'end' ? 'n' : ''} ${rpc} until it ${lets}`, async function () {
      this.timeout(40_000);
      const conversationUuid = randomUUID();
      await world.recorder.script('*', { delayMs: [WORKS_MS, WORKS_MS] });
      const other = await createConnection(world.url ?? '');
      try {
        const startedAtMs = Date.now();
        const telling = callTo(rpc, conversationUuid);
        await until('it to run', () => sees(conversationUuid), { everyMs: 10 });
        await lockRow(conversationUuid, other);
        await world.recorder.script('*', {});
        await through.proxy.untilSeen(MEETS_LOCK);
        // Others are not kept waiting by it.
        expect(describeTold(await callTo(rpc, randomUUID()))).to.be.oneOf(['SUCCEEDED', 'ACCEPTED']);
        expect(describeTold(await telling)).to.equal(told);
        expect(msSince(startedAtMs), 'when the caller was told').to.be.below(
          HELD_FOR_RECORD_MS + WORKS_MS + NOISE_MS,
        );
        expect(await rowOf(rpc, conversationUuid)).to.equal('SENDING');
        // No replica may mark it yet: what ends it is its owner.
        expect(Date.now() - startedAtMs).to.be.below(LIMIT_MS + LABEL_AFTER_LIMIT_MS);
      } finally {
        if (lets === 'rolls back') await other.query('ROLLBACK').then(() => other.end());
        else other.destroy();
      }
      await untilRow(rpc, conversationUuid, 'SUCCEEDED');
      expect(await repeatOf(rpc, conversationUuid, isEnded)).to.equal('replayed SUCCEEDED');
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
      const repeated = through.proxy.untilSeen(MEETS_LOCK);
      caught.resetClient();
      // Its owner repeats it, and meets the same lock.
      await repeated;
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
        const repeated = through.proxy.untilSeen(MEETS_LOCK);
        await beside.query(`KILL ${what} ${String(first)}`);
        // It is another connection that repeats it: the killed one is not used again.
        expect(await repeated).to.not.equal(caught.serverSidePort);
        await beside.query('ROLLBACK');
        await untilRow('end', conversationUuid, 'SUCCEEDED');
      }
    });

  const sees = (conversationUuid: string): boolean =>
    world.recorder.requests().some((request) => request.conversationUuid === conversationUuid);
  const lockRow = async (conversationUuid: string, by = beside): Promise<void> => {
    await by.query('START TRANSACTION');
    await by.query('SELECT state FROM executions WHERE conversation_uuid = UNHEX(?) FOR UPDATE', [
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

  it('refuse what waits behind a silence as LIMIT_REACHED, of which nothing is left when it is over', async function () {
    this.timeout(60_000);
    const { agentUuid } = await world.addAgent({ preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS });
    const [{ replica, proxy }] = all as [ProxiedReplica];
    const call = (rpc: 'start' | 'end', conversationUuid: string) =>
      world.journal.call(replica, { rpc, agentUuid, conversationUuid });
    // From now on it knows the agent.
    expect(describeTold(await call('start', randomUUID()))).to.equal('SUCCEEDED');
    proxy.silence('both');
    const telling: Promise<{ rpc: 'start' | 'end'; conversationUuid: string; told: string }>[] = [];
    // All connections hang before the last of them come, and nobody knows of it yet.
    for (let called = 0; called < SILENCED_CALLS; called += 1) {
      const [rpc, conversationUuid] = [called % 2 === 0 ? 'start' : 'end', randomUUID()] as const;
      telling.push(
        call(rpc, conversationUuid).then((told) => ({ rpc, conversationUuid, told: describeTold(told) })),
      );
      await wait(SILENCED_EVERY_MS);
    }
    const told = await Promise.all(telling);
    expect([...new Set(told.map((one) => one.told))]).to.have.members([
      'LIMIT_REACHED',
      'DATABASE_UNAVAILABLE',
    ]);
    proxy.restore();
    await untilThere(replica);
    const refused = told.filter((one) => one.told === 'LIMIT_REACHED');
    for (const { rpc, conversationUuid } of refused)
      expect(describeTold(await call(rpc, conversationUuid))).to.equal(
        rpc === 'start' ? 'SUCCEEDED' : 'ACCEPTED',
      );
    report('refused behind a silence (mariadb)', { calls: told.length, refused: refused.length });
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
      refusedAs: [...HURT.refusedAs, 'EXECUTION_RUNNING', 'LIMIT_REACHED'],
      interruptedWithinMs: Date.now() - startedAtMs + HURT.interruptedWithinMs,
      atLeast: { executions: 100, requests: 100, replies: 100 },
    });
    const cuts = all.reduce((sum, { proxy }) => sum + proxy.cuts, 0);
    const seconds = Math.round((Date.now() - startedAtMs) / 1000);
    report('connections hurt at random (mariadb)', { cuts, killed, ...figures, violations: 0, seconds });
  });
});

const SILENCED_CALLS = 48;
const SILENCED_EVERY_MS = 15;

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
