import { statfs } from 'node:fs/promises';
import { createAgentStore } from './agents/agents.ts';
import type { DatabaseOptions } from './database.ts';
import { createSealedStore } from './encryption-key-store.ts';
import { createExecutionStore } from './executions/executions.ts';
import { createSqliteWrites } from './executions/sqlite-writes.ts';
import type { WriteRows } from './executions/write-rows.ts';
import { createMinuteStore } from './minute-store.ts';
import { createMigrator } from './migrate.ts';
import { checkSqliteSettings } from './sql/check-settings.ts';
import { openDataFolder } from './sql/data-folder.ts';
import { sqlite } from './sql/sqlite.ts';
import { createSqliteConnections, openSqliteFile } from './sql/sqlite-file.ts';
import type { Database } from './database.ts';
import type { ExecutionStore } from './execution-store.ts';

/** A database that writes batches as rows. `ExecutionStore.write` is made on the thread of its callers. */
export interface RowDatabase extends Omit<Database, 'executions' | 'pool'> {
  readonly executions: Omit<ExecutionStore, 'write'>;
  readonly writeRows: WriteRows;
}

/** Opens the embedded database on this thread without migrating it. Throws when another process uses its folder. */
export function openSqlite({
  dataDir,
  onStatement,
}: Pick<DatabaseOptions, 'onStatement'> & { dataDir: string }): RowDatabase {
  const folder = openDataFolder(dataDir);
  const connections = createSqliteConnections(openSqliteFile(folder.databaseFile, onStatement));
  const { callers, background } = connections;
  const writes = createSqliteWrites(connections);
  const { plan, migrate } = createMigrator(background, sqlite);
  return {
    engine: 'sqlite',
    agents: createAgentStore(callers, background, sqlite),
    sealed: createSealedStore(background, sqlite),
    executions: createExecutionStore({ writes: callers, reads: callers, admin: background }, sqlite),
    minutes: createMinuteStore(background),
    writeRows: writes.writeRows,
    ping: async () => {
      // A disk that takes no writes refuses this one, which changes nothing.
      await callers.use((session) => session.change('UPDATE executions SET state = state WHERE 1 = 0'));
    },
    schemaPlan: plan,
    migrate,
    freeBytes: async () => {
      const { bavail, bsize } = await statfs(dataDir);
      return bavail * bsize;
    },
    describeServer: () => Promise.resolve(undefined),
    systemName: () => Promise.resolve('sqlite'),
    checkSettings: () => checkSqliteSettings(background),
    close: async () => {
      writes.close();
      await background.close();
      folder.release();
    },
  };
}
