import { expect } from 'chai';
import { aClaim, anAgent, anOutcome, aPostCall, aPostCallOutcome, aStart } from './samples.ts';
import { connectDirectly, openTested, type TestedDatabase, times } from './test-database.ts';

import { serverEngine, type FreshDatabase } from '../support/engines.ts';
import { until } from '../support/until.ts';

const server = serverEngine();
const POOL_SIZE = 2;
const AT_ONCE_MS = 500;
const WAITING =
  "SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT etag FROM agents WHERE%'";

if (server !== undefined)
  describe('the connections of claims and outcomes on a server', () => {
    let fresh: FreshDatabase;
    let database: TestedDatabase;
    before(async () => {
      fresh = await server.freshDatabase();
      database = await openTested({ url: fresh.url ?? '', poolSize: POOL_SIZE });
      await database.migrate();
    });
    after(async () => {
      await database.close();
      await fresh.cleanup();
    });

    it('answer at once while slow changes of agents use all other connections', async () => {
      const { agents, executions } = database;
      const agent = await agents.insertAgent(anAgent());
      const { agentUuid } = agent;
      // Each pool has a connection before anything is slow.
      await executions.insertStarts([aStart()]);
      await agents.findAgent(agentUuid);
      const direct = connectDirectly(fresh);
      let answered = 0;
      const slow: Promise<unknown>[] = [];
      await direct.transaction(async (session) => {
        await session.rows('SELECT agent_uuid FROM agents FOR UPDATE');
        const answer = (): void => {
          answered += 1;
        };
        for (const change of times(2 * POOL_SIZE, () => agents.replaceAgent(agent, agent)))
          slow.push(change.then(answer, answer));
        // Its turn comes after the changes.
        slow.push(executions.countPending(1).then(answer, answer));
        await until('every other connection waits for the lock', async () => {
          return (await session.rows(WAITING)).length === POOL_SIZE;
        });

        const startedAtMs = performance.now();
        const [start, end] = [aStart(), aPostCall()];
        const claim = aClaim(end);
        expect((await executions.insertStarts([start]))[0]?.kind).to.equal('won');
        expect((await executions.insertPostCalls([end]))[0]?.kind).to.equal('won');
        expect(await executions.claimPostCalls([claim])).to.deep.equal(['won']);
        const outcomes = [anOutcome(start), aPostCallOutcome(end, claim.claim)];
        expect(await executions.recordOutcomes(outcomes)).to.deep.equal(['recorded', 'recorded']);
        expect(await executions.findStart(start.conversationUuid)).to.have.property('execution');
        expect(await agents.findAgent(agentUuid)).to.include({ agentUuid });
        expect(performance.now() - startedAtMs).to.be.below(AT_ONCE_MS);
        expect(answered, 'the changes still wait').to.equal(0);
      });
      await Promise.all(slow);
      await direct.close();
    });
  });
