import { expect } from 'chai';
import { describeEachEngine } from '../support/engines.ts';
import { inForm, report } from './support/long.ts';
import { disagreements, SELDOM_REFUSED, sendEverywhere } from './support/same-call.ts';
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

  it(`runs once in each of ${CONVERSATIONS} conversations, and all are told the same`, async function () {
    this.timeout(60_000 + CONVERSATIONS * 100);
    await world.recorder.script('*', { delayMs: [0, 50], statuses: [200, 200, 404] });
    const { agentUuid } = await world.addAgent({ preLimitMs: 5_000, postLimitMs: 5_000 });
    const { journal, replicas } = world;
    const conversations = CONVERSATIONS;
    const told = await sendEverywhere({ journal, replicas, agentUuid, conversations, atOnce: AT_ONCE });
    const figures = await world.verdict(20_000, SELDOM_REFUSED);
    expect(told, 'calls').to.have.length(2 * CONVERSATIONS);
    expect(disagreements(told)).to.deep.equal([]);
    expect(figures['requests'], 'requests').to.equal(2 * CONVERSATIONS);
    report(`the same call everywhere (${engine.name})`, { ...figures, violations: 0 });
  });
});
