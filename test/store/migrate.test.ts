import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MIGRATIONS } from '../../migrations/index.ts';
import { ConfigError } from '../../src/errors.ts';
import type { MigrationEvent } from '../../src/store/migrate.ts';
import { openDatabase, openMigrated } from '../../src/store/database.ts';
import { describeEachEngine, type FreshDatabase } from '../support/engines.ts';
import { until } from '../support/until.ts';
import { anAgent } from './samples.ts';
import { connectDirectly, optionsOf, rejection } from './test-database.ts';

const NAMES = MIGRATIONS.map(({ name }) => name);

/** Runs a piece of code in a process of its own. It may use `openDatabase` and `options`. */
function runElsewhere(fresh: FreshDatabase, code: string) {
  const script =
    `import { openDatabase } from ${JSON.stringify(new URL('../../src/store/database.ts', import.meta.url).href)};\n` +
    `const options = ${JSON.stringify(optionsOf(fresh))};\n${code}`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (data) => (output += String(data)));
  child.stderr.on('data', (data) => (errors += String(data)));
  return { child, exited: once(child, 'close'), output: () => output, errors: () => errors };
}

describe('the list of migrations', () => {
  it('is numbered without gaps', () => {
    expect(NAMES.map((name) => Number(name.slice(0, 4)))).to.deep.equal(NAMES.map((_, at) => at + 1));
  });

  it('gives MySQL one repeatable statement for each migration', () => {
    for (const { name, statements } of MIGRATIONS) {
      expect(statements('mysql'), name).to.have.length(1);
      for (const engine of ['mysql', 'sqlite'] as const)
        for (const statement of statements(engine)) expect(statement).to.include('IF NOT EXISTS');
    }
  });
});

