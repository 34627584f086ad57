import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { findServerProgram, startMariadb, type MariaDb } from './mariadb.ts';

/** Is a database that one suite has for itself. */
export interface FreshDatabase {
  /** Holds the value for DATABASE_URL. It is null for the embedded SQLite in `dataDir`. */
  readonly url: string | null;
  /** Names a folder that is empty at first. */
  readonly dataDir: string;
  /** Drops the database and the folder. Close your connections first. */
  cleanup(): Promise<void>;
}

/** Is one of the databases on which every store and gRPC suite runs. */
export interface Engine {
  readonly name: 'sqlite' | 'mariadb';
  freshDatabase(): Promise<FreshDatabase>;
}

const sqlite: Engine = { name: 'sqlite', freshDatabase: () => freshFolder(null) };
const mariadb: Engine = { name: 'mariadb', freshDatabase: freshMariadb };

/** Returns the engines of this machine: SQLite always, and MariaDB by MYSQL_TEST_URL or an installed server. */
export function engines(): Engine[] {
  return hasMariadb() ? [sqlite, mariadb] : [sqlite];
}

/**
 * Describes a suite once per engine. On a machine without MariaDB its part is left out with a loud message. Under
 * CI=true the suite fails instead.
 */
export function describeEachEngine(title: string, suite: (engine: Engine) => void): void {
  for (const engine of engines()) describe(`${title} (${engine.name})`, () => suite(engine));
  if (hasMariadb()) return;
  describe(`${title} (mariadb)`, () => {
    before(() => {
      const message =
        'LEFT OUT: there is no MariaDB here (test/tools/mariadb-install.sh says how to get one)';
      if (process.env['CI'] === 'true') throw new Error(message);
      console.error(`\n*** ${title}: ${message} ***\n`);
    });
    // Mocha runs a hook only where there is a test.
    it('is left out without a MariaDB', () => {});
  });
}

function hasMariadb(): boolean {
  return externalUrl() !== undefined || findServerProgram('mariadbd') !== undefined;
}

function externalUrl(): string | undefined {
  return process.env['MYSQL_TEST_URL'] || undefined;
}

let shared: Promise<MariaDb> | undefined;

/** Returns the URL of a database on the server of this test run. The first call starts the server. */
async function serverUrl(database: string): Promise<string> {
  const external = externalUrl();
  if (external === undefined) return (await (shared ??= startMariadb())).url(database);
  const url = new URL(external);
  url.pathname = `/${database}`;
  return url.href;
}

async function freshFolder(url: string | null): Promise<FreshDatabase> {
  const dataDir = await mkdtemp(join(tmpdir(), 'callhooks-data-'));
  return { url, dataDir, cleanup: () => rm(dataDir, { recursive: true, force: true }) };
}

async function freshMariadb(): Promise<FreshDatabase> {
  const name = `callhooks_test_${randomBytes(8).toString('hex')}`;
  // This names no character set, because the tables have to bring their own, whatever the server's default is.
  await onServer(`CREATE DATABASE ${name}`);
  const folder = await freshFolder(await serverUrl(name));
  const cleanup = async () => {
    await onServer(`DROP DATABASE IF EXISTS ${name}`);
    await folder.cleanup();
  };
  return { ...folder, cleanup };
}

async function onServer(sql: string): Promise<void> {
  const connection = await createConnection(await serverUrl(''));
  try {
    await connection.query(sql);
  } finally {
    await connection.end();
  }
}
