import { expect } from 'chai';
import { createConnection } from 'mysql2/promise';
import { DatabaseError } from '../../src/errors.ts';
import type { Connections } from '../../src/store/sql/connections.ts';
import { MYSQL_KINDS, mysqlKindOf, SQLITE_KINDS, sqliteKindOf } from '../../src/store/sql/driver-errors.ts';
import { openMysqlPool } from '../../src/store/sql/mysql.ts';
import { createMysqlConnections } from '../../src/store/sql/mysql-connections.ts';
import { describeEachEngine, serverEngine, type FreshDatabase } from '../support/engines.ts';
import { anAgent, aWebhook } from './samples.ts';
import { openFresh, rejection, type TestDatabase } from './test-database.ts';

const EXPECTED: readonly [number, string][] = [
  [1213, 'conflict'],
  [1205, 'conflict'],
  [1020, 'conflict'],
  [1180, 'conflict'],
  [1206, 'conflict'],
  [1412, 'conflict'],
  [1969, 'conflict'],
  [3024, 'conflict'],
  [3100, 'conflict'],
  [3101, 'conflict'],
  [1047, 'away'],
  [1053, 'away'],
  [1317, 'away'],
  [1927, 'away'],
  [2006, 'away'],
  [2013, 'away'],
  [3169, 'away'],
  [3796, 'away'],
  [3797, 'away'],
  [3798, 'away'],
  [3799, 'away'],
  [4031, 'away'],
  [1040, 'away'],
  [1203, 'away'],
  [1290, 'away'],
  [1792, 'away'],
  [1836, 'away'],
  [1021, 'full'],
  [1114, 'full'],
  [1406, 'row'],
  [1366, 'row'],
  [1264, 'row'],
  [1265, 'row'],
  [3140, 'row'],
  [1153, 'row'],
];

describe('the kinds of driver errors', () => {
  it('are tested for each number of the table', () => {
    expect([...MYSQL_KINDS.keys()].toSorted()).to.deep.equal(EXPECTED.map(([errno]) => errno).toSorted());
  });

  for (const [errno, kind] of EXPECTED)
    it(`are ${kind} for the number ${errno} of MySQL, whatever name the driver gives it`, () => {
      expect(mysqlKindOf(Object.assign(new Error('x'), { errno, code: 'ER_WRONG_NAME' }))).to.equal(kind);
    });

  const others: readonly [string, unknown, string][] = [
    ['a reset connection', { errno: -104, code: 'ECONNRESET' }, 'away'],
    ['a refused connection', { errno: -111, code: 'ECONNREFUSED' }, 'away'],
    ['a connection that the driver lost', { code: 'PROTOCOL_CONNECTION_LOST', fatal: true }, 'away'],
    ['a connection in closed state', { fatal: true }, 'away'],
    ["a proxy's word that the connection is gone", { errno: 9001, sqlState: '08S01' }, 'away'],
    ['a rollback with a number that is not known', { errno: 4444, sqlState: '40001' }, 'conflict'],
    ['a fatal error that is not known', { errno: 4444, sqlState: 'HY000', fatal: true }, 'away'],
    ['a duplicate key', { errno: 1062, code: 'ER_DUP_ENTRY' }, 'bug'],
    ['a syntax error', { errno: 1064 }, 'bug'],
    ['a mistake of our own', new TypeError('x is not a function'), 'bug'],
    ['a mistake that Node found', { code: 'ERR_INVALID_ARG_TYPE' }, 'bug'],
    ['nothing', undefined, 'bug'],
  ];
  for (const [name, error, kind] of others)
    it(`are ${kind} for ${name} on MySQL`, () => expect(mysqlKindOf(error)).to.equal(kind));

  const onSqlite: readonly [string, string][] = [
    ['SQLITE_BUSY', 'busy'],
    ['SQLITE_BUSY_SNAPSHOT', 'busy'],
    ['SQLITE_LOCKED_SHAREDCACHE', 'conflict'],
    ['SQLITE_PROTOCOL', 'conflict'],
    ['SQLITE_NOMEM', 'away'],
    ['SQLITE_READONLY_DBMOVED', 'away'],
    ['SQLITE_FULL', 'full'],
    ['SQLITE_TOOBIG', 'row'],
    ['SQLITE_IOERR_FSYNC', 'away'],
    ['SQLITE_CANTOPEN', 'away'],
    ['SQLITE_CONSTRAINT_UNIQUE', 'bug'],
    ['SQLITE_CORRUPT', 'bug'],
    ['SQLITE_ERROR', 'bug'],
  ];
  for (const [code, kind] of onSqlite)
    it(`are ${kind} for ${code}`, () => expect(sqliteKindOf({ code })).to.equal(kind));
  it('of SQLite are tested for each code of the table', () => {
    const tested = onSqlite
      .filter(([, kind]) => kind !== 'bug')
      .map(([code]) => /^SQLITE_[A-Z]+/.exec(code)?.[0]);
    expect(new Set(tested)).to.deep.equal(new Set(SQLITE_KINDS.keys()));
  });
});

