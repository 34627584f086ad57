import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { MIGRATIONS } from '../../migrations/index.ts';
import { connectDirectly } from '../store/test-database.ts';
import { describeEachEngine, type FreshDatabase } from '../support/engines.ts';
import { makeRelease, type ReleaseTree } from '../support/release-tree.ts';
import { startProcess, type ServerProcess } from '../support/server-process.ts';
import { keyOf } from '../support/test-keys.ts';
import { until } from '../support/until.ts';

const NAMES = MIGRATIONS.map(({ name }) => name);
const ALL_AT_ONCE = 8;

/** Returns the names of the migrations that a process says it has applied. */
function appliedIn(stdout: string): string[] {
  return [...stdout.matchAll(/^applied (\S+) in \d+ (?:ms|s|min)$/gm)].map(([, name = '']) => name);
}

describeEachEngine('callhooks migrate', (engine) => {
  let database: FreshDatabase;
  let next: ReleaseTree;
  before(() => {
    const add = (name: string) => ({
      ...{ name, oldestRelease: '0.1.0' },
      statement: `ALTER TABLE agents ADD COLUMN ${name} VARCHAR(64)`,
    });
    next = makeRelease({ version: '0.2.0', migrations: [add('first_label'), add('second_label')] });
  });
  after(() => next.remove());
  beforeEach(async function () {
    // It may have to start the server of this test run.
    this.timeout(60_000);
    database = await engine.freshDatabase();
  });
  afterEach(() => database.cleanup());

  const env = (more: Record<string, string> = {}) => ({
    CALLHOOKS_DATA_DIR: join(database.dataDir, 'data'),
    ...(database.url !== null && {
      DATABASE_URL: database.url,
      CALLHOOKS_ENCRYPTION_KEYS: keyOf('k1', 1),
    }),
    ...more,
  });
  const start = (args: readonly string[] = [], more = {}, main?: string): ServerProcess =>
    startProcess(['migrate', ...args], env(more), main);
  const run = (args: readonly string[] = [], more = {}, main?: string) => start(args, more, main).ended();
  const tables = async (): Promise<number> => {
    const direct = connectDirectly(database);
    const rows = await direct.use((session) =>
      session.rows(
        'SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() LIMIT 100',
      ),
    );
    await direct.close();
    return rows.length;
  };

  it('with --dry-run shows what it would do, changes nothing, and exits with 1 while migrations are pending', async () => {
    const dry = await run(['--dry-run']);
    expect([dry.exitCode, dry.stderr]).to.deep.equal([1, '']);
    for (const { name, summary } of MIGRATIONS)
      expect(dry.stdout).to.match(new RegExp(`^ {2}${name} +${summary}$`, 'm'));
    expect(dry.stdout)
      .to.contain('CREATE TABLE IF NOT EXISTS agents (')
      .and.to.contain('callhooks 0.1.0 and newer work with the schema after that')
      .and.to.contain('nothing was changed');
    if (database.url === null) expect(existsSync(join(database.dataDir, 'data'))).to.equal(false);
    else expect(await tables()).to.equal(0);
    const { exitCode, stdout } = await run();
    expect([exitCode, appliedIn(stdout)]).to.deep.equal([0, NAMES]);
    expect(stdout).to.contain(`${NAMES.length} migrations are pending`).and.not.to.contain('CREATE TABLE');
    const again = await run(['--dry-run']);
    expect([again.exitCode, again.stdout.split('\n').at(-2)]).to.deep.equal([0, 'the schema is up to date']);
  }).timeout(30_000);

  it(`applies each migration once when ${ALL_AT_ONCE} processes run at once`, async () => {
    const ends = await Promise.all(Array.from({ length: ALL_AT_ONCE }, () => run()));
    expect(ends.map(({ exitCode, stderr }) => [exitCode, stderr])).to.deep.equal(ends.map(() => [0, '']));
    expect(ends.flatMap(({ stdout }) => appliedIn(stdout)).toSorted()).to.deep.equal(NAMES);
  }).timeout(60_000);

  it('says that the schema is ahead when a newer release has migrated it', async () => {
    await run([], {}, next.main);
    const { exitCode, stdout } = await run();
    expect(exitCode).to.equal(0);
    expect(stdout).to.contain(
      `the schema is ahead of callhooks 0.1.0, which still works with it: ${next.added.join(', ')}\n`,
    );
  }).timeout(30_000);

  if (engine.name === 'sqlite') return;

  /** Migrates to this release and locks the table that the next one changes, so that its first migration has to wait. */
  async function lockAgents(): Promise<{ unlock: () => Promise<void> }> {
    await run();
    const direct = connectDirectly(database);
    const { promise: locked, resolve: hasLocked } = Promise.withResolvers<void>();
    const { promise: mayUnlock, resolve: unlock } = Promise.withResolvers<void>();
    const holding = direct.use(async (session) => {
      await session.change('LOCK TABLES agents WRITE');
      hasLocked();
      await mayUnlock;
      await session.change('UNLOCK TABLES');
    });
    await locked;
    return {
      unlock: async () => {
        unlock();
        await holding;
        await direct.close();
      },
    };
  }
  /** Waits until the statement of a migration waits for the locked table. */
  const untilItWaits = async (): Promise<void> => {
    const direct = connectDirectly(database);
    await until('a migration to wait for the table', async () => {
      const rows = await direct.use((session) =>
        session.rows("SELECT 1 FROM information_schema.processlist WHERE info LIKE 'ALTER TABLE agents%'"),
      );
      return rows.length > 0;
    });
    await direct.close();
  };
  const change = async (sql: string): Promise<void> => {
    const direct = connectDirectly(database);
    await direct.use((session) => session.change(sql));
    await direct.close();
  };

  it('waits for another process that migrates, says for whom, and has nothing to do afterwards', async () => {
    const { unlock } = await lockAgents();
    const first = start([], { CALLHOOKS_INSTANCE: 'pod-a' }, next.main);
    await untilItWaits();
    const second = start([], { CALLHOOKS_INSTANCE: 'pod-b' }, next.main);
    await second.printed(
      /^waiting: pod-a \(callhooks 0\.2\.0\) has been migrating this database for \d+ m?s; /m,
    );
    await unlock();
    const ends = [await first.ended(), await second.ended()];
    expect(ends.map(({ exitCode, stdout }) => [exitCode, appliedIn(stdout)])).to.deep.equal([
      [0, next.added],
      [0, []],
    ]);
  }).timeout(30_000);

  it('takes over 30 s after the last sign of life of a process that was killed in a migration', async () => {
    const { unlock } = await lockAgents();
    const killed = start([], { CALLHOOKS_INSTANCE: 'pod-a' }, next.main);
    await untilItWaits();
    killed.kill('SIGKILL');
    expect((await killed.ended()).signal).to.equal('SIGKILL');
    await unlock();
    const second = start([], {}, next.main);
    await second.printed(/^waiting: pod-a .* \(this process takes over after 30 s without one\)$/m);
    await change('UPDATE schema_lock SET heartbeat_at = heartbeat_at - 30000');
    const { exitCode, stdout } = await second.ended();
    // The server may have made the change for the killed process. Its note is written in any case.
    expect([exitCode, appliedIn(stdout)]).to.deep.equal([0, next.added]);
  }).timeout(30_000);

  it('ends after the running statement at SIGTERM, with 143, and says what is left', async () => {
    const { unlock } = await lockAgents();
    const stopped = start([], {}, next.main);
    await untilItWaits();
    stopped.kill('SIGTERM');
    await stopped.printed(/^SIGTERM: the statement that runs is finished first/m);
    await unlock();
    const { exitCode, stdout } = await stopped.ended();
    expect([exitCode, appliedIn(stdout)]).to.deep.equal([143, next.added.slice(0, 1)]);
    expect(stdout).to.contain(`left for the next run: ${next.added[1]}\n`);
    // The lock is free again.
    const rest = await run([], {}, next.main);
    expect([rest.exitCode, appliedIn(rest.stdout)]).to.deep.equal([0, next.added.slice(1)]);
  }).timeout(30_000);

  it('ends at once at a second signal', async () => {
    const { unlock } = await lockAgents();
    const stopped = start([], {}, next.main);
    await untilItWaits();
    stopped.kill('SIGINT');
    await stopped.printed(/^SIGINT: /m);
    stopped.kill('SIGINT');
    expect((await stopped.ended()).exitCode).to.equal(130);
    await unlock();
  }).timeout(30_000);

  it('notes a change that was made before, but not noted', async () => {
    await run([], {}, next.main);
    await change(`DELETE FROM schema_migrations WHERE name = '${next.added[1]}'`);
    const { exitCode, stdout } = await run([], {}, next.main);
    expect([exitCode, appliedIn(stdout)]).to.deep.equal([0, next.added.slice(1)]);
  }).timeout(30_000);

  for (const { granted, missing, name } of [
    { granted: 'SELECT, INSERT, UPDATE, DELETE', missing: 'CREATE', name: 'reader' },
    { granted: 'SELECT, INSERT, UPDATE, DELETE, CREATE', missing: 'ALTER', name: 'maker' },
  ])
    it(`exits with 78 and names the privilege ${missing} when its user lacks it`, async () => {
      if (missing === 'ALTER') await run();
      const user = `callhooks_${name}`;
      const url = new URL(database.url as string);
      await change(`CREATE USER '${user}'@'%' IDENTIFIED BY 'pw'`);
      try {
        await change(`GRANT ${granted} ON ${url.pathname.slice(1)}.* TO '${user}'@'%'`);
        [url.username, url.password] = [user, 'pw'];
        const { exitCode, stderr } = await run([], { DATABASE_URL: url.href }, next.main);
        expect(exitCode, stderr).to.equal(78);
        expect(stderr)
          .to.contain(`the user of DATABASE_URL lacks the privilege ${missing}`)
          .and.not.to.contain(user);
      } finally {
        await change(`DROP USER '${user}'@'%'`);
      }
    }).timeout(30_000);
});
