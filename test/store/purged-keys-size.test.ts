import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { Connections } from '../../src/store/sql/connections.ts';
import { describeEachEngine, type Engine } from '../support/engines.ts';
import { openBeside, openFresh, type TestDatabase } from './support.ts';

const KEYS = 300_000;
const BATCH = 200;
// The whole cost in a database of 100 million purged conversations is these times 100 million.
const MOST_BYTES: Readonly<Record<Engine['name'], number>> = { sqlite: 30, mariadb: 70 };

describeEachEngine('the keys of purged executions', (engine) => {
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

  const bytes = async (): Promise<number> => {
    if (engine.name === 'sqlite') {
      const [pages] = await beside.use((session) => session.rows('PRAGMA page_count'));
      const [size] = await beside.use((session) => session.rows('PRAGMA page_size'));
      return Number(pages?.page_count) * Number(size?.page_size);
    }
    await beside.use((session) => session.rows('ANALYZE TABLE purged_keys'));
    const [row] = await beside.use((session) =>
      session.rows(
        'SELECT data_length + index_length AS bytes FROM information_schema.tables ' +
          "WHERE table_schema = DATABASE() AND table_name = 'purged_keys'",
      ),
    );
    return Number(row?.bytes);
  };

  it(`take at most ${MOST_BYTES[engine.name]} bytes each, random and sorted in batches as the purge writes them`, async () => {
    const before = await bytes();
    for (let written = 0; written < KEYS; written += BATCH) {
      const keys = Array.from({ length: BATCH }, () => randomBytes(16)).toSorted(Buffer.compare);
      await beside.transaction((session) =>
        session.change(
          `INSERT INTO purged_keys (conversation_uuid, webhook_type, purged_day) VALUES ${keys.map(() => '(?, 1, 20000)').join(', ')}`,
          keys,
        ),
      );
    }
    const each = ((await bytes()) - before) / KEYS;
    console.log(`      ${each.toFixed(1)} bytes a key (${engine.name}, ${KEYS} keys)`);
    expect(each).to.be.within(19, MOST_BYTES[engine.name]);
    // Thousands of commits: how long they take is the disk's business.
  }).timeout(120_000);
});
