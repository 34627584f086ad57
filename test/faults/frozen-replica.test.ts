import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import type { FaultPoint } from '../../src/engine/fault-points.ts';
import { describeEachEngine } from '../support/engines.ts';
import { outcomeOf } from '../support/execution-words.ts';
import { until } from '../support/until.ts';
import { describeResponse, type CallResponse } from './support/call-response.ts';
import { createCluster, type Cluster } from './support/cluster.ts';
import { untilDatabaseAvailable } from './support/database-probe.ts';
import { listExecutions, untilAllFinished } from './support/execution-log.ts';
import { startLoad } from './support/load.ts';
import type { Replica } from './support/replica.ts';
import { reportFigures } from './support/report-figures.ts';
import { byRunLength } from './support/run-length.ts';
import type { TestAgent } from './support/test-agent.ts';

const LIMIT_MS = 3_000;
const GRACE_MS = 5_000;
const MARKED_WITHIN_MS = LIMIT_MS + 10_000;
// All at once would keep each other from their connections on a busy machine.
const STARTED_AT_ONCE = 4;
// Longer than any freeze here, so the caller is still there when the frozen replica wakes.
const PATIENT_MS = 90_000;

/** A fault point of the engine, or the time in which the endpoint works: then the replica is frozen from outside. */
type Moment = FaultPoint | 'pre_call.sent' | 'post_call.sent';

interface Row {
  readonly moment: Moment;
  /** The record while the replica is frozen, once the others have had their time. */
  readonly asleep: string;
  /** The record in the end. */
  readonly awake: string;
  /** Says what the frozen replica answers its own caller with. */
  readonly response: string;
  /** Says whether the endpoint sees the request. */
  readonly saw: boolean;
}

/** A replica that freezes at a fault point of this conversation. */
interface Armed {
  readonly row: Row;
  readonly conversationUuid: string;
  readonly replica: Replica;
}

const MARKED = 'INTERRUPTED INTERRUPTED MAYBE';

const ROWS: readonly Row[] = [
  // Nobody has claimed it, so the platform's repeat runs it. The frozen replica was about to write, and is too late for that.
  row('pre_call.unclaimed', 'SUCCEEDED', 'SUCCEEDED', 'LIMIT_REACHED', true),
  row('pre_call.claimed', MARKED, MARKED, 'INTERRUPTED', false),
  row('pre_call.sent', MARKED, MARKED, 'INTERRUPTED', true),
  row('pre_call.answered', MARKED, MARKED, 'INTERRUPTED', true),
  row('pre_call.recorded', 'SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED', true),
  row('post_call.unaccepted', 'SUCCEEDED', 'SUCCEEDED', 'LIMIT_REACHED', true),
  row('post_call.accepted', 'SUCCEEDED', 'SUCCEEDED', 'ACCEPTED', true),
  row('post_call.unclaimed', 'SUCCEEDED', 'SUCCEEDED', 'ACCEPTED', true),
  // Its time limit begins with the dial, so it still sends, once, and corrects the mark.
  row('post_call.claimed', MARKED, 'SUCCEEDED', 'ACCEPTED', true),
  row('post_call.rendering', MARKED, 'SUCCEEDED', 'ACCEPTED', true),
  // The answer came while it was frozen, and is read before the time limit counts.
  row('post_call.sent', MARKED, 'SUCCEEDED', 'ACCEPTED', true),
  row('post_call.answered', MARKED, 'SUCCEEDED', 'ACCEPTED', true),
];

function row(moment: Moment, asleep: string, awake: string, response: string, saw: boolean): Row {
  return { moment, asleep, awake, response, saw };
}

const REFUSED = ROWS.filter(({ response }) => response === 'LIMIT_REACHED').length;

function isSent(moment: Moment): moment is 'pre_call.sent' | 'post_call.sent' {
  return moment.endsWith('.sent');
}

