import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import type { StatementReport } from '../../src/store/connections.ts';
import type { Value } from '../../src/store/dialect.ts';
import type { ExecutionStore } from '../../src/store/types.ts';
import { describeEachEngine } from '../support/engines.ts';
import * as make from './support.ts';
import { aClaim, aStart, anEnd, anEndOutcome, anOutcome, openFresh, times } from './support.ts';

const OPEN_ROWS = 24_000;
const FAILURE = { code: 'EXPIRED', message: 'too old', sent: 'no' } as const;
const ALL = { states: [], failureCodes: [] };

const hot: Readonly<Record<string, (store: ExecutionStore) => Promise<unknown>>> = {
  'claims of pre-calls': (store) => store.insertStarts(times(50, () => aStart())),
  'accepts of post-calls': (store) => store.insertEnds(times(50, () => anEnd())),
  'claims of post-calls, with losers': (store) => store.claimEnds(times(50, () => aClaim(anEnd()))),
  'outcomes, with losers': (store) => store.recordOutcomes(times(50, () => anOutcome(aStart()))),
  'outcomes of pre-calls and post-calls': async (store) => {
    const starts = times(20, () => aStart());
    const ends = times(20, () => anEnd());
    await store.insertStarts(starts);
    await store.insertEnds(ends);
    const claims = ends.map((end) => aClaim(end));
    await store.claimEnds(claims);
    const ofEnds = claims.map(({ claim }, at) => anEndOutcome(ends[at] ?? anEnd(), claim));
    await store.recordOutcomes([...starts.map((start) => anOutcome(start, { assigned: {} })), ...ofEnds]);
  },
  'the look for a start': (store) => store.findStart(randomUUID()),
  'the look for an end': (store) => store.findEnd(randomUUID()),
  'the look for a conversation': (store) => store.findConversation(randomUUID()),
  'the look for facts': (store) => store.findFacts(randomUUID()),
  'the look for an execution': (store) => store.findExecution(randomUUID()),
  'the look for chaining': (store) => store.isSending(randomUUID()),
  'the look for ended starts': (store) => store.findEndedStarts(times(50, () => randomUUID())),
  'the look for waiting webhooks': (store) => store.listWaitingWebhooks(),
  'the look for waiting post-calls': async (store) => {
    const [webhook] = await store.listWaitingWebhooks();
    await store.listWaitingEnds(webhook?.webhookUuid ?? randomUUID(), 100);
  },
  'the ends of post-calls that are never sent': (store) =>
    store.endUnsent(
      times(50, () => randomUUID()),
      FAILURE,
    ),
  'disowning a start': (store) => store.disownStart(randomUUID()),
  'labels of what is overdue': async (store) => {
    await store.insertStarts(times(50, () => make.aStartWithLimit(-9_000)));
    await store.labelOverdue(100);
  },
  'the count of what is overdue': (store) => store.countOverdue(60_000),
  'the count of what waits': (store) => store.countWaiting(2_000),
  'a page of a conversation': (store) => store.listExecutions({ ...ALL, conversationUuid: randomUUID() }, 50),
  'a page of an agent': (store) => store.listExecutions({ ...ALL, agentUuid: randomUUID() }, 50),
  'a page of all': (store) => store.listExecutions(ALL, 50),
  'a later page of all': (store) =>
    store.listExecutions(ALL, 50, { acceptedAtMs: Date.now() + 2_000, executionUuid: randomUUID() }),
  'the purge': async (store) => {
    const starts = times(60, () => aStart());
    await store.insertStarts(starts);
    await store.recordOutcomes(starts.map((start) => anOutcome(start, { durationMs: -7_200_000 })));
    expect(await store.purge(Date.now() - 3_600_000, 50)).to.equal(50);
  },
};

// Tables of the schema under the names that statements give them; the others are made by the statement itself.
const TABLES = /^(executions|execution_\w+|purged_keys|e|p|s|r)$/;
const MOST_ROWS = 5_100;

interface Explained {
  readonly plan: readonly Readonly<Record<string, unknown>>[];
  readonly sql: string;
}

