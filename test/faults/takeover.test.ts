import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { describeEachEngine } from '../support/engines.ts';
import { createTestAgent, type TestAgent } from './support/calls.ts';
import { describeTold } from './support/describe-told.ts';
import { listExecutions, nameOf } from './support/execution-log.ts';
import { inForm, report } from './support/long.ts';
import { listPending, openRecord } from './support/record-on-disk.ts';
import { startRecorder, type Recorder } from './support/recorder.ts';
import type { Replica } from './support/replicas.ts';
import { until } from '../support/until.ts';
import { createWorld, type World } from './support/world.ts';

// Nothing that a replica is to die of may time out before, however busy the machine is.
const LIMIT_MS = 5_000;
const TAKEN_OVER_WITHIN_MS = 5_000;
const INTERRUPTED_WITHIN_MS = LIMIT_MS + 10_000;
const STALLED_ROWS = inForm({ short: 5_000, long: 50_000 });
const STALLED = [
  { title: `${STALLED_ROWS} rows wait`, rows: STALLED_ROWS, webhooks: 1 },
  { title: `${STALLED_ROWS} webhooks wait, a row each,`, rows: STALLED_ROWS, webhooks: STALLED_ROWS },
];
const AT_ONCE = 40;
const SLOTS = 4;
const LOOKED_AFTER_MS = 1_200;
const LEFT_TO_ALL = inForm({ short: 1_000, long: 20_000 });