describeEachEngine('A replica frozen for longer than time limit and grace', (engine) => {
  // On SQLite there is no other replica.
  if (engine.name === 'sqlite') return;
  let cluster: Cluster;
  let agent: TestAgent;
  let slowAgent: TestAgent;
  const frozen = new Map<
    Moment,
    { replica: Replica; conversationUuid: string; responding: Promise<CallResponse> }
  >();

  before(async function () {
    this.timeout(90_000);
    cluster = await createCluster(engine);
    await cluster.addReplica({ name: 'witness' });
    const limits = { preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS };
    const slow = `${cluster.recorder.url}/slow`;
    agent = await cluster.addAgent(limits);
    slowAgent = await cluster.addAgent({ ...limits, preUrl: `${slow}/pre`, postUrl: `${slow}/post` });
    for (const path of ['/slow/pre', '/slow/post'])
      await cluster.recorder.script(path, { stall: 'until_scripted' });
    const armed: Armed[] = [];
    for (let from = 0; from < ROWS.length; from += STARTED_AT_ONCE)
      armed.push(...(await Promise.all(ROWS.slice(from, from + STARTED_AT_ONCE).map(addArmed))));
    // The executions to be marked come last: no replica may be frozen while it marks, because it would lock their rows.
    const isInterrupted = ({ row }: Armed): boolean => row.asleep === MARKED;
    for (const one of armed.filter((it) => !isInterrupted(it))) await freezeAt(one);
    for (const one of armed.filter(isInterrupted)) await freezeAt(one);
  });
  after(() => cluster.close());

  // All sleep from the start, so that none takes over what another one leaves.
  const addArmed = async (row: Row): Promise<Armed> => {
    const conversationUuid = randomUUID();
    const { moment } = row;
    const faults = isSent(moment) ? [] : [{ point: moment, action: 'stop', conversationUuid } as const];
    const replica = await cluster.addReplica({ name: moment, faults });
    replica.freeze();
    return { row, conversationUuid, replica };
  };
  const freezeAt = async ({ row, conversationUuid, replica }: Armed): Promise<void> => {
    const { moment, asleep } = row;
    const rpc = moment.startsWith('pre_call') ? 'start' : 'end';
    const { agentUuid } = isSent(moment) ? slowAgent : agent;
    const call = { rpc, agentUuid, conversationUuid } as const;
    replica.wake();
    await untilDatabaseAvailable(replica);
    // A witness that is awake could take over what this replica has accepted and is about to claim.
    const witness = cluster.livingReplica();
    witness.freeze();
    const responding = cluster.callLog.call(replica, { ...call, deadlineMs: PATIENT_MS });
    if (isSent(moment)) {
      await until('the endpoint to work', () => isSeen(conversationUuid));
      replica.freeze();
    }
    await replica.untilFrozen();
    // The endpoint answers while the replica is frozen.
    if (isSent(moment)) await cluster.recorder.script(`/slow/${rpc === 'start' ? 'pre' : 'post'}`, {});
    witness.wake();
    await untilDatabaseAvailable(witness);
    const one = { replica, conversationUuid, responding };
    frozen.set(moment, one);
    if (moment === 'pre_call.unclaimed' || moment === 'post_call.unaccepted')
      await cluster.callLog.call(cluster.livingReplica(), call);
    if (asleep === 'SUCCEEDED')
      await until(`${moment} to be taken over`, async () => (await recordOf(one)) === asleep, {
        everyMs: 50,
      });
  };
  const isSeen = (conversationUuid: string): boolean =>
    cluster.recorder.requests().some((request) => request.conversationUuid === conversationUuid);
  const recordOf = async ({ conversationUuid }: { conversationUuid: string }): Promise<string> => {
    const all = await listExecutions(cluster.livingReplica().rpc, [agent.agentUuid, slowAgent.agentUuid]);
    const found = all.find((execution) => execution.conversationUuid === conversationUuid);
    return found === undefined ? '(nothing)' : outcomeOf(found);
  };

  it('has its executions marked interrupted, or taken over, by other replicas meanwhile', async function () {
    this.timeout(30_000);
    const agentUuids = [agent.agentUuid, slowAgent.agentUuid];
    await untilAllFinished(() => cluster.livingReplica().rpc, agentUuids, MARKED_WITHIN_MS);
    for (const row of ROWS) {
      const one = frozen.get(row.moment);
      expect(one === undefined ? '' : await recordOf(one), row.moment).to.equal(row.asleep);
    }
  });

  it('answers what is on record when it wakes, and corrects the marks of its post-calls', async function () {
    this.timeout(90_000);
    await wait(byRunLength({ short: 0, long: 35_000 }));
    for (const { replica } of frozen.values()) replica.wake();
    for (const row of ROWS) {
      const one = frozen.get(row.moment);
      if (one === undefined) throw new Error(`no replica was frozen at ${row.moment}`);
      const isCorrect = async () => (await recordOf(one)) === row.awake;
      await until(`${row.moment} to be ${row.awake} on record`, isCorrect, { everyMs: 50 });
      expect(describeResponse(await one.responding), row.moment).to.equal(row.response);
    }
    const figures = await cluster.check(MARKED_WITHIN_MS, {
      refusedAs: ['LIMIT_REACHED'],
      // The response of each frozen replica is compared above; no other call may be refused.
      refusedShare: REFUSED / (2 * ROWS.length),
      atLeast: { executions: ROWS.length, replies: ROWS.length },
    });
    for (const { moment, saw } of ROWS) {
      const { conversationUuid = '' } = frozen.get(moment) ?? {};
      expect(isSeen(conversationUuid), `${moment}: the endpoint saw it`).to.equal(saw);
    }
    reportFigures(`SIGSTOP at each fault point (${engine.name})`, {
      freezes: ROWS.length,
      ...figures,
      violations: 0,
    });
  });
});

