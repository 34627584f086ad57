import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { describeEachEngine } from '../support/engines.ts';
import type { Told } from './support/journal.ts';
import { inForm, report } from './support/long.ts';
import { createWorld, type World } from './support/world.ts';

const CONVERSATIONS = inForm({ short: 200, long: 1_000 });
const AT_ONCE = 10;

describeEachEngine('The same call sent to every replica at once', (engine) => {
  let world: World;
  before(async function () {
    this.timeout(30_000);
    world = await createWorld(engine);
    await world.addReplicas(engine.name === 'sqlite' ? 1 : 3);
  });
  after(() => world.close());

  /** Three callers at once, on replicas of their own where there are so many. */
  const tellAll = (rpc: 'start' | 'end', names: { agentUuid: string; conversationUuid: string }) =>
    Promise.all(
      [0, 1, 2].map((at) => {
        const replica = world.replicas[at % world.replicas.length] ?? world.living();
        return world.journal.call(replica, { rpc, ...names });
      }),
    );

  it(`runs once in each of ${CONVERSATIONS} conversations, and all are told the same`, async function () {
    this.timeout(60_000 + CONVERSATIONS * 100);
    await world.recorder.script('*', { delayMs: [0, 50], statuses: [200, 200, 404] });
    const { agentUuid } = await world.addAgent({ preLimitMs: 5_000, postLimitMs: 5_000 });
    let begun = 0;
    const told: (readonly Told[])[] = [];
    const work = async (): Promise<void> => {
      while (begun < CONVERSATIONS) {
        begun += 1;
        const names = { agentUuid, conversationUuid: randomUUID() };
        told.push(await tellAll('start', names), await tellAll('end', names));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    const figures = await world.verdict(20_000, { refusedShare: 0 });
    for (const replies of told) {
      const first = replies.filter((reply) => reply.kind === 'reply' && !reply.replayed);
      expect(first, JSON.stringify(replies)).to.have.length(1);
    }
    expect(figures['requests'], 'requests').to.equal(2 * CONVERSATIONS);
    report(`the same call everywhere (${engine.name})`, { ...figures, violations: 0 });
  });
});
