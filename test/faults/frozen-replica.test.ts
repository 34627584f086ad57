import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import type { FaultPoint } from '../../src/engine/fault-points.ts';
import { describeEachEngine } from '../support/engines.ts';
import type { TestAgent } from './support/calls.ts';
import { describeTold } from './support/describe-told.ts';
import { failureOf, listExecutions, nameOf, untilAllEnded } from './support/execution-log.ts';
import type { Told } from './support/journal.ts';
import { startLoad } from './support/load.ts';
import { inForm, report } from './support/long.ts';
import { untilThere } from './support/proxied.ts';
import type { Replica } from './support/replicas.ts';
import { until } from '../support/until.ts';
import { createWorld, type World } from './support/world.ts';

const LIMIT_MS = 3_000;
const GRACE_MS = 5_000;
const LABELLED_WITHIN_MS = LIMIT_MS + 10_000;
// All at once would keep each other from their connections on a busy machine.
const STARTED_AT_ONCE = 4;
// Longer than any freeze here: a caller who is still there when the frozen one wakes.
const PATIENT_MS = 90_000;

/** A fault point of the engine, or the time in which the endpoint works: then the replica is frozen from outside. */
type Moment = FaultPoint | 'start.sent' | 'end.sent';

interface Row {
  readonly moment: Moment;
  /** What the record says while it is frozen, once the others have had their time. */
  readonly asleep: string;
  /** What it says in the end. */
  readonly awake: string;
  /** What the frozen one tells its own caller. */
  readonly told: string;
  readonly saw: boolean;
}

/** A replica that is going to freeze at a fault point of this conversation. */
interface Armed {
  readonly row: Row;
  readonly conversationUuid: string;
  readonly replica: Replica;
}

// Less than the limit; by then the replica has long been frozen.
const WORKS_MS = 2_500;
const isSent = (moment: Moment): moment is 'start.sent' | 'end.sent' => moment.endsWith('.sent');
const MARKED = 'INTERRUPTED INTERRUPTED MAYBE';

const ROWS: readonly Row[] = [
  // Nobody has claimed it: the platform's repeat runs it. What the frozen one was about to write is too old then.
  { moment: 'start.unclaimed', asleep: 'SUCCEEDED', awake: 'SUCCEEDED', told: 'LIMIT_REACHED', saw: true },
  { moment: 'start.claimed', asleep: MARKED, awake: MARKED, told: 'INTERRUPTED', saw: false },
  { moment: 'start.sent', asleep: MARKED, awake: MARKED, told: 'INTERRUPTED', saw: true },
  { moment: 'start.answered', asleep: MARKED, awake: MARKED, told: 'INTERRUPTED', saw: true },
  { moment: 'start.recorded', asleep: 'SUCCEEDED', awake: 'SUCCEEDED', told: 'SUCCEEDED', saw: true },
  { moment: 'end.unaccepted', asleep: 'SUCCEEDED', awake: 'SUCCEEDED', told: 'LIMIT_REACHED', saw: true },
  { moment: 'end.accepted', asleep: 'SUCCEEDED', awake: 'SUCCEEDED', told: 'ACCEPTED', saw: true },
  { moment: 'end.unclaimed', asleep: 'SUCCEEDED', awake: 'SUCCEEDED', told: 'ACCEPTED', saw: true },
  // Its limit begins with the dial: it still sends, once, and corrects the mark.
  { moment: 'end.claimed', asleep: MARKED, awake: 'SUCCEEDED', told: 'ACCEPTED', saw: true },
  { moment: 'end.rendering', asleep: MARKED, awake: 'SUCCEEDED', told: 'ACCEPTED', saw: true },
  // The answer came while it slept, and is read before the limit counts.
  { moment: 'end.sent', asleep: MARKED, awake: 'SUCCEEDED', told: 'ACCEPTED', saw: true },
  { moment: 'end.answered', asleep: MARKED, awake: 'SUCCEEDED', told: 'ACCEPTED', saw: true },
];

const TOO_OLD = ROWS.filter(({ told }) => told === 'LIMIT_REACHED').length;

