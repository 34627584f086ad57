import { expect } from 'chai';
import { connectDirectly } from '../store/test-database.ts';
import { describeEachEngine, type FreshDatabase } from '../support/engines.ts';
import { startProcess } from '../support/server-process.ts';
import { keyOf } from '../support/test-keys.ts';

describeEachEngine('The migrations of a process', (engine) => {
  let database: FreshDatabase;
  const env = (more: Record<string, string> = {}) => ({
    CALLHOOKS_LISTEN: '127.0.0.1:0',
    CALLHOOKS_DATA_DIR: database.dataDir,
    ...(database.url === null
      ? {}
      : { DATABASE_URL: database.url, CALLHOOKS_ENCRYPTION_KEYS: keyOf('k1', 1) }),
    ...more,
  });
  const run = (command: string, more = {}) => startProcess([command], env(more)).ended();
  const serveOnce = async (more = {}): Promise<number | null> => {
    const server = startProcess(['serve'], env(more));
    await server.serving();
    server.kill('SIGTERM');
    return (await server.ended()).exitCode;
  };

  beforeEach(async function () {
    this.currentTest?.timeout(60_000);
    database = await engine.freshDatabase();
  });
  afterEach(() => database.cleanup());

  it('are applied once to an empty database, which is served afterwards', async () => {
    const first = await run('migrate');
    expect(first.exitCode, first.stderr).to.equal(0);
    expect(first.stdout).to.match(/^applied 0001/m);
    expect((await run('migrate')).stdout).to.match(/^the schema is up to date$/m);
    expect(await serveOnce()).to.equal(0);
  });

  for (const command of ['serve', 'migrate'])
    it(`let ${command} exit with 78 for the schema of a newer release, which it names`, async () => {
      await run('migrate');
      const beside = connectDirectly(database);
      await beside.use((session) =>
        session.change("INSERT INTO schema_migrations VALUES ('0099_later', '99.1.0', 1)"),
      );
      await beside.close();
      const refusing = startProcess([command], env({ CALLHOOKS_MIGRATE: 'true' }));
      void refusing.serving().then(
        () => refusing.kill('SIGKILL'),
        () => undefined,
      );
      const { exitCode, stderr } = await refusing.ended();
      expect(exitCode, stderr).to.equal(78);
      expect(stderr).to.contain('start callhooks 99.1.0 or newer');
    });

  it('are applied by serve to SQLite always, and to MariaDB with CALLHOOKS_MIGRATE', async () => {
    if (engine.name !== 'sqlite') {
      const { exitCode, stderr } = await run('serve');
      expect(exitCode, stderr).to.equal(78);
      expect(stderr)
        .to.match(/lacks \d+ migrations/)
        .and.to.contain('callhooks migrate');
    }
    expect(await serveOnce({ CALLHOOKS_MIGRATE: 'true' })).to.equal(0);
  });

  if (engine.name !== 'sqlite')
    it('are logged by serve with the time that each took', async () => {
      const server = startProcess(['serve'], env({ CALLHOOKS_MIGRATE: 'true' }));
      const line = await server.logged(({ msg }) => msg === 'applied a migration');
      expect(line).to.include({ migration: '0001_agents' });
      expect(line['duration_ms']).to.be.a('number');
      await server.serving();
      server.kill('SIGTERM');
      expect((await server.ended()).exitCode).to.equal(0);
    });

  it('let serve exit with 78 when it has another key under a known id', async () => {
    expect(
      await serveOnce({ CALLHOOKS_MIGRATE: 'true', CALLHOOKS_ENCRYPTION_KEYS: keyOf('k1', 1) }),
    ).to.equal(0);
    const { exitCode, stderr } = await run('serve', { CALLHOOKS_ENCRYPTION_KEYS: keyOf('k1', 2) });
    expect(exitCode, stderr).to.equal(78);
    expect(stderr).to.contain('the key k1 is not the one');
    expect(await serveOnce({ CALLHOOKS_ENCRYPTION_KEYS: `${keyOf('k2', 2)},${keyOf('k1', 1)}` })).to.equal(0);
  });

  it('let check-config count stored values', async () => {
    await run('migrate');
    const { stdout } = await run('check-config', { CALLHOOKS_ENCRYPTION_KEYS: keyOf('k1', 1) });
    expect(stdout).to.match(/^key k1: 0 stored values$/m);
    expect(stdout).to.match(database.url === null ? /^DATABASE_URL +not set/m : /^DATABASE_URL +set$/m);
  });
});
