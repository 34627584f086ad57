import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { describeEachEngine } from '../support/engines.ts';
import { untilCalm } from './support/calm.ts';
import type { TestAgent } from './support/calls.ts';
import { startCallers, type Callers, type CallPlan } from './support/callers.ts';
import { listExecutions } from './support/execution-log.ts';
import type { Entry } from './support/journal.ts';
import { IS_LONG, report } from './support/long.ts';
import type { Replica } from './support/replicas.ts';
import { expectNothingWrong, latencyOf, notSeenOnce, repeatRefused, tally } from './support/tally.ts';
import { until } from '../support/until.ts';
import { createWorld, type World } from './support/world.ts';
import * as pb from '../../src/gen/index.callhooks.v1.ts';

const OVERLOADS = IS_LONG
  ? [
      { factor: 2, seconds: 10 },
      { factor: 5, seconds: 30 },
    ]
  : [{ factor: 2, seconds: 10 }];
const END_SECONDS = 2;
const REPORTS = 2_000;
const STARTS_A_SECOND = 40;
const DRAIN_SECONDS = 3;
// The real figure is 0.8 and more; a machine that does other things as well must not make this red.
const LEAST_GOODPUT = 0.2;
const LIMIT_MS = 5_000;
const AT_ONCE = 64;
const ALL_ENDED_WITHIN_MS = 120_000;

