import { expect } from 'chai';
import { describeEachEngine } from '../support/engines.ts';
import { createCluster, type Cluster } from './support/cluster.ts';
import { reportFigures } from './support/report-figures.ts';
import { byRunLength } from './support/run-length.ts';
import { disagreements, RARELY_REFUSED, sendEverywhere } from './support/same-call.ts';

const CONVERSATIONS = byRunLength({ short: 200, long: 1_000 });
const AT_ONCE = 10;

describeEachEngine('The same call sent to every replica at once', (engine) => {
  let cluster: Cluster;
  before(async function () {
    this.timeout(30_000);
    cluster = await createCluster(engine);
    await cluster.addReplicas(engine.name === 'sqlite' ? 1 : 3);
  });
  after(() => cluster.close());

  it(`runs its webhook once and gets equal replies, in each of ${CONVERSATIONS} conversations`, async function () {
    this.timeout(60_000 + CONVERSATIONS * 100);
    await cluster.recorder.script('*', { delayMs: [0, 50], statuses: [200, 200, 404] });
    const { agentUuid } = await cluster.addAgent({ preLimitMs: 5_000, postLimitMs: 5_000 });
    const { callLog, replicas } = cluster;
    const responses = await sendEverywhere({
      callLog,
      replicas,
      agentUuid,
      conversations: CONVERSATIONS,
      atOnce: AT_ONCE,
    });
    const figures = await cluster.check(20_000, RARELY_REFUSED);
    expect(responses, 'calls').to.have.length(2 * CONVERSATIONS);
    expect(disagreements(responses)).to.deep.equal([]);
    expect(figures['requests'], 'requests').to.equal(2 * CONVERSATIONS);
    reportFigures(`the same call everywhere (${engine.name})`, { ...figures, violations: 0 });
  });
});