describeEachEngine('migrations', (engine) => {
  let fresh: FreshDatabase;
  beforeEach(async () => {
    fresh = await engine.freshDatabase();
  });
  afterEach(() => fresh.cleanup());

  it('are pending on an empty database, and none is pending after they were applied in order', async () => {
    const database = await openDatabase(optionsOf(fresh));
    const before = await database.schemaPlan();
    expect(before.pending.map(({ name }) => name)).to.deep.equal(NAMES);
    expect([before.oldestRelease, before.oldestReleaseAfter]).to.deep.equal([undefined, '0.1.0']);
    expect(await database.migrate()).to.deep.equal(NAMES);
    expect(await database.migrate()).to.deep.equal([]);
    expect(await database.schemaPlan()).to.deep.equal({
      ...{ pending: [], newer: [] },
      ...{ oldestRelease: '0.1.0', oldestReleaseAfter: '0.1.0' },
    });
    await database.close();
  });

  it('of a newer release are not pending, and name the oldest release that works with them', async () => {
    const database = await openDatabase(optionsOf(fresh));
    await database.migrate();
    const direct = connectDirectly(fresh);
    await direct.use((session) =>
      session.change(
        "INSERT INTO schema_migrations VALUES ('0099_later', '0.10.0', 1), ('0100_later', '0.9.1', 2)",
      ),
    );
    await direct.close();
    expect(await database.schemaPlan()).to.deep.equal({
      ...{ pending: [], newer: ['0099_later', '0100_later'] },
      ...{ oldestRelease: '0.10.0', oldestReleaseAfter: '0.10.0' },
    });
    await database.close();
  });

  for (const { title, oldest, release, isRefused } of [
    { title: 'older than the oldest', oldest: '0.10.0', release: '0.9.1', isRefused: true },
    { title: 'a pre-release of the oldest', oldest: '0.10.0', release: '0.10.0-rc.1', isRefused: true },
    { title: 'the oldest', oldest: '0.10.0', release: '0.10.0', isRefused: false },
    { title: 'newer than the oldest', oldest: '0.10.0', release: '0.11.0', isRefused: false },
  ])
    it(`of a newer release ${isRefused ? 'refuse' : 'accept'} a release that is ${title}, and change nothing`, async () => {
      const database = await openDatabase(optionsOf(fresh));
      await database.migrate();
      const direct = connectDirectly(fresh);
      await direct.use(async (session) => {
        await session.change("INSERT INTO schema_migrations VALUES ('0099_later', ?, 1)", [oldest]);
        // This release would apply it.
        if (isRefused) await session.change("DELETE FROM schema_migrations WHERE name = '0010_purged_keys'");
      });
      await database.close();
      const opening = openMigrated({ ...optionsOf(fresh), migrate: true, release });
      if (isRefused) {
        const error = await rejection(opening);
        expect(error).to.be.instanceOf(ConfigError);
        expect((error as ConfigError).message)
          .to.include(oldest)
          .and.include(release);
        expect((error as ConfigError).message).to.match(/start callhooks 0\.10\.0 or newer/);
      } else await (await opening).close();
      const applied = await direct.use((session) => session.rows('SELECT name FROM schema_migrations'));
      expect(applied).to.have.length(isRefused ? NAMES.length : NAMES.length + 1);
      await direct.close();
    });

  it('are applied again after a kill between a statement and its note', async () => {
    const database = await openDatabase(optionsOf(fresh));
    await database.migrate();
    const direct = connectDirectly(fresh);
    await direct.use((session) => session.change("DELETE FROM schema_migrations WHERE name >= '0006'"));
    await direct.close();
    expect(await database.migrate()).to.deep.equal(NAMES.slice(5));
    await database.close();
  });

  it('wait while another process migrates, and take the lock over when its heartbeat has stopped', async () => {
    const database = await openDatabase(optionsOf(fresh));
    await database.migrate();
    const direct = connectDirectly(fresh);
    const setLock = (ageMs: number) =>
      direct.use((session) =>
        session.change(
          `UPDATE schema_lock SET owner = 'someone', holder = 'replica-7', heartbeat_at = ${Date.now() - ageMs}`,
        ),
      );
    await direct.use((session) => session.change("DELETE FROM schema_migrations WHERE name >= '0010'"));
    await setLock(0);
    let done = false;
    const waits = new Set<string | undefined>();
    const onEvent = (event: MigrationEvent) => event.kind === 'waiting' && waits.add(event.owner.holder);
    // On SQLite the functions run on a thread of its own, and this process has no other to wait for.
    const migrating = database.migrate(engine.name === 'sqlite' ? undefined : { onEvent }).finally(() => {
      done = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(done).to.equal(false);
    expect([...waits]).to.deep.equal(engine.name === 'sqlite' ? [] : ['replica-7']);
    await setLock(31_000);
    expect(await migrating).to.deep.equal(NAMES.slice(9));
    await direct.close();
    await database.close();
  });

  if (engine.name !== 'sqlite')
    it('are applied once each when six processes migrate at once', async () => {
      const code =
        'const database = await openDatabase(options);\n' +
        'console.log(JSON.stringify(await database.migrate()));\nawait database.close();';
      const processes = Array.from({ length: 6 }, () => runElsewhere(fresh, code));
      await Promise.all(processes.map(({ exited }) => exited));
      expect(processes.map(({ errors }) => errors()).join('')).to.equal('');
      const applied = processes.flatMap(({ output }) => JSON.parse(output()) as string[]);
      expect(applied.toSorted()).to.deep.equal(NAMES);
    }).timeout(60_000);

  if (engine.name !== 'sqlite')
    it('make tables whose texts and ids do not depend on the server', async () => {
      const database = await openDatabase(optionsOf(fresh));
      await database.migrate();
      await database.close();
      const direct = connectDirectly(fresh);
      const rows = await direct.use((session) =>
        session.rows(
          'SELECT table_name AS name, engine AS engine, table_collation AS collation FROM information_schema.tables ' +
            "WHERE table_schema = DATABASE() AND table_name NOT LIKE 'schema%'",
        ),
      );
      await direct.close();
      expect(rows).to.have.length(NAMES.length);
      for (const { name, engine: storage, collation } of rows)
        expect([storage, collation], String(name)).to.deep.equal(['InnoDB', 'utf8mb4_bin']);
    });

  if (engine.name === 'sqlite') {
    it('reject when another process uses the data folder', async () => {
      const code =
        'const database = await openDatabase(options);\nawait database.migrate();\n' +
        "console.log('open');\nsetInterval(() => undefined, 1_000);";
      const other = runElsewhere(fresh, code);
      await until('the other process has the folder', () => other.output().includes('open'));
      const error = (await rejection(openDatabase(optionsOf(fresh)))) as Error;
      expect(error.message).to.match(/^another callhooks runs on this data folder/);
      other.child.kill('SIGKILL');
      await other.exited;
      const database = await openDatabase(optionsOf(fresh));
      expect((await database.schemaPlan()).pending).to.deep.equal([]);
      expect((await rejection(openDatabase(optionsOf(fresh)))) as Error).to.be.instanceOf(Error);
      await database.close();
      await (await openDatabase(optionsOf(fresh))).close();
    }).timeout(30_000);

    it('make a data folder that other users can not read, and keep what was written', async () => {
      const dataDir = join(fresh.dataDir, 'deep', 'er');
      const database = await openDatabase({ dataDir });
      expect(statSync(dataDir).mode & 0o777).to.equal(0o700);
      await database.migrate();
      const agent = await database.agents.insertAgent(anAgent());
      await database.close();
      const again = await openDatabase({ dataDir });
      expect(await again.agents.findAgent(agent.agentUuid)).to.deep.equal(agent);
      expect(await again.checkSettings()).to.deep.equal([]);
      await again.close();
    });

    it('reject with another error when the data folder can not be used', async function () {
      const dataDir = join(fresh.dataDir, 'file');
      if (process.getuid?.() !== 0) chmodSync(fresh.dataDir, 0o500);
      else (await import('node:fs')).writeFileSync(dataDir, '');
      const error = (await rejection(openDatabase({ dataDir }))) as Error;
      chmodSync(fresh.dataDir, 0o700);
      expect(error.message).not.to.include('another callhooks');
    });
  }
});