describeEachEngine('an error of the database', (engine) => {
  let db: TestDatabase;
  before(async () => {
    db = await openFresh(engine);
  });
  after(() => db.close());

  it('reaches the caller as a DatabaseError whose message has no SQL, values or driver text', async () => {
    const agent = anAgent();
    // These are two webhooks of one type, which no caller may insert.
    const webhooks = [aWebhook(agent.agentUuid), aWebhook(agent.agentUuid)];
    const error = (await rejection(db.database.agents.insertAgent({ ...agent, webhooks }))) as DatabaseError;
    expect(error).to.be.instanceOf(DatabaseError);
    expect(error.message).to.equal('database: bug');
    expect(error.cause).to.be.instanceOf(Error);
  });
});

const server = serverEngine();
if (server !== undefined)
  describe('errors of a real server', () => {
    let fresh: FreshDatabase;
    let connections: Connections;
    before(async () => {
      fresh = await server.freshDatabase();
      const pool = openMysqlPool({ url: fresh.url ?? '', poolSize: 4, limitMs: 5_000, causal: true });
      connections = createMysqlConnections(pool);
      await connections.use(async (session) => {
        await session.change('CREATE TABLE t (id INT PRIMARY KEY, word VARCHAR(4), n INT) ENGINE=InnoDB');
        await session.change("INSERT INTO t VALUES (1, 'a', 0), (2, 'b', 0)");
      });
    });
    after(async () => {
      await connections.close();
      await fresh.cleanup();
    });

    const kindOf = async (sql: string): Promise<string> =>
      ((await rejection(connections.use((session) => session.change(sql)))) as DatabaseError).kind;

    it('are row for bad rows, bug for bugs, and away for killed queries', async () => {
      expect(await kindOf("INSERT INTO t VALUES (3, 'too long', 0)")).to.equal('row');
      expect(await kindOf("INSERT INTO t VALUES (3, 'c', 'no number')")).to.equal('row');
      expect(await kindOf("INSERT INTO t VALUES (3, 'c', 99999999999)")).to.equal('row');
      expect(await kindOf("INSERT INTO t SELECT * FROM (SELECT 3, 'too long', 0) AS r")).to.equal('row');
      expect(await kindOf("INSERT INTO t VALUES (1, 'a', 0)")).to.equal('bug');
      expect(await kindOf('SELECT * FROM nowhere')).to.equal('bug');
      expect(await kindOf('KILL QUERY CONNECTION_ID()')).to.equal('away');
      expect(await kindOf('KILL CONNECTION_ID()')).to.equal('away');
    });

    it('make a deadlocked transaction run again until both are done', async () => {
      let arrived = 0;
      let tries = 0;
      const bothHoldOne = async (): Promise<void> => {
        arrived += 1;
        for (let turn = 0; arrived < 2 && turn < 500; turn += 1)
          await new Promise((resolve) => setTimeout(resolve, 2));
      };
      const add = (first: number, second: number) =>
        connections.transaction(async (session) => {
          tries += 1;
          await session.change(`UPDATE t SET n = n + 1 WHERE id = ${first}`);
          await bothHoldOne();
          await session.change(`UPDATE t SET n = n + 1 WHERE id = ${second}`);
        });
      await Promise.all([add(1, 2), add(2, 1)]);
      const rows = await connections.use((session) => session.rows('SELECT n FROM t ORDER BY id'));
      expect(rows.map(({ n }) => n)).to.deep.equal([2, 2]);
      expect(tries).to.be.above(2);
    });

    it('are conflict when a row stays locked', async () => {
      await connections.transaction(async (session) => {
        await session.change('UPDATE t SET n = n + 1 WHERE id = 1');
        expect(await kindOf('UPDATE t SET n = n + 1 WHERE id = 1')).to.equal('conflict');
      });
    }).timeout(20_000);

    it('are conflict, and not away, when a dump has locked the table', async () => {
      const dump = await createConnection({ uri: fresh.url ?? '' });
      await dump.query('LOCK TABLES t READ');
      const kind = await kindOf('UPDATE t SET n = n + 1 WHERE id = 1');
      await dump.end();
      expect(kind).to.equal('conflict');
    }).timeout(20_000);
  });
