import { statfs } from 'node:fs/promises';
import { createAgentStore } from './agents/agents.ts';
import type { DatabaseOptions } from './database.ts';
import { createSealedStore } from './encryption-key-store.ts';
import { createExecutionStore } from './executions/executions.ts';
import { writeOnSqlite } from './executions/sqlite-writes.ts';
import type { RowBatch, WriteRows } from './executions/write-rows.ts';
import { createMigrator } from './migrate.ts';
import { checkSqliteSettings } from './sql/check-settings.ts';
import { openDataFolder } from './sql/data-folder.ts';
import { sqlite } from './sql/sqlite.ts';
import { createSqliteConnections, type SqliteConnections } from './sql/sqlite-connections.ts';
import { openSqliteFile } from './sql/sqlite-file.ts';
import type { Database } from './database.ts';
import type { ExecutionStore } from './execution-store.ts';

/** A database that writes batches as rows. `ExecutionStore.write` is made on the thread of its callers. */
export interface RowDatabase extends Omit<Database, 'executions'> {
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
  const checkpoints = createCheckpoints(connections);
  const { pending, migrate, oldestRelease } = createMigrator(background, sqlite);
  return {
    engine: 'sqlite',
    agents: createAgentStore(callers, background, sqlite),
    sealed: createSealedStore(background, sqlite),
    executions: createExecutionStore({ writes: callers, reads: callers, admin: background }, sqlite),
    writeRows: async (batch) => {
      const answers = await connections.run((file) => writeOnSqlite(file, batch));
      checkpoints.countWritten(rowsIn(batch));
      return answers;
    },
    ping: async () => {
      // A disk that takes no writes refuses this one, which changes nothing.
      await callers.use((session) => session.change('UPDATE executions SET state = state WHERE 1 = 0'));
    },
    pendingMigrations: pending,
    migrate,
    oldestRelease,
    freeBytes: async () => {
      const { bavail, bsize } = await statfs(dataDir);
      return bavail * bsize;
    },
    checkSettings: () => checkSqliteSettings(background),
    close: async () => {
      checkpoints.close();
      await background.close();
      folder.release();
    },
  };
}

function rowsIn({ outcomes, starts, postCalls, claims }: RowBatch): number {
  return outcomes.length + starts.length + postCalls.length + claims.length;
}

// They make about 2 MB of log, and a checkpoint then takes a few milliseconds. One checkpoint a second took 40 ms at 2,000
// rows a second.
const ROWS_A_CHECKPOINT = 300;
const CHECKPOINT_EVERY_MS = 1_000;

/**
 * Writes the write-ahead log back into the database file, in short checkpoints between batches, so that the log does not
 * grow for ever, and no commit waits for long.
 */
function createCheckpoints({ background }: SqliteConnections) {
  let rows = 0;
  let isRunning = false;
  const run = async (): Promise<void> => {
    if (isRunning) return;
    isRunning = true;
    rows = 0;
    // A passive checkpoint leaves what a reader still needs for the next one.
    await background
      .use((session) => session.rows('PRAGMA wal_checkpoint(PASSIVE)'))
      .catch(() => undefined)
      .finally(() => {
        isRunning = false;
      });
  };
  const timer = setInterval(() => void run(), CHECKPOINT_EVERY_MS).unref();
  return {
    countWritten: (count: number): void => {
      rows += count;
      if (rows >= ROWS_A_CHECKPOINT) void run();
    },
    close: (): void => clearInterval(timer),
  };
}
