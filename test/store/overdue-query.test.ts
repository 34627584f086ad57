import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { Connections } from '../../src/store/sql/connections.ts';
import { describeEachEngine } from '../support/engines.ts';
import { insertOpenRow, openBeside, openFresh, type TestDatabase } from './support.ts';

const page = readFileSync(new URL('../../docs/failure-modes.md', import.meta.url), 'utf8');
const HEADINGS = { sqlite: /^On SQLite\b.*:$/m, mariadb: /^On MySQL and MariaDB:$/m };
const START_BY_MS = 86_400_000;
const MARGIN_MS = 5_000;

/** The first block of SQL below this line. */
function queryBelow(heading: RegExp): string {
  const below = page.slice(page.search(heading));
  return /```sql\n([^`]+);\n```/.exec(below)?.[1] ?? expect.fail(`no query below ${heading.source}`);
}

describeEachEngine('the query of docs/failure-modes.md for what is overdue', (engine) => {
  let db: TestDatabase;
  let beside: Connections;
  before(async () => {
    db = await openFresh(engine);
    beside = openBeside(db.fresh);
  });
  after(async () => {
    await beside.close();
    await db.close();
  });

  const query = async (): Promise<unknown> => {
    const [row = {}] = await beside.use((session) => session.rows(queryBelow(HEADINGS[engine.name])));
    return Object.values(row)[0];
  };
  const add = (state: 'accepted' | 'sending', agoMs: number) =>
    beside.use((session) => insertOpenRow(session, state, agoMs));
  const counts = async (count: number): Promise<void> => {
    expect(await query()).to.equal(count);
    expect(await db.database.executions.countOverdue(START_BY_MS)).to.equal(count);
  };

  it('counts as the store does: sending rows past their limit, accepted rows past their start-by', async () => {
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
    await beside.use((session) => session.change('UPDATE executions SET state = state + 2'));
    await counts(0);
  });
});
