import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { Connections } from '../../src/store/sql/connections.ts';
import { describeEachEngine, type Engine } from '../support/engines.ts';
import { connectDirectly, openFresh, type TestDatabase } from './test-database.ts';

const KEYS = 300_000;
const BATCH = 200;
// A database with 100 million purged conversations needs 100 million times so many bytes.
const MOST_BYTES: Readonly<Record<Engine['name'], number>> = { sqlite: 30, mariadb: 70, mysql: 70 };

describeEachEngine('the keys of purged executions', (engine) => {
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

  const bytes = async (): Promise<number> => {
    if (engine.name === 'sqlite') {
      const [pages] = await direct.use((session) => session.rows('PRAGMA page_count'));
      const [size] = await direct.use((session) => session.rows('PRAGMA page_size'));
      return Number(pages?.page_count) * Number(size?.page_size);
    }
    await direct.use((session) => session.rows('ANALYZE TABLE purged_keys'));
    const [row] = await direct.use((session) =>
      session.rows(
        'SELECT data_length + index_length AS bytes FROM information_schema.tables ' +
          "WHERE table_schema = DATABASE() AND table_name = 'purged_keys'",
      ),
    );
    return Number(row?.bytes);
  };

  it(`take at most ${MOST_BYTES[engine.name]} bytes each when they are written in sorted batches, as by the purge`, async () => {
    const before = await bytes();
    for (let written = 0; written < KEYS; written += BATCH) {
      const keys = Array.from({ length: BATCH }, () => randomBytes(16)).toSorted(Buffer.compare);
      await direct.transaction((session) =>
        session.change(
          `INSERT INTO purged_keys (conversation_uuid, webhook_type, purged_day) VALUES ${keys.map(() => '(?, 1, 20000)').join(', ')}`,
          keys,
        ),
      );
    }
    const each = ((await bytes()) - before) / KEYS;
    console.log(`      ${each.toFixed(1)} bytes a key (${engine.name}, ${KEYS} keys)`);
    expect(each).to.be.within(19, MOST_BYTES[engine.name]);
    // Thousands of commits take as long as the disk needs.
  }).timeout(120_000);
});
