import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { describeEachEngine } from '../support/engines.ts';
import { stateName } from '../support/execution-words.ts';
import { onQuietMachine } from '../support/quiet-machine.ts';
import { until } from '../support/until.ts';
import { describeResponse } from './support/call-response.ts';
import { listPending } from './support/cluster-database.ts';
import { createCluster, type Cluster } from './support/cluster.ts';
import { listExecutions } from './support/execution-log.ts';
import { copyWebhook, insertPending } from './support/pending-rows.ts';
import { startRecorder, type Recorder } from './support/recorder.ts';
import type { Replica } from './support/replica.ts';
import { reportFigures } from './support/report-figures.ts';
import { byRunLength } from './support/run-length.ts';
import { createTestAgent, type TestAgent } from './support/test-agent.ts';

// No request may time out before its replica is killed, however busy the machine is.
const LIMIT_MS = 5_000;
const TAKEN_OVER_WITHIN_MS = 5_000;
const INTERRUPTED_WITHIN_MS = LIMIT_MS + 10_000;
const STALLED_ROWS = byRunLength({ short: 5_000, long: 50_000 });
const STALLED = [
  { title: `${STALLED_ROWS} rows wait`, rows: STALLED_ROWS, webhooks: 1 },
  { title: `${STALLED_ROWS} webhooks wait, a row each,`, rows: STALLED_ROWS, webhooks: STALLED_ROWS },
];
const AT_ONCE = 40;
const SLOTS = 4;
// Replicas look for pending post-calls once a second.
const POLLED_AFTER_MS = 1_200;
const LEFT_TO_ALL = byRunLength({ short: 1_000, long: 20_000 });

