import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { FaultPoint } from '../../src/engine/fault-points.ts';
import type { WebhookType } from '../../src/domain/agent.ts';
import { describeEachEngine } from '../support/engines.ts';
import { openBeside } from '../store/support.ts';
import { describeTold } from './support/describe-told.ts';
import type { Fault } from './support/faults.ts';
import type { Call } from './support/journal.ts';
import { report } from './support/long.ts';
import { readRow } from './support/record-on-disk.ts';
import type { Replica } from './support/replicas.ts';
import { until } from '../support/until.ts';
import { createWorld, type World } from './support/world.ts';

const LIMIT_MS = 1_000;
const LIMITS = { preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS };
const ENDED_WITHIN_MS = LIMIT_MS + 10_000;
const START_BY_MS = 86_400_000;
const MARKED = 'INTERRUPTED INTERRUPTED MAYBE';

describeEachEngine('A replica that dies in its background work', (engine) => {
  let world: World;
  beforeEach(async () => {
    world = await createWorld(engine);
  });
  afterEach(() => world.close());

  const callOf = async (rpc: Call['rpc']): Promise<Call> => ({
    rpc,
    agentUuid: (await world.addAgent(LIMITS)).agentUuid,
    conversationUuid: randomUUID(),
  });
  const at = (point: FaultPoint, action: Fault['action'], { conversationUuid }: Call): Fault => ({
    ...{ point, action, conversationUuid },
  });
  const rowOf = ({ rpc, conversationUuid }: Call): Promise<string> =>
    readRow(world, conversationUuid, (rpc === 'start' ? 'pre_call' : 'post_call') satisfies WebhookType);
  const untilRow = (call: Call, wanted: string): Promise<unknown> =>
    until(`the row to be ${wanted}`, async () => (await rowOf(call)) === wanted);
  const repeat = async (replica: Replica, call: Call): Promise<string> =>
    describeTold(await world.journal.call(replica, call));
  const saw = ({ conversationUuid }: Call): boolean =>
    world.recorder.requests().some((request) => request.conversationUuid === conversationUuid);

  it('when a post-call has just expired leaves it FAILED, and nobody sends it', async function () {
    this.timeout(60_000);
    const victim = await world.addReplica();
    const call = await callOf('end');
    await victim.kill();
    await victim.restart({ faults: [at('end.accepted', 'kill', call)] });
    await world.journal.call(victim, call);
    await victim.ended();
    const beside = openBeside({ ...world, cleanup: async () => {} });
    await beside.use((session) =>
      session.change(`UPDATE executions SET accepted_at = accepted_at - ${2 * START_BY_MS}`),
    );
    await beside.close();
    // It looks for such rows at its start, and may be dead before it serves.
    await victim.restart({ faults: [at('end.expired', 'kill', call)] }).catch(() => undefined);
    expect(await victim.ended(), 'how it ended').to.equal('SIGKILL');
    expect(await rowOf(call), 'record').to.equal('FAILED EXPIRED NO');
    await victim.restart();
    expect(await repeat(victim, call), 'repeat').to.equal('replayed FAILED');
    expect(saw(call), 'seen').to.equal(false);
    const figures = await world.verdict(ENDED_WITHIN_MS, { atLeast: { requests: 0 }, refusedShare: 0.6 });
    report(`kill -9 after an expiry (${engine.name})`, { kills: 3, ...figures, violations: 0 });
  });

  // On SQLite there is nobody else who marks it, and no owner who lives to correct.
  if (engine.name === 'sqlite') return;

  it('when it has just marked interrupted what another one left leaves the mark', async function () {
    this.timeout(60_000);
    const owner = await world.addReplica({ name: 'owner' });
    const call = await callOf('start');
    await owner.kill();
    await owner.restart({ faults: [at('start.claimed', 'kill', call)] });
    const successor = await world.addReplica({
      name: 'successor',
      faults: [at('interrupted', 'kill', call)],
    });
    await world.journal.call(owner, call);
    await owner.ended();
    await successor.ended();
    expect(await rowOf(call), 'record').to.equal(MARKED);
    await owner.restart();
    expect(await repeat(owner, call), 'repeat').to.equal('replayed INTERRUPTED');
    expect(saw(call), 'seen').to.equal(false);
    const figures = await world.verdict(ENDED_WITHIN_MS, { atLeast: { requests: 0 }, refusedShare: 0.6 });
    report('kill -9 after a mark (mariadb)', { kills: 3, ...figures, violations: 0 });
  });

  const corrections = [
    { title: 'before it corrects the mark of a post-call leaves the mark', wakes: false, end: MARKED },
    { title: 'when it has just corrected one leaves the correction', wakes: true, end: 'SUCCEEDED' },
  ];
  for (const { title, wakes, end } of corrections)
    it(title, async function () {
      this.timeout(60_000);
      const witness = await world.addReplica({ name: 'witness' });
      const call = await callOf('end');
      const faults = [at('end.answered', 'stop', call), at('end.recorded', 'kill', call)];
      const owner = await world.addReplica({ name: 'owner', faults });
      const telling = world.journal.call(owner, call);
      await owner.untilFrozen();
      await untilRow(call, MARKED);
      if (wakes) owner.wake();
      else await owner.kill();
      await owner.ended();
      await telling;
      expect(await rowOf(call), 'record').to.equal(end);
      expect(await repeat(witness, call), 'repeat').to.equal(`replayed ${end.split(' ')[0]}`);
      expect(saw(call), 'seen').to.equal(true);
      const figures = await world.verdict(ENDED_WITHIN_MS);
      report(`kill -9 ${wakes ? 'after' : 'before'} a correction (mariadb)`, {
        ...{ kills: 1, ...figures, violations: 0 },
      });
    });
});
