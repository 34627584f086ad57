// oxlint-disable-next-line no-restricted-imports -- the name of the lock's owner is random
import { randomUUID } from 'node:crypto';
import { MIGRATIONS, type Migration } from '../../migrations/index.ts';
import type { Connections } from './sql/connections.ts';
import type { Dialect } from './sql/dialect.ts';
import { compareReleases } from './releases.ts';

/** Brings the schema forward. */
export interface Migrator {
  /** Returns the names of the migrations that are not applied yet, in order. */
  pending(): Promise<readonly string[]>;
  /** Waits until no other process migrates, applies the pending migrations, and returns their names. */
  migrate(): Promise<readonly string[]>;
  /** Returns the oldest release that works with this schema, or undefined when there is none. */
  oldestRelease(): Promise<string | undefined>;
}

/**
 * Makes the migrator. Knex's own is not used: its lock fails instead of waiting, and stays locked after a kill.
 */
export function createMigrator(
  connections: Connections,
  dialect: Dialect,
  migrations: readonly Migration[] = MIGRATIONS,
): Migrator {
  const applied = (): Promise<readonly { name: string; oldestRelease: string }[]> =>
    connections.use(async (session) => {
      // The table is looked up first: a server that may not create tables must be able to ask.
      const tables = await session.rows(dialect.tableExists, ['schema_migrations']);
      if (tables.length === 0) return [];
      const rows = await session.rows('SELECT name, oldest_release FROM schema_migrations');
      return rows.map((row) => ({ name: row.name as string, oldestRelease: row.oldest_release as string }));
    });

  const findPending = async (): Promise<readonly Migration[]> => {
    const names = new Set((await applied()).map(({ name }) => name));
    return migrations.filter(({ name }) => !names.has(name));
  };

  // On SQLite all of it is applied or nothing. MySQL commits DDL at once: after a kill before the note is written, the
  // statement runs again.
  const apply = (migration: Migration): Promise<void> =>
    connections.transaction(async (session) => {
      for (const statement of migration.statements(dialect.engine)) await session.change(statement);
      await session.change(
        `INSERT INTO schema_migrations (name, oldest_release, applied_at) VALUES (?, ?, ${dialect.now}) ` +
          dialect.keepExisting('name'),
        [migration.name, migration.oldestRelease],
      );
    });

  const migrate = async (): Promise<readonly string[]> => {
    if ((await findPending()).length === 0) return [];
    return withMigrationLock(connections, dialect, async (assertOwned) => {
      await connections.use((session) => session.change(CREATE_TABLE));
      const pending = await findPending();
      for (const migration of pending) {
        await assertOwned();
        await apply(migration);
      }
      return pending.map(({ name }) => name);
    });
  };

  return {
    pending: async () => (await findPending()).map(({ name }) => name),
    migrate,
    oldestRelease: async () => greatestRelease((await applied()).map(({ oldestRelease }) => oldestRelease)),
  };
}

const CREATE_TABLE =
  'CREATE TABLE IF NOT EXISTS schema_migrations ' +
  '(name VARCHAR(190) NOT NULL PRIMARY KEY, oldest_release VARCHAR(32) NOT NULL, applied_at BIGINT NOT NULL)';

function greatestRelease(releases: readonly string[]): string | undefined {
  return releases.toSorted(compareReleases).at(-1);
}

const POLL_MS = 100;
const HEARTBEAT_MS = 5_000;
const STALE_AFTER_MS = 30_000;

/** Throws when another process has taken the lock over, because this process slept for too long. */
type AssertOwned = () => Promise<void>;

/**
 * Waits until no other process migrates this database, and runs `work`. The lock is a row with the heartbeat of its owner:
 * GET_LOCK is granted on two nodes of a Galera cluster at once, and a row without a heartbeat would stay locked after a
 * kill. 30 s after the last heartbeat the next process takes the lock over.
 */
async function withMigrationLock<T>(
  connections: Connections,
  dialect: Dialect,
  work: (assertOwned: AssertOwned) => Promise<T>,
): Promise<T> {
  const owner = randomUUID();
  await connections.use(async (session) => {
    await session.change(
      'CREATE TABLE IF NOT EXISTS schema_lock ' +
        '(id INTEGER NOT NULL PRIMARY KEY, owner VARCHAR(36), heartbeat_at BIGINT NOT NULL)',
    );
    await session.change(
      `INSERT INTO schema_lock (id, heartbeat_at) VALUES (1, 0) ${dialect.keepExisting('id')}`,
    );
  });

  const isOwned = async (): Promise<boolean> => {
    const [row] = await connections.use((session) =>
      session.rows('SELECT owner FROM schema_lock WHERE id = 1'),
    );
    return row?.owner === owner;
  };
  const take = (): Promise<number> =>
    connections.use((session) =>
      session.change(
        `UPDATE schema_lock SET owner = ?, heartbeat_at = ${dialect.now} ` +
          `WHERE id = 1 AND (owner IS NULL OR heartbeat_at < ${dialect.now} - ${STALE_AFTER_MS})`,
        [owner],
      ),
    );
  const beat = (): Promise<number> =>
    connections.use((session) =>
      session.change(`UPDATE schema_lock SET heartbeat_at = ${dialect.now} WHERE id = 1 AND owner = ?`, [
        owner,
      ]),
    );
  const release = (): Promise<number> =>
    connections.use((session) =>
      session.change('UPDATE schema_lock SET owner = NULL WHERE id = 1 AND owner = ?', [owner]),
    );

  await take();
  while (!(await isOwned())) {
    await new Promise((resolve) => {
      setTimeout(resolve, POLL_MS);
    });
    await take();
  }
  // A missed heartbeat shows in `assertOwned`.
  const heartbeat = setInterval(() => void beat().catch(() => undefined), HEARTBEAT_MS);
  try {
    return await work(async () => {
      if (!(await isOwned())) throw new Error('another process has taken the migration lock over');
    });
  } finally {
    clearInterval(heartbeat);
    await release();
  }
}