describeEachEngine('A replica that is frozen for longer than limit and grace', (engine) => {
  // On SQLite there is nobody else.
  if (engine.name === 'sqlite') return;
  let world: World;
  let agent: TestAgent;
  let slowAgent: TestAgent;
  const frozen = new Map<Moment, { replica: Replica; conversationUuid: string; telling: Promise<Told> }>();

  before(async function () {
    this.timeout(90_000);
    world = await createWorld(engine);
    await world.addReplica({ name: 'witness' });
    const limits = { preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS };
    const slow = `${world.recorder.url}/slow`;
    agent = await world.addAgent(limits);
    slowAgent = await world.addAgent({ ...limits, preUrl: `${slow}/pre`, postUrl: `${slow}/post` });
    for (const path of ['/slow/pre', '/slow/post'])
      await world.recorder.script(path, { delayMs: [WORKS_MS, WORKS_MS] });
    const armed: Armed[] = [];
    for (let from = 0; from < ROWS.length; from += STARTED_AT_ONCE)
      armed.push(...(await Promise.all(ROWS.slice(from, from + STARTED_AT_ONCE).map(addArmed))));
    // What has to be marked comes last: no replica is frozen while it marks, and keeps the rows to itself.
    const isInterrupted = ({ row }: Armed): boolean => row.asleep === MARKED;
    for (const one of armed.filter((it) => !isInterrupted(it))) await freezeAt(one);
    for (const one of armed.filter(isInterrupted)) await freezeAt(one);
  });
  after(() => world.close());

  // All sleep from the start, so that none takes what another one leaves.
  const addArmed = async (row: Row): Promise<Armed> => {
    const conversationUuid = randomUUID();
    const { moment } = row;
    const faults = isSent(moment) ? [] : [{ point: moment, action: 'stop', conversationUuid } as const];
    const replica = await world.addReplica({ name: moment, faults });
    replica.freeze();
    return { row, conversationUuid, replica };
  };
  const freezeAt = async ({ row, conversationUuid, replica }: Armed): Promise<void> => {
    const { moment, asleep } = row;
    const rpc = moment.startsWith('start') ? 'start' : 'end';
    const { agentUuid } = isSent(moment) ? slowAgent : agent;
    const call = { rpc, agentUuid, conversationUuid } as const;
    replica.wake();
    await untilThere(replica);
    // Else it could take over what the other one has accepted and is about to claim.
    const witness = world.living();
    witness.freeze();
    const telling = world.journal.call(replica, { ...call, deadlineMs: PATIENT_MS });
    if (isSent(moment)) {
      await until('the endpoint to work', () => saw(conversationUuid), { everyMs: 10 });
      replica.freeze();
    }
    await replica.untilFrozen();
    witness.wake();
    await untilThere(witness);
    const one = { replica, conversationUuid, telling };
    frozen.set(moment, one);
    if (moment === 'start.unclaimed' || moment === 'end.unaccepted')
      await world.journal.call(world.living(), call);
    if (asleep === 'SUCCEEDED')
      await until(`${moment} to be taken over`, async () => (await recordOf(one)) === asleep);
  };
  const saw = (conversationUuid: string): boolean =>
    world.recorder.requests().some((request) => request.conversationUuid === conversationUuid);
  const recordOf = async ({ conversationUuid }: { conversationUuid: string }): Promise<string> => {
    const all = await listExecutions(world.living().rpc, [agent.agentUuid, slowAgent.agentUuid]);
    const found = all.find((execution) => execution.conversationUuid === conversationUuid);
    return found === undefined ? '(nothing)' : `${nameOf(found.state)} ${failureOf(found)}`.trim();
  };

  it('has its executions marked interrupted or taken over by the others while it sleeps', async function () {
    this.timeout(30_000);
    await untilAllEnded(() => world.living().rpc, [agent.agentUuid, slowAgent.agentUuid], LABELLED_WITHIN_MS);
    for (const row of ROWS) {
      const one = frozen.get(row.moment);
      expect(one === undefined ? '' : await recordOf(one), row.moment).to.equal(row.asleep);
    }
  });

  it('wakes and says what the record says; the mark of a post-call it corrects', async function () {
    this.timeout(90_000);
    await wait(inForm({ short: 0, long: 35_000 }));
    for (const { replica } of frozen.values()) replica.wake();
    for (const row of ROWS) {
      const one = frozen.get(row.moment);
      if (one === undefined) throw new Error(`nobody was frozen at ${row.moment}`);
      const isCorrect = async () => (await recordOf(one)) === row.awake;
      await until(`${row.moment} to be ${row.awake} on record`, isCorrect);
      const told = await one.telling;
      expect(describeTold(told), row.moment).to.equal(row.told);
    }
    const figures = await world.verdict(LABELLED_WITHIN_MS, {
      refusedAs: ['LIMIT_REACHED'],
      // What each of the frozen ones told is compared above; nobody else was refused.
      refusedShare: TOO_OLD / (2 * ROWS.length),
      atLeast: { executions: ROWS.length, replies: ROWS.length },
    });
    for (const { moment, saw: expected } of ROWS)
      expect(saw(frozen.get(moment)?.conversationUuid ?? ''), `${moment}: the endpoint saw it`).to.equal(
        expected,
      );
    report('SIGSTOP at each fault point (mariadb)', { freezes: ROWS.length, ...figures, violations: 0 });
  });
});

describeEachEngine('A replica that is frozen under load', (engine) => {
  let world: World;
  before(async () => {
    world = await createWorld(engine);
  });
  after(() => world.close());

  it('wakes and agrees with everybody', async function () {
    const freezes = inForm({ short: 1, long: 20 });
    this.timeout(60_000 + freezes * 20_000);
    await world.addReplicas(engine.name === 'sqlite' ? 1 : 3);
    await world.recorder.script('*', { delayMs: [0, 300], statuses: [200, 200, 500] });
    const { agentUuid } = await world.addAgent({ preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS });
    const load = startLoad({
      ...{ journal: world.journal, replicas: world.replicas, agentUuids: [agentUuid] },
      ...{ concurrency: 24, deadlineMs: 3_000 },
    });
    for (let frozenTimes = 0; frozenTimes < freezes; frozenTimes += 1) {
      await wait(1_000 + Math.random() * 500);
      const victim = world.replicas[frozenTimes % world.replicas.length] as Replica;
      victim.freeze();
      // Long enough for the others' marks, and over in time for the row whose claim it was committing: nobody sees that
      // one before it wakes.
      await wait(LIMIT_MS + GRACE_MS + 2_500);
      victim.wake();
    }
    await wait(1_000);
    await load.stop();
    const figures = await world.verdict(30_000, {
      // The frozen one holds keys in the middle of its claims, and gives up its own when it wakes: they are old then.
      refusedAs: ['EXECUTION_RUNNING', 'DATABASE_UNAVAILABLE', 'OUTCOME_NOT_RECORDED', 'LIMIT_REACHED'],
      // A third of the calls meet the frozen one while it sleeps.
      refusedShare: 0.35,
      atLeast: { executions: 100, requests: 100, replies: 100 },
    });
    report(`SIGSTOP under load (${engine.name})`, { freezes, ...figures, violations: 0 });
  });
});