describeEachEngine('A replica frozen under load', (engine) => {
  let cluster: Cluster;
  before(async () => {
    cluster = await createCluster(engine);
  });
  after(() => cluster.close());

  it('sends nothing twice, loses nothing, and answers what is on record', async function () {
    const freezes = byRunLength({ short: 1, long: 20 });
    this.timeout(60_000 + freezes * 20_000);
    await cluster.addReplicas(engine.name === 'sqlite' ? 1 : 3);
    const { callLog, recorder, replicas } = cluster;
    await recorder.script('*', { delayMs: [0, 300], statuses: [200, 200, 500] });
    const { agentUuid } = await cluster.addAgent({ preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS });
    const load = startLoad({
      callLog,
      replicas,
      agentUuids: [agentUuid],
      concurrency: 24,
      deadlineMs: 3_000,
    });
    for (let frozenTimes = 0; frozenTimes < freezes; frozenTimes += 1) {
      await wait(1_000 + Math.random() * 500);
      const victim = replicas[frozenTimes % replicas.length] as Replica;
      victim.freeze();
      // The other replicas have time to write their marks. The claim that the victim was committing is visible to nobody
      // before it wakes, so it wakes early enough for that row to be marked or finished too.
      await wait(LIMIT_MS + GRACE_MS + 2_500);
      victim.wake();
    }
    await wait(1_000);
    await load.stop();
    const figures = await cluster.check(30_000, {
      // The frozen replica has rows locked in the middle of its claims, and abandons its own claims when it wakes too late.
      refusedAs: ['EXECUTION_RUNNING', 'DATABASE_UNAVAILABLE', 'OUTCOME_NOT_RECORDED', 'LIMIT_REACHED'],
      // A third of the calls meet the frozen replica.
      refusedShare: 0.35,
      atLeast: { executions: 100, requests: 100, replies: 100 },
    });
    reportFigures(`SIGSTOP under load (${engine.name})`, { freezes, ...figures, violations: 0 });
  });
});