describeEachEngine('What a dead replica leaves', (engine) => {
  let world: World;
  let agent: TestAgent;
  before(async function () {
    this.timeout(30_000);
    world = await createWorld(engine);
    await world.addReplicas(engine.name === 'sqlite' ? 1 : 2);
    agent = await world.addAgent({ preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS });
  });
  after(() => world.close());

  /** Epoch milliseconds at which the last of these conversations reached the endpoint. */
  const untilAllSeen = (conversationUuids: readonly string[], recorder: Recorder): Promise<number> =>
    until(
      `${conversationUuids.length} post-calls at the endpoint`,
      () => {
        const arrivals = new Map(recorder.requests().map((it) => [it.conversationUuid, it.headAtMs]));
        const times = conversationUuids.map((uuid) => arrivals.get(uuid));
        return times.every((time) => time !== undefined) && Math.max(...times);
      },
      { timeoutMs: 30_000 },
    );

  /** Since when somebody lives who can take over, in epoch milliseconds: on SQLite that is the victim's next process. */
  const succeed = async (victim: Replica, heir: Replica): Promise<number> => {
    if (heir === victim) await victim.restart();
    else heir.wake();
    return Date.now();
  };

  it('is sent within 5 s of its death, if it had not been begun', async function () {
    this.timeout(60_000);
    const [victim, heir = victim] = world.replicas;
    if (victim === undefined || heir === undefined) throw new Error('there is no replica');
    const conversationUuids = Array.from({ length: AT_ONCE }, () => randomUUID());
    await victim.kill();
    // Most of them wait for a slot when it dies.
    await world.recorder.script('*', { stall: 'silent' });
    await victim.restart({ env: { CALLHOOKS_MAX_POST_CALLS_PER_ORIGIN: String(SLOTS) } });
    // Nobody else takes them while their owner lives.
    if (heir !== victim) heir.freeze();
    await Promise.all(
      conversationUuids.map((conversationUuid) =>
        world.journal.call(victim, { rpc: 'end', agentUuid: agent.agentUuid, conversationUuid }),
      ),
    );
    await until('the slots to be taken', () => world.recorder.requests().length === SLOTS);
    // It has looked for others to send meanwhile, and found no slot.
    await wait(LOOKED_AFTER_MS);
    await victim.kill();
    const left = await listPending(world);
    await world.recorder.script('*', {});
    const succeededAtMs = await succeed(victim, heir);
    const takenOverMs = (await untilAllSeen(left, world.recorder)) - succeededAtMs;
    expect(left, 'accepted rows left').to.have.length(AT_ONCE - SLOTS);
    expect(takenOverMs, 'milliseconds until the last one was sent').to.be.lessThan(TAKEN_OVER_WITHIN_MS);
    // Only what was being sent is lost with its owner: nothing was claimed before it had a slot.
    const figures = await world.verdict(INTERRUPTED_WITHIN_MS);
    expect(figures['interrupted'], 'interrupted').to.equal(SLOTS);
    report(`takeover (${engine.name})`, { left: left.length, takenOverMs, ...figures, violations: 0 });
  });

  for (const { whose, survives } of [
    { whose: 'if it had been begun', survives: true },
    { whose: 'if it had been begun and all died together', survives: false },
  ])
    it(`is INTERRUPTED on record within the time limit and 10 s, ${whose}`, async function () {
      this.timeout(60_000);
      const [victim, heir = victim] = world.replicas;
      if (victim === undefined || heir === undefined) throw new Error('there is no replica');
      for (const replica of [victim, heir]) if (!replica.isAlive) await replica.restart();
      await world.recorder.script('*', { stall: 'silent' });
      // Else it would send some of them itself: what the victim has accepted and is about to claim.
      if (heir !== victim) heir.freeze();
      const before = world.recorder.requests().length;
      const conversationUuids = Array.from({ length: 2 * AT_ONCE }, () => randomUUID());
      const calls = conversationUuids.map((conversationUuid, at) =>
        world.journal.call(victim, {
          rpc: at % 2 === 0 ? 'start' : 'end',
          agentUuid: agent.agentUuid,
          conversationUuid,
        }),
      );
      await until('all to be under way', () => world.recorder.requests().length >= before + 2 * AT_ONCE);
      await victim.kill();
      if (!survives) await heir.kill();
      await Promise.all(calls);
      await world.recorder.script('*', {});
      if (heir.isAlive) heir.wake();
      else await heir.restart();
      const mine = new Set<string>(conversationUuids);
      const interrupted = await until(
        'all to be interrupted',
        async () => {
          const all = await listExecutions(heir.rpc, [agent.agentUuid]);
          const found = all.filter(({ conversationUuid }) => mine.has(conversationUuid));
          return found.every(({ state }) => nameOf(state) === 'INTERRUPTED') && found;
        },
        { timeoutMs: 30_000, everyMs: 250 },
      );
      const tookMs = interrupted.map((it) => Number(it.finishedAt) - Number(it.sendingAt));
      expect(interrupted).to.have.length(2 * AT_ONCE);
      expect(Math.max(...tookMs), 'the longest').to.be.lessThan(INTERRUPTED_WITHIN_MS);
      const figures = await world.verdict(INTERRUPTED_WITHIN_MS);
      report(`interrupted, ${whose} (${engine.name})`, {
        ...figures,
        slowestMs: Math.max(...tookMs),
        violations: 0,
      });
    });

  it('is sent once although all the others take it over at the same time', async function () {
    this.timeout(90_000);
    await world.recorder.script('*', {});
    const all = engine.name === 'sqlite' ? world.replicas : [...world.replicas, await world.addReplica()];
    for (const replica of all) if (!replica.isAlive) await replica.restart();
    // SQLite is one process's: it finds them when it starts again.
    if (engine.name === 'sqlite') await world.living().kill();
    // They sleep until all is there, and look for it at the same instant.
    else for (const replica of all) replica.freeze();
    const conversationUuids = await insertWaiting(world, LEFT_TO_ALL, await copiesOf(world, agent, 1));
    await wait(LOOKED_AFTER_MS);
    if (engine.name === 'sqlite') await world.replicas[0]?.restart();
    else for (const replica of all) replica.wake();
    await untilAllSeen(conversationUuids, world.recorder);
    const figures = await world.verdict(INTERRUPTED_WITHIN_MS, {
      atLeast: { executions: LEFT_TO_ALL, requests: LEFT_TO_ALL, replies: 0 },
    });
    await all[2]?.kill();
    report(`takeover by ${all.length} at once (${engine.name})`, { ...figures, violations: 0 });
  });

  for (const { title, rows, webhooks } of STALLED)
    it(`is sent within 5 s although ${title} for a stalled origin`, async function () {
      this.timeout(300_000);
      const [victim, heir = victim] = world.replicas;
      if (victim === undefined || heir === undefined) throw new Error('there is no replica');
      for (const replica of [victim, heir]) if (!replica.isAlive) await replica.restart();
      const stalled = await startRecorder();
      await stalled.script('*', { stall: 'silent' });
      try {
        const slow = await createTestAgent(victim.rpc, {
          postUrl: `${stalled.url}/post`,
          postLimitMs: 60_000,
        });
        await victim.kill();
        const beganAtMs = performance.now();
        await insertWaiting(world, rows, await copiesOf(world, slow, webhooks));
        const insertedMs = Math.round(performance.now() - beganAtMs);
        const conversationUuid = randomUUID();
        await victim.restart({ faults: [{ point: 'end.accepted', action: 'kill', conversationUuid }] });
        // The slots of the stalled origin fill up, here and there.
        await until('the stalled origin to be busy', () => stalled.requests().length >= 128);
        const call = { rpc: 'end', agentUuid: agent.agentUuid, conversationUuid } as const;
        let told = '';
        await until('its owner to accept it and die', async () => {
          told = describeTold(await world.journal.call(victim, call));
          return !victim.isAlive;
        }).catch(() => expect.fail(`the owner lives, and told ${told}`));
        const succeededAtMs = await succeed(victim, heir);
        const takenOverMs = (await untilAllSeen([conversationUuid], world.recorder)) - succeededAtMs;
        expect(takenOverMs).to.be.lessThan(TAKEN_OVER_WITHIN_MS);
        // Slots are still being filled: what was sent is counted when nobody sends any more.
        await Promise.all(world.replicas.map((replica) => replica.kill()));
        const sent = stalled.requests().map((request) => request.conversationUuid);
        const repeated = sent.filter((uuid, at) => sent.indexOf(uuid) !== at);
        expect(repeated, 'no stalled one is sent twice').to.deep.equal([]);
        const figures = { rows, webhooks, insertedMs, takenOverMs, stalledRequests: sent.length };
        report(`takeover past a stalled origin (${engine.name})`, figures);
      } finally {
        await Promise.all(world.replicas.map((replica) => replica.kill()));
        await stalled.close();
      }
    });
});