const badStepsOnSqlite = ({ plan, sql }: Explained): readonly string[] =>
  plan
    .map((step) => String(step.detail))
    .filter((detail) => {
      const [, table = '', index] =
        /^SCAN (\S+)( USING (?:COVERING )?INDEX executions_by_time)?/.exec(detail) ?? [];
      // In the order of its index a list reads no further than its LIMIT.
      return (
        (TABLES.test(table) && !(index !== undefined && sql.includes('LIMIT'))) ||
        detail.includes('TEMP B-TREE FOR ORDER')
      );
    });

const badStepsOnMysql = ({ plan, sql }: Explained): readonly string[] =>
  plan
    .filter(({ table, type, rows, key, Extra }) => {
      if (!TABLES.test(String(table))) return false;
      // In the order of its index a list reads no further than its LIMIT.
      const isBounded = sql.includes('LIMIT') && !/filesort|temporary/.test(String(Extra));
      const isList = isBounded && key === 'executions_by_time';
      return type === 'ALL' || (type === 'index' && !isList) || (Number(rows) > MOST_ROWS && !isBounded);
    })
    .map((step) => JSON.stringify(step));

// Of a conversation there are two rows to sort.
const isSmallSort = (sql: string): boolean =>
  sql.includes('executions_by_conversation') || /conversation_uuid = \?/.test(sql);

describeEachEngine(`the plan of every hot statement with ${OPEN_ROWS} rows`, (engine) => {
  let db: make.TestDatabase;
  let seen: StatementReport[] = [];

  before(async function () {
    this.timeout(120_000);
    db = await openFresh(engine, { onStatement: (report) => seen.push(report) });
    await make.fillExecutions(db.fresh, OPEN_ROWS);
  });
  after(() => db.close());

  const explain = async (sql: string, values: readonly Value[]): Promise<Explained> => {
    const beside = make.openBeside(db.fresh);
    const word = engine.name === 'sqlite' ? 'EXPLAIN QUERY PLAN' : 'EXPLAIN';
    const plan = await beside.use((session) => session.rows(`${word} ${sql}`, values));
    await beside.close();
    return { plan, sql };
  };

  for (const [name, run] of Object.entries(hot))
    it(`walks no table for ${name}`, async () => {
      seen = [];
      await run(db.database.executions);
      const statements = new Map(
        seen
          .filter(({ sql }) => /^(SELECT|UPDATE|DELETE|WITH)/.test(sql))
          .map((report): [string, StatementReport] => [report.sql, report]),
      );
      if (!name.includes('accepts') && !name.includes('claims of pre'))
        expect(statements.size).to.be.above(0);
      for (const { sql, values } of statements.values()) {
        const explained = await explain(sql, values);
        const bad = engine.name === 'sqlite' ? badStepsOnSqlite(explained) : badStepsOnMysql(explained);
        const steps = bad.filter((step) => !(step.includes('TEMP B-TREE') && isSmallSort(sql)));
        expect(steps, `${sql}\n${JSON.stringify(explained.plan, null, 1)}`).to.deep.equal([]);
      }
    });

  it('finds rows by their key for outcomes and claims, not by their state', async () => {
    seen = [];
    const [starts, ends] = [times(5, () => aStart()), times(5, () => anEnd())];
    await db.database.executions.insertStarts(starts);
    await db.database.executions.insertEnds(ends);
    await db.database.executions.recordOutcomes(starts.map((start) => anOutcome(start)));
    await db.database.executions.claimEnds(ends.map((end) => aClaim(end)));
    const updates = seen.filter(({ sql }) => sql.startsWith('UPDATE'));
    expect(updates).to.have.length(2);
    for (const { sql, values } of updates) {
      const { plan } = await explain(sql, values);
      const text = JSON.stringify(plan);
      expect(text).to.match(
        engine.name === 'sqlite' ? /SEARCH executions USING PRIMARY KEY/ : /"key":"PRIMARY"/,
      );
      expect(text).not.to.include('executions_by_state');
    }
  });
});
