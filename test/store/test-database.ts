import { join } from 'node:path';
import type { Database } from '../../src/store/database.ts';
import type { ExecutionStore, OverdueExecution } from '../../src/store/execution-store.ts';
import { openDatabase, type DatabaseOptions } from '../../src/store/database.ts';
import type { Connections } from '../../src/store/sql/connections.ts';
import { openMysqlPool } from '../../src/store/sql/mysql.ts';
import { createMysqlConnections } from '../../src/store/sql/mysql-connections.ts';
import { createSqliteConnections, openSqliteFile } from '../../src/store/sql/sqlite-file.ts';
import type { Engine, FreshDatabase } from '../support/engines.ts';
import { byKind, type StoreByKind } from './by-kind.ts';

/** A migrated database of one suite. */
export interface TestDatabase {
  readonly database: TestedDatabase;
  readonly fresh: FreshDatabase;
  close(): Promise<void>;
}

/** A database whose executions have a function for each kind of write. */
export interface TestedDatabase extends Database {
  readonly executions: StoreByKind;
}

/** Opens a database with a function for each kind of write. */
export async function openTested(options: DatabaseOptions): Promise<TestedDatabase> {
  const database = await openDatabase(options);
  return { ...database, executions: byKind(database.executions) };
}

/** Returns the options with which `openDatabase` opens a fresh database. */
export function optionsOf({ url, dataDir }: FreshDatabase): DatabaseOptions {
  return url === null ? { dataDir } : { url };
}

/** Opens a new, migrated database. */
export async function openFresh(engine: Engine, options: DatabaseOptions = {}): Promise<TestDatabase> {
  const fresh = await engine.freshDatabase();
  const database = await openTested({ ...optionsOf(fresh), ...options });
  await database.migrate();
  return {
    database,
    fresh,
    close: async () => {
      await database.close();
      await fresh.cleanup();
    },
  };
}

/** Opens connections of the test's own, to read and change rows past the store. Close them before the database. */
export function connectDirectly({ url, dataDir }: FreshDatabase): Connections {
  return url === null
    ? createSqliteConnections(openSqliteFile(join(dataDir, 'callhooks.db'))).background
    : createMysqlConnections(openMysqlPool({ url, poolSize: 4, limitMs: 20_000, causal: false }));
}

/** Marks overdue executions interrupted, as the engine does when it runs none of them. Returns the marked ones. */
export async function interruptOverdue(
  store: Pick<ExecutionStore, 'findOverdue' | 'interruptOverdue'>,
  limit = 100,
): Promise<readonly OverdueExecution[]> {
  const overdue = await store.findOverdue(limit);
  const interrupted = await store.interruptOverdue(overdue.map(({ executionUuid }) => executionUuid));
  return overdue.filter(({ executionUuid }) => interrupted.includes(executionUuid));
}

/** Makes so many of something. */
export function times<T>(count: number, make: (at: number) => T): T[] {
  return Array.from({ length: count }, (_, at) => make(at));
}

/** Returns what a promise is rejected with, and fails when it is not rejected. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const [result] = await Promise.allSettled([promise]);
  if (result.status === 'fulfilled') throw new Error('it was not rejected');
  return result.reason;
}
