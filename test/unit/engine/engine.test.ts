import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { createEngine, type EngineDeps } from '../../../src/engine/engine.ts';
import { DatabaseError } from '../../../src/errors.ts';

const SLOWER_THAN_A_LOST_CONNECTION_MS = 600;

/** Makes an engine that is not started, with a database whose statements all reach their time limit. */
function setUp() {
  const operations: string[] = [];
  const late = async (): Promise<never> => {
    await wait(SLOWER_THAN_A_LOST_CONNECTION_MS);
    throw new DatabaseError('away');
  };
  const statements = { nowMs: late, listMinutes: late, findStart: late };
  const engine = createEngine({
    database: { engine: 'mysql', executions: statements, agents: {}, minutes: statements, ping: late },
    limits: { maxPreCalls: 1, maxPostCalls: 1, maxBufferedBytes: 1_000 },
    newUuid: () => 'uuid',
    now: Date.now,
    onOperation: (name: string) => operations.push(name),
    onReadiness: () => undefined,
    onError: () => undefined,
  } as unknown as EngineDeps);
  return { engine, operations };
}

describe('createEngine', () => {
  it('takes the database for lost when a statement of a call reaches its time limit', async () => {
    const { engine } = setUp();
    await Promise.allSettled([engine.parts.store.findStart('c')]);
    expect(engine.figures().databaseIsThere).to.equal(false);
    engine.parts.health.close();
  });

  it('does not do so for statements that watchers and the overview need, but reports how they end', async () => {
    const { engine, operations } = setUp();
    const { endedExecutions, minutes } = engine.parts;
    const watch = endedExecutions.watch({ states: [], failureCodes: [] }, 0, new AbortController().signal);
    await Promise.allSettled([watch[Symbol.asyncIterator]().next()]);
    await Promise.allSettled([minutes.read()]);
    expect(engine.figures().databaseIsThere).to.equal(true);
    expect(operations).to.deep.equal(['nowMs', 'listMinutes']);
    engine.parts.health.close();
  });
});
