import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { Connections } from '../../src/store/sql/connections.ts';
import { describeEachEngine } from '../support/engines.ts';
import { insertOpenRow } from './fill-tables.ts';
import { connectDirectly, openFresh, type TestDatabase } from './test-database.ts';

const page = readFileSync(new URL('../../docs/failure-modes.md', import.meta.url), 'utf8');
const ON_SERVER = /^On MySQL and MariaDB:$/m;
const HEADINGS = { sqlite: /^On SQLite\b.*:$/m, mariadb: ON_SERVER, mysql: ON_SERVER };
const START_BY_MS = 86_400_000;
const MARGIN_MS = 5_000;

/** Returns the first block of SQL below a line of the page. */
function queryBelow(heading: RegExp): string {
  const below = page.slice(page.search(heading));
  return /```sql\n([^`]+);\n```/.exec(below)?.[1] ?? expect.fail(`no query below ${heading.source}`);
}

describeEachEngine('the query for overdue executions in docs/failure-modes.md', (engine) => {
  let db: TestDatabase;
  let direct: Connections;
  before(async () => {
    db = await openFresh(engine);
    direct = connectDirectly(db.fresh);
  });
  after(async () => {
    await direct.close();
    await db.close();
  });

  const query = async (): Promise<unknown> => {
    const [row = {}] = await direct.use((session) => session.rows(queryBelow(HEADINGS[engine.name])));
    return Object.values(row)[0];
  };
  const add = (state: 'accepted' | 'sending', agoMs: number) =>
    direct.use((session) => insertOpenRow(session, state, agoMs));
  const counts = async (count: number): Promise<void> => {
    expect(await query()).to.equal(count);
    expect(await db.database.executions.countOverdue(START_BY_MS)).to.equal(count);
  };

  it('counts the same rows as the store: sending past their limit, accepted past CALLHOOKS_START_BY', async () => {
    let overdue = 0;
    for (const [state, limitMs] of [
      ['sending', 0],
      ['accepted', START_BY_MS],
    ] as const) {
      await add(state, limitMs - 60_000);
      await add(state, limitMs + 1_000);
      await counts(overdue);
      await add(state, limitMs + MARGIN_MS + 1_000);
      await add(state, limitMs + MARGIN_MS + START_BY_MS);
      overdue += 2;
      await counts(overdue);
    }
    await direct.use((session) => session.change('UPDATE executions SET state = state + 2'));
    await counts(0);
  });
});