describeEachEngine('The executions of a dead replica', (engine) => {
  let cluster: Cluster;
  let agent: TestAgent;
  before(async function () {
    this.timeout(30_000);
    cluster = await createCluster(engine);
    await cluster.addReplicas(engine.name === 'sqlite' ? 1 : 2);
    agent = await cluster.addAgent({ preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS });
  });
  after(() => cluster.close());

  /** Returns the replica that dies, and the one that takes over: on SQLite that is the victim's next process. */
  const victimAndHeir = async (): Promise<readonly [Replica, Replica]> => {
    const [victim, heir = victim] = cluster.replicas;
    if (victim === undefined || heir === undefined) throw new Error('there is no replica');
    for (const replica of new Set([victim, heir])) if (!replica.isAlive) await replica.restart();
    return [victim, heir];
  };
  /** Waits until all these conversations have reached the endpoint. Returns when the last one did, in epoch milliseconds. */
  const untilAllSeen = (conversationUuids: readonly string[], recorder: Recorder): Promise<number> =>
    until(
      `${conversationUuids.length} post-calls at the endpoint`,
      () => {
        const arrivals = new Map(recorder.requests().map((it) => [it.conversationUuid, it.headAtMs]));
        const times = conversationUuids.map((uuid) => arrivals.get(uuid));
        return times.every((time) => time !== undefined) && Math.max(...times);
      },
      { timeoutMs: 30_000, everyMs: 50 },
    );
  /** Lets the heir go on. Returns since when it can take over, in epoch milliseconds. */
  const succeed = async (victim: Replica, heir: Replica): Promise<number> => {
    if (heir === victim) await victim.restart();
    else heir.wake();
    return Date.now();
  };
  const expectTakenOverSoon = (succeededAtMs: number, takenOverMs: number): Promise<void> =>
    onQuietMachine('pending post-calls are taken over within 5 s', succeededAtMs, () =>
      expect(takenOverMs, 'milliseconds until the last one was sent').to.be.lessThan(TAKEN_OVER_WITHIN_MS),
    );

  it('are sent by another replica within 5 s, if they were pending', async function () {
    this.timeout(60_000);
    const [victim, heir] = await victimAndHeir();
    const conversationUuids = Array.from({ length: AT_ONCE }, () => randomUUID());
    await victim.kill();
    // The endpoint does not answer, so most of them wait for a request slot when their replica dies.
    await cluster.recorder.script('*', { stall: 'silent' });
    await victim.restart({ env: { CALLHOOKS_MAX_POST_CALLS_PER_ORIGIN: String(SLOTS) } });
    // No other replica takes them while their owner lives.
    if (heir !== victim) heir.freeze();
    await Promise.all(
      conversationUuids.map((conversationUuid) =>
        cluster.callLog.call(victim, { rpc: 'end', agentUuid: agent.agentUuid, conversationUuid }),
      ),
    );
    await until('the slots to be taken', () => cluster.recorder.requests().length === SLOTS);
    // Meanwhile it has looked for others to send, and has found no slot.
    await wait(POLLED_AFTER_MS);
    await victim.kill();
    const left = await listPending(cluster);
    await cluster.recorder.script('*', {});
    const succeededAtMs = await succeed(victim, heir);
    const takenOverMs = (await untilAllSeen(left, cluster.recorder)) - succeededAtMs;
    expect(left, 'pending post-calls left').to.have.length(AT_ONCE - SLOTS);
    await expectTakenOverSoon(succeededAtMs, takenOverMs);
    // Only what was being sent is interrupted: no post-call was claimed before it had a slot.
    const figures = await cluster.check(INTERRUPTED_WITHIN_MS);
    expect(figures['interrupted'], 'interrupted').to.equal(SLOTS);
    reportFigures(`takeover (${engine.name})`, { left: left.length, takenOverMs, ...figures, violations: 0 });
  });

  for (const { whose, survives } of [
    { whose: 'if they were being sent', survives: true },
    { whose: 'if they were being sent and all replicas died together', survives: false },
  ])
    it(`are marked INTERRUPTED within the time limit and 10 s, ${whose}`, async function () {
      this.timeout(60_000);
      const [victim, heir] = await victimAndHeir();
      await cluster.recorder.script('*', { stall: 'silent' });
      // An heir that is awake would send those itself that the victim has accepted and is about to claim.
      if (heir !== victim) heir.freeze();
      const before = cluster.recorder.requests().length;
      const conversationUuids = Array.from({ length: 2 * AT_ONCE }, () => randomUUID());
      const calls = conversationUuids.map((conversationUuid, at) =>
        cluster.callLog.call(victim, {
          rpc: at % 2 === 0 ? 'start' : 'end',
          agentUuid: agent.agentUuid,
          conversationUuid,
        }),
      );
      const expected = before + 2 * AT_ONCE;
      await until('all to be under way', () => cluster.recorder.requests().length >= expected);
      const killedAtMs = Date.now();
      await victim.kill();
      if (!survives) await heir.kill();
      await Promise.all(calls);
      await cluster.recorder.script('*', {});
      if (heir.isAlive) heir.wake();
      else await heir.restart();
      const own = new Set<string>(conversationUuids);
      const interrupted = await until(
        'all to be interrupted',
        async () => {
          const all = await listExecutions(heir.rpc, [agent.agentUuid]);
          const found = all.filter(({ conversationUuid }) => own.has(conversationUuid));
          return found.every(({ state }) => stateName(state) === 'INTERRUPTED') && found;
        },
        { timeoutMs: 30_000, everyMs: 250 },
      );
      expect(interrupted).to.have.length(2 * AT_ONCE);
      const tookMs = interrupted.map((it) => Number(it.finishedAt) - Number(it.sendingAt));
      const slowestMs = Math.max(...tookMs);
      await onQuietMachine('all are marked in time', killedAtMs, () =>
        expect(slowestMs, 'the slowest').to.be.lessThan(INTERRUPTED_WITHIN_MS),
      );
      const figures = await cluster.check(INTERRUPTED_WITHIN_MS);
      reportFigures(`interrupted, ${whose} (${engine.name})`, { ...figures, slowestMs, violations: 0 });
    });

  it('are sent once although all other replicas take them over at the same time', async function () {
    this.timeout(90_000);
    await cluster.recorder.script('*', {});
    const all =
      engine.name === 'sqlite' ? cluster.replicas : [...cluster.replicas, await cluster.addReplica()];
    for (const replica of all) if (!replica.isAlive) await replica.restart();
    // The file of SQLite belongs to one process, which finds them when it starts again.
    if (engine.name === 'sqlite') await cluster.livingReplica().kill();
    // On MariaDB all sleep until every row is there, and look for them at the same instant.
    else for (const replica of all) replica.freeze();
    const webhooks = await copyWebhook(cluster, agent, 1);
    const conversationUuids = await insertPending(cluster, LEFT_TO_ALL, webhooks);
    await wait(POLLED_AFTER_MS);
    if (engine.name === 'sqlite') await cluster.replicas[0]?.restart();
    else for (const replica of all) replica.wake();
    await untilAllSeen(conversationUuids, cluster.recorder);
    const figures = await cluster.check(INTERRUPTED_WITHIN_MS, {
      atLeast: { executions: LEFT_TO_ALL, requests: LEFT_TO_ALL, replies: 0 },
    });
    await all[2]?.kill();
    reportFigures(`takeover by ${all.length} at once (${engine.name})`, { ...figures, violations: 0 });
  });

  for (const { title, rows, webhooks } of STALLED)
    it(`are sent within 5 s although ${title} for a stalled origin`, async function () {
      this.timeout(300_000);
      const [victim, heir] = await victimAndHeir();
      const stalled = await startRecorder();
      await stalled.script('*', { stall: 'silent' });
      try {
        const slow = await createTestAgent(victim.rpc, {
          postUrl: `${stalled.url}/post`,
          postLimitMs: 60_000,
        });
        await victim.kill();
        const beganAtMs = performance.now();
        await insertPending(cluster, rows, await copyWebhook(cluster, slow, webhooks));
        const insertedMs = Math.round(performance.now() - beganAtMs);
        const conversationUuid = randomUUID();
        await victim.restart({ faults: [{ point: 'post_call.accepted', action: 'kill', conversationUuid }] });
        // The request slots of the stalled origin fill up on both replicas.
        await until('the stalled origin to be busy', () => stalled.requests().length >= 128);
        const call = { rpc: 'end', agentUuid: agent.agentUuid, conversationUuid } as const;
        let response = '';
        await until('its owner to accept it and die', async () => {
          response = describeResponse(await cluster.callLog.call(victim, call));
          return !victim.isAlive;
        }).catch(() => expect.fail(`the owner lives, and answered ${response}`));
        const succeededAtMs = await succeed(victim, heir);
        const takenOverMs = (await untilAllSeen([conversationUuid], cluster.recorder)) - succeededAtMs;
        await expectTakenOverSoon(succeededAtMs, takenOverMs);
        // Slots are still being filled, so requests are counted when no replica sends any more.
        await Promise.all(cluster.replicas.map((replica) => replica.kill()));
        const sent = stalled.requests().map((request) => request.conversationUuid);
        const repeated = sent.filter((uuid, at) => sent.indexOf(uuid) !== at);
        expect(repeated, 'stalled ones that were sent twice').to.deep.equal([]);
        reportFigures(`takeover past a stalled origin (${engine.name})`, {
          rows,
          webhooks,
          insertedMs,
          takenOverMs,
          stalledRequests: sent.length,
        });
      } finally {
        await Promise.all(cluster.replicas.map((replica) => replica.kill()));
        await stalled.close();
      }
    });
});
