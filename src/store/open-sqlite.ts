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

/** A database whose batches are written as rows: `ExecutionStore.write` is made where its callers are. */
export interface RowDatabase extends Omit<Database, 'executions'> {
  readonly executions: Omit<ExecutionStore, 'write'>;
  readonly writeRows: WriteRows;
}

/** Opens the embedded database on this thread; it is not migrated yet. Throws when another process uses its folder. */
export function openSqlite({
  dataDir,
  onStatement,
}: Pick<DatabaseOptions, 'onStatement'> & { dataDir: string }): RowDatabase {
  const folder = openDataFolder(dataDir);
  const connections = createSqliteConnections(openSqliteFile(folder.databaseFile, onStatement));
  const { callers, background } = connections;
  const log = createLogKeeper(connections);
  const { pending, migrate, oldestRelease } = createMigrator(background, sqlite);
  return {
    engine: 'sqlite',
    agents: createAgentStore(callers, background, sqlite),
    sealed: createSealedStore(background, sqlite),
    executions: createExecutionStore({ writes: callers, reads: callers, admin: background }, sqlite),
    writeRows: async (batch) => {
      const answers = await connections.run((file) => writeOnSqlite(file, batch));
      log.noteWritten(rowsIn(batch));
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
      log.close();
      await background.close();
      folder.release();
    },
  };
}

function rowsIn({ outcomes, starts, postCalls, claims }: RowBatch): number {
  return outcomes.length + starts.length + postCalls.length + claims.length;
}

// About 2 MB of log. A pass then takes a few milliseconds; one a second took 40 at 2,000 rows a second.
const ROWS_A_PASS = 300;
const PASS_EVERY_MS = 1_000;

/**
 * Writes the log back into the database file in short passes between batches, so that it neither grows for ever nor
 * keeps one commit waiting for long.
 */
function createLogKeeper({ background }: SqliteConnections) {
  let rows = 0;
  let isPassing = false;
  const pass = async (): Promise<void> => {
    if (isPassing) return;
    isPassing = true;
    rows = 0;
    // Passive: what a reader still needs is left for the next pass.
    await background
      .use((session) => session.rows('PRAGMA wal_checkpoint(PASSIVE)'))
      .catch(() => undefined)
      .finally(() => {
        isPassing = false;
      });
  };
  const timer = setInterval(() => void pass(), PASS_EVERY_MS).unref();
  return {
    noteWritten: (count: number): void => {
      rows += count;
      if (rows >= ROWS_A_PASS) void pass();
    },
    close: (): void => clearInterval(timer),
  };
}
