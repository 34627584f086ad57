import { expect } from 'chai';
import { isOldVersion } from '../../src/store/sql/check-settings.ts';
import { DatabaseError } from '../../src/errors.ts';
import { describeEachEngine, engines } from '../support/engines.ts';
import { aStart, openBeside, openFresh, rejection, type TestDatabase } from './support.ts';

describeEachEngine('the settings of a database', (engine) => {
  it('are fit to keep what is promised', async () => {
    const db = await openFresh(engine);
    expect(await db.database.checkSettings()).to.deep.equal([]);
    await db.close();
  });
});

// Not on a server that others use as well.
if (engines().some(({ name }) => name === 'mariadb') && !process.env['MYSQL_TEST_URL'])
  describe('the settings of a MariaDB', () => {
    it('that weaken durability are named', async () => {
      const db = await openFresh(engines()[1] ?? expect.fail());
      const beside = openBeside(db.fresh);
      const set = (value: number) =>
        beside.use((session) => session.change(`SET GLOBAL innodb_flush_log_at_trx_commit = ${value}`));
      await set(2);
      const problems = await db.database.checkSettings();
      await set(1);
      await beside.close();
      await db.close();
      expect(problems).to.have.length(1);
      expect(problems[0]).to.match(/^innodb_flush_log_at_trx_commit is not 1/);
    });
  });

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
    it(`${version} is ${isOld ? 'too old' : 'fit'}`, () => expect(isOldVersion(version)).to.equal(isOld));
});

describe('a SQLite file that a tool of the operator holds', () => {
  let db: TestDatabase;
  const sqlite = engines()[0] ?? expect.fail();
  before(async () => {
    db = await openFresh(sqlite);
  });
  after(() => db.close());

  const whileHeld = async <T>(heldMs: number, work: () => Promise<T>): Promise<T> => {
    const beside = openBeside(db.fresh);
    const [result] = await Promise.all([
      new Promise((resolve) => setTimeout(resolve, 20)).then(work),
      beside.transaction(() => new Promise((resolve) => setTimeout(resolve, heldMs))),
    ]);
    await beside.close();
    return result;
  };

  it('is written when it is free again', async () => {
    const results = await whileHeld(300, () => db.database.executions.insertStarts([aStart()]));
    expect(results[0]?.kind).to.equal('won');
  });

  it('is busy when it stays held', async () => {
    const error = await whileHeld(4_000, () => rejection(db.database.executions.insertStarts([aStart()])));
    expect(error).to.be.instanceOf(DatabaseError).with.property('kind', 'busy');
  }).timeout(20_000);
});
