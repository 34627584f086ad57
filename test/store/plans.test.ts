import { expect } from 'chai';
import type { Connections, StatementReport } from '../../src/store/sql/connections.ts';
import { describeEachEngine, type Engine } from '../support/engines.ts';
import { HOT_STATEMENTS, type FilledDatabase, type HotStatement } from './hot-statements.ts';
import { explain } from './plan.ts';
import { fillAgents, fillExecutions } from './fill-tables.ts';
import { anAgentWithParts, aPostCall, aStart } from './samples.ts';
import { connectDirectly, openFresh, type TestDatabase } from './test-database.ts';

const OPEN_ROWS = 24_000;
const AGENTS = 2_000;

/** Returns the store, and records in `called` which of its functions are used. */
function listening<S extends object>(store: S, called: Set<unknown>): S {
  return new Proxy(store, {
    get: (target, name) => {
      called.add(name);
      return Reflect.get(target, name) as unknown;
    },
  });
}

function omit<T extends object>(all: T, name: keyof T): object {
  return Object.fromEntries(Object.entries(all).filter(([other]) => other !== name));
}

/** Returns the ways that are expected on an engine. */
function waysOn({ name }: Engine, ways: HotStatement['ways']): readonly string[] {
  return 'sqlite' in ways ? ways[name === 'sqlite' ? 'sqlite' : 'server'] : ways;
}

describeEachEngine(`the plan of each hot statement with ${OPEN_ROWS} rows`, (engine) => {
  let db: TestDatabase;
  let direct: Connections;
  let filled: FilledDatabase;
  let seen: StatementReport[] = [];
  const called = { executions: new Set<unknown>(), agents: new Set<unknown>() };

  before(async function () {
    this.timeout(120_000);
    db = await openFresh(engine, { onStatement: (report) => seen.push(report) });
    await fillExecutions(db.fresh, OPEN_ROWS);
    await fillAgents(db.fresh, AGENTS);
    direct = connectDirectly(db.fresh);
    const { executions, agents } = db.database;
    const agent = await agents.insertAgent(anAgentWithParts());
    const { agentUuid } = agent;
    const [start, postCall] = [aStart({ agentUuid }), aPostCall({ agentUuid })];
    await executions.insertStarts([start]);
    await executions.insertPostCalls([postCall]);
    filled = {
      executions: listening(executions, called.executions),
      agents: listening(agents, called.agents),
      ...{ agent, start, postCall },
      change: async (sql, ...values) => {
        await direct.use((session) => session.change(sql, values));
      },
    };
  });
  after(async () => {
    await direct.close();
    await db.close();
  });

  /** Returns the statements that a function gave to the database, each text once. */
  const statementsOf = async (run: () => Promise<unknown>): Promise<readonly StatementReport[]> => {
    seen = [];
    await run();
    const found = new Map<string, StatementReport>();
    for (const report of seen)
      if (/^(SELECT|UPDATE|DELETE|WITH|INSERT.* SELECT)/.test(report.sql) && !found.has(report.sql))
        found.set(report.sql, report);
    return [...found.values()];
  };

  for (const [name, { ways, isMysqlOnly, run }] of Object.entries(HOT_STATEMENTS))
    it(`reads by an index to ${name}`, async () => {
      const found = new Set<string>();
      for (const { sql, values } of await statementsOf(() => run(filled))) {
        const plan = await direct.use((session) => explain(engine, session, sql, values));
        expect(plan.bad, sql).to.deep.equal([]);
        for (const way of plan.ways) found.add(way);
      }
      expect([...found]).to.have.members(isMysqlOnly && engine.name === 'sqlite' ? [] : waysOn(engine, ways));
    }).timeout(30_000);

  it('is tested for every function of the stores', () => {
    // The functions for each kind of write stand for `write`.
    const all = { ...db.database, executions: omit(db.database.executions, 'write') };
    for (const name of ['executions', 'agents'] as const)
      expect([...called[name]], name).to.have.members(Object.keys(all[name]));
  });
});
