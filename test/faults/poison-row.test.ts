import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { describeEachEngine } from '../support/engines.ts';
import { failureOf, nameOf } from './support/execution-log.ts';
import type { Fault } from './support/faults.ts';
import { report } from './support/long.ts';
import { createWorld, type World } from './support/world.ts';

const LIMIT_MS = 1_000;

describeEachEngine('A post-call whose rendering kills the process', (engine) => {
  let world: World;
  before(async () => {
    world = await createWorld(engine);
  });
  after(() => world.close());

  it('is INTERRUPTED after one death and does not go round the replicas', async function () {
    this.timeout(60_000);
    const conversationUuid = randomUUID();
    // Whoever renders it dies, every time.
    const faults: readonly Fault[] = [{ point: 'end.rendering', action: 'kill', conversationUuid }];
    await world.addReplicas(engine.name === 'sqlite' ? 1 : 3, { faults });
    const { agentUuid } = await world.addAgent({ preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS });
    const call = { rpc: 'end', agentUuid, conversationUuid } as const;
    const [victim] = world.replicas;
    if (victim === undefined) throw new Error('there is no replica');
    await world.journal.call(victim, call);
    // Another one may have found it accepted and have claimed it first.
    await Promise.race(world.replicas.map((replica) => replica.ended()));
    const died = world.replicas.filter(({ isAlive }) => !isAlive);
    expect(died, 'deaths').to.have.length(1);
    await died[0]?.restart({ faults });
    await wait(LIMIT_MS);
    // Told again, nobody begins it again either.
    for (const replica of world.replicas) await world.journal.call(replica, call);
    const figures = await world.verdict(LIMIT_MS + 15_000, { atLeast: { requests: 0 } });
    const { executions } = await world.living().rpc.executions.listExecutions({ conversationUuid });
    expect(executions.map((it) => `${nameOf(it.state)} ${failureOf(it)}`)).to.deep.equal([
      'INTERRUPTED INTERRUPTED MAYBE',
    ]);
    expect(
      world.replicas.filter(({ isAlive }) => isAlive),
      'replicas alive',
    ).to.have.length(world.replicas.length);
    expect(world.recorder.requests()).to.have.length(0);
    report(`poison row (${engine.name})`, { deaths: 1, ...figures, violations: 0 });
  });
});
