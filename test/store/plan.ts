import type { Session } from '../../src/store/sql/connections.ts';
import type { Value } from '../../src/store/sql/dialect.ts';
import type { Engine } from '../support/engines.ts';

/** How one statement reaches the tables of the schema. */
export interface Plan {
  /**
   * How each table is reached. `e by executions_by_state`: rows of `e` are looked up in that index. `e along …`: rows are
   * read in its order from its start. Tables have the names that the statement gives them.
   */
  readonly ways: readonly string[];
  /** The steps that no hot statement may have, in the words of the engine. */
  readonly bad: readonly string[];
}

type Step = Readonly<Record<string, unknown>>;

// Tables of the schema under the names that statements give them. Other tables are derived by the statement itself.
const TABLES =
  /^(executions|execution_\w+|purged_keys|agents|agent_secrets|webhooks|webhook_headers|[eprsahwodv])$/;
// How many rows a statement without LIMIT may read, by the optimizer's estimate. It is less than the open rows of one state.
const MOST_ROWS = 5_100;

/** Returns the engine's plan for a statement, without running it. */
export async function explain(
  { name }: Engine,
  session: Session,
  sql: string,
  values: readonly Value[],
): Promise<Plan> {
  // MySQL explains as a tree by default.
  const word = name === 'sqlite' ? 'EXPLAIN QUERY PLAN' : 'EXPLAIN FORMAT=TRADITIONAL';
  const steps = await session.rows(`${word} ${sql}`, values);
  const { ways, bad } = name === 'sqlite' ? readSqlite(steps, sql) : readMysql(steps, sql);
  return { ways, bad: [...bad, ...badWays(ways, sql)] };
}

function badWays(ways: readonly string[], sql: string): readonly string[] {
  return ways.filter((way) => {
    // By an index of states or webhooks, a change of a few rows would read, and lock, all open rows.
    if (!sql.startsWith('SELECT') && !sql.startsWith('WITH'))
      return !/ by (PRIMARY|executions_by_conversation)$/.test(way);
    // A list in the order of its index reads no further than its LIMIT.
    return way.includes(' along ') && !sql.includes('LIMIT');
  });
}

// A conversation has two rows to sort, and an agent two webhooks.
function isSmallSort(sql: string): boolean {
  return /executions_by_conversation|WHERE e\.conversation_uuid = \?|FROM webhooks WHERE agent_uuid = \?/.test(
    sql,
  );
}

function readSqlite(steps: readonly Step[], sql: string): Plan {
  const details = steps.map(({ detail }) => String(detail));
  const ways = details.flatMap((detail) => {
    const [, verb, table = ''] = /^(SCAN|SEARCH) (\S+)/.exec(detail) ?? [];
    const [, index] = / USING (?:COVERING )?INDEX (\S+)/.exec(detail) ?? [];
    // The table itself has the order of the primary key.
    return TABLES.test(table) ? [`${table} ${verb === 'SEARCH' ? 'by' : 'along'} ${index ?? 'PRIMARY'}`] : [];
  });
  const bad = details.filter(
    (detail) => detail.includes('AUTOMATIC') || (detail.includes('TEMP B-TREE FOR') && !isSmallSort(sql)),
  );
  return { ways, bad };
}

function readMysql(steps: readonly Step[], sql: string): Plan {
  // MySQL also lists the table that rows are inserted into, without a way to it.
  const known = steps.filter((step) => TABLES.test(String(step.table)) && step.select_type !== 'INSERT');
  const isSort = ({ Extra }: Step): boolean => /filesort|temporary/.test(String(Extra));
  return {
    ways: known.map(({ table, type, key }) => [table, type === 'index' ? 'along' : 'by', key].join(' ')),
    bad: known
      .filter(
        (step) =>
          step.type === 'ALL' ||
          (isSort(step) && !isSmallSort(sql)) ||
          (Number(step.rows) > MOST_ROWS && !sql.includes('LIMIT')),
      )
      .map((step) => JSON.stringify(step)),
  };
}
