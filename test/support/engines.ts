import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { findServerProgram, startMariadb } from './mariadb.ts';
import { hasMysql, startMysql } from './mysql.ts';
import type { PrivateServer } from './private-server.ts';

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
  readonly name: 'sqlite' | 'mariadb' | 'mysql';
  freshDatabase(): Promise<FreshDatabase>;
}

/** Is an engine with a server, which several replicas can share. */
export interface ServerEngine extends Engine {
  readonly name: 'mariadb' | 'mysql';
}

const SQLITE: Engine = { name: 'sqlite', freshDatabase: () => freshFolder(null) };
const SERVERS: Readonly<Record<ServerEngine['name'], ServerEngine>> = {
  mariadb: { name: 'mariadb', freshDatabase: freshOnServer },
  mysql: { name: 'mysql', freshDatabase: freshOnServer },
};

/** The server of this test run: MariaDB, or MySQL with TEST_ENGINE=mysql. */
const SERVER = SERVERS[process.env['TEST_ENGINE'] === 'mysql' ? 'mysql' : 'mariadb'];
const INSTALLER = `test/tools/${SERVER.name}-install.sh`;

/**
 * Returns the engines of this test run: SQLite, and MariaDB by MYSQL_TEST_URL or an installed server. With
 * TEST_ENGINE=mysql it is MySQL alone.
 */
export function engines(): Engine[] {
  const server = serverEngine();
  return [...(SERVER.name === 'mysql' ? [] : [SQLITE]), ...(server === undefined ? [] : [server])];
}

/** Returns the engine of this test run that has a server, if the machine has that server. */
export function serverEngine(): ServerEngine | undefined {
  return hasServer() ? SERVER : undefined;
}

/** Returns the embedded SQLite, if this test run is on it. */
export function sqliteEngine(): Engine | undefined {
  return engines().find(({ name }) => name === 'sqlite');
}

/**
 * Describes a suite once per engine. On a machine without the server its part is left out with a loud message. Under
 * CI=true the suite fails instead.
 */
export function describeEachEngine(title: string, suite: (engine: Engine) => void): void {
  for (const engine of engines()) describe(`${title} (${engine.name})`, () => suite(engine));
  if (hasServer()) return;
  describe(`${title} (${SERVER.name})`, () => {
    before(() => {
      const message = `LEFT OUT: there is no ${SERVER.name} here (${INSTALLER} says how to get one)`;
      if (process.env['CI'] === 'true') throw new Error(message);
      console.error(`\n*** ${title}: ${message} ***\n`);
    });
    // Mocha runs a hook only where there is a test.
    it(`is left out without a ${SERVER.name}`, () => {});
  });
}

/** Starts a server of the kind of this test run, with further options, for one test alone. */
export function startServer(options: readonly string[] = []): Promise<PrivateServer> {
  return SERVER.name === 'mysql' ? startMysql(options) : startMariadb(options);
}

function hasServer(): boolean {
  if (externalUrl() !== undefined) return true;
  return SERVER.name === 'mysql' ? hasMysql() : findServerProgram('mariadbd') !== undefined;
}

function externalUrl(): string | undefined {
  return process.env['MYSQL_TEST_URL'] || undefined;
}

let shared: Promise<PrivateServer> | undefined;

/** Returns the URL of a database on the server of this test run. The first call starts the server. */
async function serverUrl(database: string): Promise<string> {
  const external = externalUrl();
  if (external === undefined) return (await (shared ??= startServer())).url(database);
  const url = new URL(external);
  url.pathname = `/${database}`;
  return url.href;
}

async function freshFolder(url: string | null): Promise<FreshDatabase> {
  const dataDir = await mkdtemp(join(tmpdir(), 'callhooks-data-'));
  return { url, dataDir, cleanup: () => rm(dataDir, { recursive: true, force: true }) };
}

async function freshOnServer(): Promise<FreshDatabase> {
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
