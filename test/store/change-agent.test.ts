import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { replaceUntilChanged } from '../../src/commands/admin/change-agent.ts';
import type { Agent } from '../../src/domain/agent.ts';
import { CallhooksError } from '../../src/errors.ts';
import { describeEachEngine } from '../support/engines.ts';
import { anAgent } from './samples.ts';
import { openFresh, rejection, type TestDatabase, times } from './test-database.ts';

const refusal = new CallhooksError('ETAG_MISMATCH', 'stale');

function add(current: Agent | undefined): Agent {
  const agent = current ?? expect.fail('there is no such agent');
  const count = (agent.dynamicVariables.count as number) + 1;
  return { ...agent, dynamicVariables: { count }, etag: `a-${count}` };
}

describeEachEngine('a change of an agent', (engine) => {
  let db: TestDatabase;
  const agents = () => db.database.agents;
  before(async () => {
    db = await openFresh(engine);
  });
  after(() => db.close());

  it('keeps each of 50 concurrent updates', async () => {
    const { agentUuid } = await agents().insertAgent(
      anAgent({ etag: 'a-0', dynamicVariables: { count: 0 } }),
    );
    const changes = await Promise.all(times(50, () => replaceUntilChanged(agents(), agentUuid, add)));
    const stored = await agents().findAgent(agentUuid);
    expect(stored?.dynamicVariables).to.deep.equal({ count: 50 });
    // Each update returns the state that it wrote, and no two states are equal.
    expect(new Set(changes.map(({ after }) => after?.etag)).size).to.equal(50);
  });

  it('leaves an agent deleted when updates run beside its deletion', async () => {
    const { agentUuid } = await agents().insertAgent(
      anAgent({ etag: 'a-0', dynamicVariables: { count: 0 } }),
    );
    const addIfThere = (current: Agent | undefined) => current && add(current);
    const update = () => replaceUntilChanged(agents(), agentUuid, addIfThere);
    const remove = () => replaceUntilChanged(agents(), agentUuid, () => undefined);
    await Promise.all([...times(10, update), remove(), ...times(10, update)]);
    expect(await agents().findAgent(agentUuid)).to.equal(undefined);
  });

  it('writes nothing and rejects with the same error when the decision throws', async () => {
    const stored = await agents().insertAgent(anAgent());
    const refuse = (): never => {
      throw refusal;
    };
    expect(await rejection(replaceUntilChanged(agents(), stored.agentUuid, refuse))).to.equal(refusal);
    expect(await agents().findAgent(stored.agentUuid)).to.deep.equal(stored);
  });

  it('asks the decision with undefined when there is no agent, and writes nothing', async () => {
    const seen: unknown[] = [];
    const note = (current: Agent | undefined) => {
      seen.push(current);
      return current;
    };
    const change = await replaceUntilChanged(agents(), randomUUID(), note);
    expect(change).to.deep.equal({ before: undefined, after: undefined });
    expect(seen).to.deep.equal([undefined]);
  });
});

describe('a change of an agent while other writers are always faster', () => {
  it('rejects with ETAG_MISMATCH once its time is over', async () => {
    const agent: Agent = {
      ...anAgent({ etag: 'a-0', dynamicVariables: { count: 0 } }),
      createdAtMs: 0,
      updatedAtMs: 0,
    };
    let tries = 0;
    const overtaking = {
      readForChange: async () => ({ agent, nowMs: 0 }),
      replaceAgent: async () => {
        tries += 1;
        return 'stale' as const;
      },
    };
    const error = await rejection(replaceUntilChanged(overtaking, agent.agentUuid, add, 30));
    expect(error).to.be.instanceOf(CallhooksError).with.property('reason', 'ETAG_MISMATCH');
    expect(tries).to.be.above(1);
  });
});
