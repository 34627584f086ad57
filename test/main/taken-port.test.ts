import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect } from 'chai';
import { STATE } from '../../src/store/sql/column-values.ts';
import { insertOpenRow } from '../store/fill-tables.ts';
import { connectDirectly } from '../store/test-database.ts';
import { describeEachEngine, type FreshDatabase } from '../support/engines.ts';
import { startProcess } from '../support/server-process.ts';
import { keyOf } from '../support/test-keys.ts';

describeEachEngine('A server whose port is taken', (engine) => {
  let database: FreshDatabase;
  const env = () => ({
    CALLHOOKS_DATA_DIR: database.dataDir,
    CALLHOOKS_MIGRATE: 'true',
    ...(database.url === null
      ? {}
      : {
          DATABASE_URL: database.url,
          CALLHOOKS_ENCRYPTION_KEYS: keyOf('k1', 1),
        }),
  });
  before(async () => {
    database = await engine.freshDatabase();
    await startProcess(['migrate'], env()).ended();
  });
  after(() => database.cleanup());

  for (const setting of ['CALLHOOKS_LISTEN', 'CALLHOOKS_OPS_LISTEN'])
    it(`exits with 69, and claims and marks nothing (${setting})`, async () => {
      const beside = connectDirectly(database);
      await beside.use(async (session) => {
        await session.change('DELETE FROM executions');
        // One was left by a process that was killed; the other is the report of a webhook that was deleted.
        await insertOpenRow(session, 'sending', 60_000);
        await insertOpenRow(session, 'accepted', 0);
      });
      const other = createServer().listen(0, '127.0.0.1');
      await once(other, 'listening');
      const { port } = other.address() as AddressInfo;
      const { exitCode, stderr } = await startProcess(['serve'], {
        CALLHOOKS_LISTEN: '127.0.0.1:0',
        ...env(),
        [setting]: `127.0.0.1:${port}`,
      }).ended();
      other.close();
      expect(exitCode, stderr).to.equal(69);
      const rows = await beside.use((session) => session.rows('SELECT state FROM executions ORDER BY state'));
      await beside.close();
      expect(rows.map(({ state }) => state)).to.deep.equal([STATE.accepted, STATE.sending]);
    }).timeout(30_000);
});