describeEachEngine('A replica that is called more often than it can answer', (engine) => {
  let world: World;
  let replica: Replica;
  let callers: Callers;
  let agent: TestAgent;
  before(async function () {
    this.timeout(30_000);
    world = await createWorld(engine);
    callers = startCallers(world.journal);
    replica = await world.addReplica();
    // The endpoint is quick; a limit that a busy machine could reach would hide whose fault it was.
    agent = await world.addAgent({ preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS });
    await closedLoop('start', 2);
  });
  after(async () => {
    await callers.close();
    await world.close();
  });

  const call = (plan: Omit<CallPlan, 'agentUuid'>) =>
    callers.call(replica, { ...plan, agentUuid: agent.agentUuid });
  const closedLoop = async (rpc: 'start' | 'end', seconds: number): Promise<readonly Entry[]> =>
    (await call({ rpc, pace: { atOnce: AT_ONCE }, of: { seconds } })).entries;
  /** Good answers a second: the best of some seconds, because a machine is slowed down by others and never sped up. */
  const capacityOf = async (rpc: 'start' | 'end'): Promise<number> => {
    let best = 0;
    for (let second = 0; second < 2; second += 1)
      best = Math.max(best, tally(await closedLoop(rpc, 1)).good.length);
    return best;
  };
  const callAt = (rpc: 'start' | 'end', perSecond: number, seconds: number) =>
    call({ rpc, pace: { perSecond }, of: { seconds } });

  /** Calls beyond the capacity, then repeats all that was refused. */
  const overload = async (rpc: 'start' | 'end', factor: number, seconds: number): Promise<void> => {
    const { pid } = replica;
    const capacity = await capacityOf(rpc);
    let made = await callAt(rpc, factor * capacity, seconds);
    // Somebody else kept the machine busy while the capacity was measured: then that was no overload.
    for (let more = 2; more <= 4 && tally(made.entries).refused.length === 0; more *= 2)
      made = await callAt(rpc, more * factor * capacity, seconds);
    const { entries, behindMs } = made;
    const calmAfterMs = await untilCalm(world.journal, replica, agent.agentUuid);
    const first = tally(entries);
    expectNothingWrong(first, 'under load');
    expect(first.refused, 'refused: it was no overload').not.to.have.length(0);
    const plan = { rpc, agentUuid: agent.agentUuid };
    const { tally: again, refusedAgain } = await repeatRefused(callers, replica, plan, first.refused);
    expectNothingWrong(again, 'repeated');
    expect(again.refused, 'refused for ever').to.have.length(0);
    expect(again.good, 'repeated').to.have.length(first.refused.length);
    const goodput = first.good.length / seconds / capacity;
    report(`${rpc}s at ${factor} x capacity for ${seconds} s (${engine.name})`, {
      capacity,
      calls: entries.length,
      good: first.good.length,
      goodput: goodput.toFixed(2),
      ...latencyOf(first.good),
      refused: first.refused.length,
      repeatedWell: again.good.length,
      refusedAgain,
      calmAfterMs,
      behindMs,
    });
    expect(goodput, 'good answers / capacity').to.be.greaterThan(LEAST_GOODPUT);
    if (rpc === 'end') await untilSent([...first.good, ...again.good]);
    expect(notSeenOnce([...first.good, ...again.good], world.recorder.requests()).slice(0, 5)).to.deep.equal(
      [],
    );
    expect(replica.isAlive && replica.pid === pid, 'the replica lives').to.equal(true);
  };
  const untilSent = (ends: readonly Entry[]) =>
    until(
      'the endpoint to have seen each accepted report',
      () => notSeenOnce(ends, world.recorder.requests()).length === 0,
      { timeoutMs: ALL_ENDED_WITHIN_MS, everyMs: 1_000 },
    );
  const countPending = async (): Promise<number> => {
    const states = [pb.ExecutionState.EXECUTION_STATE_ACCEPTED];
    return (await listExecutions(replica.rpc, [agent.agentUuid], { states })).length;
  };

  for (const { factor, seconds } of OVERLOADS)
    it(`answers starts at ${factor} times its capacity, and the repeats of all that it refused`, async function () {
      this.timeout(60_000 + seconds * 20_000);
      await overload('start', factor, seconds);
    });

  it('answers every start while thousands of reports drain', async function () {
    this.timeout(180_000);
    // While the endpoint is slow, reports gather; then it is quick, and they drain when its slots are free again.
    await world.recorder.script('/post', { delayMs: [1_000, 1_000] });
    const conversationUuids = Array.from({ length: REPORTS }, () => randomUUID());
    const accepted = tally(
      (await call({ rpc: 'end', pace: { atOnce: AT_ONCE }, of: { conversationUuids } })).entries,
    );
    await world.recorder.script('/post', {});
    const pendingBefore = await countPending();
    const { entries } = await callAt('start', STARTS_A_SECOND, DRAIN_SECONDS);
    const pendingAfter = await countPending();
    const starts = tally(entries);
    const { tally: again } = await repeatRefused(
      callers,
      replica,
      { rpc: 'start', agentUuid: agent.agentUuid },
      starts.refused,
    );
    report(`starts while reports drain (${engine.name})`, {
      pendingBefore,
      pendingAfter,
      starts: entries.length,
      ...latencyOf(starts.good),
      refused: starts.refused.length,
    });
    for (const told of [accepted, starts, again]) expectNothingWrong(told, 'beside reports');
    // On a machine that stands still for a moment somebody may have to repeat.
    expect(starts.good.length, 'answered at once').to.be.at.least(0.9 * entries.length);
    expect(again.refused, 'refused for ever').to.have.length(0);
    expect(pendingBefore, 'reports that wait').to.be.greaterThan(REPORTS / 4);
    expect(pendingAfter, 'reports go on').to.be.lessThan(pendingBefore);
    await untilSent(accepted.good);
  });

  it('accepts reports at twice its capacity, and the repeats of all that it refused', async function () {
    this.timeout(240_000);
    await overload('end', 2, END_SECONDS);
  });

  it('has kept all its promises', async function () {
    this.timeout(300_000);
    const figures = await world.verdict(ALL_ENDED_WITHIN_MS, {
      refusedAs: ['LIMIT_REACHED'],
      refusedShare: 0.95,
      atLeast: { executions: 1_000, requests: 1_000, replies: 1_000 },
    });
    report(`overload (${engine.name})`, { ...figures, violations: 0 });
  });
});
