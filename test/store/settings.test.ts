import { expect } from 'chai';
import { checkMysqlSettings } from '../../src/store/sql/check-settings.ts';
import type { Connections, Session } from '../../src/store/sql/connections.ts';
import { DatabaseError } from '../../src/errors.ts';
import { describeEachEngine, serverEngine, sqliteEngine } from '../support/engines.ts';
import { aStart } from './samples.ts';
import { connectDirectly, openFresh, rejection, type TestDatabase } from './test-database.ts';

describeEachEngine('the settings of a database', (engine) => {
  it('have no weakness on a new database', async () => {
    const db = await openFresh(engine);
    expect(await db.database.checkSettings()).to.deep.equal([]);
    await db.close();
  });
});

// A server that others use as well must not be changed.
const server = serverEngine();
if (server !== undefined && !process.env['MYSQL_TEST_URL'])
  describe('the settings of a server', () => {
    it('are named when they weaken durability', async () => {
      const db = await openFresh(server);
      const direct = connectDirectly(db.fresh);
      const set = (value: number) =>
        direct.use((session) => session.change(`SET GLOBAL innodb_flush_log_at_trx_commit = ${value}`));
      await set(2);
      const problems = await db.database.checkSettings();
      await set(1);
      await direct.close();
      await db.close();
      expect(problems).to.have.length(1);
      expect(problems[0]).to.match(/^innodb_flush_log_at_trx_commit is not 1/);
    });
  });

/** Returns connections to a server of this version with good settings. */
function serverOf(version: string): Connections {
  const settings = Object.entries({
    ...{ innodb_flush_log_at_trx_commit: '1', log_bin: 'OFF', max_allowed_packet: '16777216' },
  }).map(([name, value]) => ({ Variable_name: name, Value: value }));
  const rows = async (sql: string) => (sql.startsWith('SHOW') ? settings : [{ version }]);
  const use: Connections['use'] = (work) => work({ rows } as unknown as Session);
  return { use } as unknown as Connections;
}

describe('the version of a server', () => {
  const versions: readonly [string, boolean][] = [
    ['8.4.0', false],
    ['9.1.0', false],
    ['8.0.40', true],
    ['5.7.44-log', true],
    ['10.11.6-MariaDB-0+deb12u1', false],
    ['11.4.2-MariaDB', false],
    ['10.6.18-MariaDB', true],
  ];
  for (const [version, isOld] of versions)
    it(`${version} is ${isOld ? 'too old' : 'supported'}`, async () => {
      const problems = await checkMysqlSettings(serverOf(version));
      expect(problems).to.deep.equal(isOld ? [`${version} is older than MySQL 8.4 and MariaDB 10.11`] : []);
    });
});

const sqlite = sqliteEngine();
if (sqlite !== undefined)
  describe('a SQLite file that a tool of the operator has locked', () => {
    let db: TestDatabase;
    before(async () => {
      db = await openFresh(sqlite);
    });
    after(() => db.close());

    const whileLocked = async <T>(lockedMs: number, work: () => Promise<T>): Promise<T> => {
      const direct = connectDirectly(db.fresh);
      const [result] = await Promise.all([
        new Promise((resolve) => setTimeout(resolve, 20)).then(work),
        direct.transaction(() => new Promise((resolve) => setTimeout(resolve, lockedMs))),
      ]);
      await direct.close();
      return result;
    };

    it('is written when the lock is gone', async () => {
      const results = await whileLocked(300, () => db.database.executions.insertStarts([aStart()]));
      expect(results[0]?.kind).to.equal('won');
    });

    it('is busy when it stays locked', async () => {
      const error = await whileLocked(4_000, () =>
        rejection(db.database.executions.insertStarts([aStart()])),
      );
      expect(error).to.be.instanceOf(DatabaseError).with.property('kind', 'busy');
    }).timeout(20_000);
  });
