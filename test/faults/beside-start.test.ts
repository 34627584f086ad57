import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { describeEachEngine } from '../support/engines.ts';
import { describeTold } from './support/describe-told.ts';
import { report } from './support/long.ts';
import type { SeenRequest } from './support/recorder.ts';
import type { Replica } from './support/replicas.ts';
import { until } from '../support/until.ts';
import { createWorld, type World } from './support/world.ts';

const LIMIT_MS = 10_000;
const WORKS_MS = 2_500;
const ENDS = 20;

describeEachEngine('An end that comes while its start runs', (engine) => {
  let world: World;
  before(async function () {
    this.timeout(30_000);
    world = await createWorld(engine);
    await world.addReplicas(engine.name === 'sqlite' ? 1 : 2);
  });
  after(() => world.close());

  it('is accepted at once, and sent after it, with what it has assigned', async function () {
    this.timeout(60_000);
    const slow = `${world.recorder.url}/slow`;
    await world.recorder.script('/slow/pre', { delayMs: [WORKS_MS, WORKS_MS] });
    const { agentUuid } = await world.addAgent({
      ...{ preUrl: `${slow}/pre`, preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS },
    });
    const [one, other = one] = world.replicas as [Replica, Replica?];
    const calls = Array.from({ length: ENDS }, () => ({ agentUuid, conversationUuid: randomUUID() }));
    const starting = calls.map((call) => world.journal.call(one, { rpc: 'start', ...call }));
    await until('all starts to run', () => world.recorder.requests().length === ENDS, { everyMs: 10 });
    // On MariaDB half of them on a replica that does not run the start.
    const ended = await Promise.all(
      calls.map((call, at) => world.journal.call(at % 2 === 0 ? one : other, { rpc: 'end', ...call })),
    );
    expect(ended.map(describeTold)).to.deep.equal(calls.map(() => 'ACCEPTED'));
    expect((await Promise.all(starting)).map(describeTold)).to.deep.equal(calls.map(() => 'SUCCEEDED'));
    const figures = await world.verdict(LIMIT_MS, { refusedShare: 0 });
    for (const { conversationUuid } of calls) expect(requestsOf(conversationUuid)).to.satisfy(isInOrder);
    for (const told of ended) {
      const executionUuid = (told.kind === 'reply' && told.executionUuid) || '';
      const { execution } = await one.rpc.executions.getExecution({ executionUuid });
      expect(execution?.request?.body, 'what the start had assigned').to.include('"customer_name":"Ada ');
    }
    report(`ends beside their starts (${engine.name})`, { ...figures, violations: 0 });
  });

  const requestsOf = (conversationUuid: string): readonly SeenRequest[] =>
    world.recorder.requests().filter((request) => request.conversationUuid === conversationUuid);
});

const isInOrder = ([start, end, ...others]: readonly SeenRequest[]): boolean =>
  others.length === 0 &&
  start?.type === 'pre_call' &&
  end?.type === 'post_call' &&
  end.headAtMs >= (start.answer?.atMs ?? Infinity);
