/**
 * Makes the fixtures of this release in test/fixtures/releases/VERSION/: for SQLite and for MySQL and MariaDB, the
 * database as a text, and what a server answers about it. `make release-fixture` runs it. It refuses to change the fixtures
 * of a release that is tagged.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VERSION } from '../../src/version.ts';
import { startDnsServer } from '../support/dns-server.ts';
import { engines } from '../support/engines.ts';
import { startFixtureEndpoint } from '../support/release-fixture/endpoint.ts';
import { dumpDatabase, shiftTimestamps } from '../support/release-fixture/sql-text.ts';
import { playStory } from '../support/release-fixture/story.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
// The rows of a fixture look as if they were written long ago, so that no test depends on when the fixture was made.
const LAST_DAY = Date.parse('2025-01-01T00:00:00Z');

const tags = execFileSync('git', ['tag', '--list', `v${VERSION}`], { cwd: ROOT, encoding: 'utf8' });
if (tags.trim() !== '') throw new Error(`v${VERSION} is released: its fixtures never change`);

const folder = join(ROOT, 'test/fixtures/releases', VERSION);
mkdirSync(folder, { recursive: true });
const shiftMs = Date.now() - LAST_DAY;
for (const engine of engines()) {
  const name = engine.name === 'sqlite' ? 'sqlite' : 'mysql';
  const endpoint = await startFixtureEndpoint();
  const dns = await startDnsServer((host) => (host === 'inside.example' ? ['10.1.2.3'] : 'NXDOMAIN'));
  const database = await engine.freshDatabase();
  try {
    const expectation = await playStory({ database, dnsServer: dns.address });
    const text = await dumpDatabase(database, shiftMs);
    writeFileSync(join(folder, `${name}.sql`), text);
    const expected = shiftTimestamps(expectation, shiftMs);
    writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(expected, null, 1)}\n`);
    console.log(
      `${name}: ${expectation.agents.length} agents, ${expectation.executions.length} finished executions, ` +
        `${expectation.open.length} open ones, ${text.length} bytes of SQL`,
    );
  } finally {
    await database.cleanup();
    await dns.close();
    await endpoint.close();
  }
}
// oxlint-disable-next-line unicorn/no-process-exit -- the private server ends with this process, and keeps it running until then
process.exit(0);