const ROWS_AT_ONCE = 500;
const COPIES_AT_ONCE = 50;

interface Names {
  readonly agentUuid: string;
  readonly webhookUuid: string;
}

/** The post-call webhook of an agent; and more agents with a copy of it, until there are so many. */
const copiesOf = async (world: World, { agentUuid }: TestAgent, count: number): Promise<readonly Names[]> => {
  const { agents, close } = await openRecord(world);
  try {
    const agent = await agents.findAgent(agentUuid);
    const webhook = agent?.webhooks.find(({ webhookType }) => webhookType === 'post_call');
    if (agent === undefined || webhook === undefined) throw new Error('the agent has no post-call webhook');
    const copies = Array.from({ length: count - 1 }, () => ({
      agentUuid: randomUUID(),
      webhookUuid: randomUUID(),
    }));
    for (let from = 0; from < copies.length; from += COPIES_AT_ONCE)
      await Promise.all(
        copies
          .slice(from, from + COPIES_AT_ONCE)
          .map((names) => agents.insertAgent({ ...agent, ...names, webhooks: [{ ...webhook, ...names }] })),
      );
    return [{ agentUuid, webhookUuid: webhook.webhookUuid }, ...copies];
  } finally {
    await close();
  }
};

/** Puts so many accepted rows of these webhooks into the database, as a replica would have; their conversations. */
const insertWaiting = async (
  world: World,
  count: number,
  webhooks: readonly Names[],
): Promise<readonly string[]> => {
  const { executions, close } = await openRecord(world);
  const ends = Array.from({ length: count }, (_, at) => ({
    ...(webhooks[at % webhooks.length] as Names),
    conversationUuid: randomUUID(),
    executionUuid: randomUUID(),
    instance: 'a replica that is gone',
    detailsJson: JSON.stringify({ callerPhone: '', metadata: {}, dynamicVariables: {} }),
  }));
  try {
    for (let inserted = 0; inserted < count; inserted += ROWS_AT_ONCE)
      await executions.insertPostCalls(ends.slice(inserted, inserted + ROWS_AT_ONCE));
  } finally {
    await close();
  }
  return ends.map(({ conversationUuid }) => conversationUuid);
};
