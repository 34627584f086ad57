// oxlint-disable-next-line no-restricted-imports -- the name of the lock's owner is random
import { randomUUID } from 'node:crypto';
import { MIGRATIONS, type Migration } from '../../migrations/index.ts';
import type { Connections } from './sql/connections.ts';
import type { Dialect } from './sql/dialect.ts';
import { compareReleases } from './releases.ts';

/** The schema's state and its way forward. */
export interface Migrator {
  /** Names of migrations not yet applied, in order. */
  pending(): Promise<readonly string[]>;
  /** Applies them, after whoever else does; the names of those applied here. */
  migrate(): Promise<readonly string[]>;
  /** The oldest release that works with this schema; undefined of an empty one. */
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
      // Looked up first: a server that may not create tables must be able to ask.
      const tables = await session.rows(dialect.tableExists, ['schema_migrations']);
      if (tables.length === 0) return [];
      const rows = await session.rows('SELECT name, oldest_release FROM schema_migrations');
      return rows.map((row) => ({ name: row.name as string, oldestRelease: row.oldest_release as string }));
    });

  const findPending = async (): Promise<readonly Migration[]> => {
    const names = new Set((await applied()).map(({ name }) => name));
    return migrations.filter(({ name }) => !names.has(name));
  };

  // SQLite: all or nothing. MySQL commits DDL at once, so a kill before the note means that the statement runs again.
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
    return withMigrationLock(connections, dialect, async (assertHeld) => {
      await connections.use((session) => session.change(CREATE_TABLE));
      const pending = await findPending();
      for (const migration of pending) {
        await assertHeld();
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

/** Tells that the lock is still ours: throws when it was taken over (this process slept for too long). */
type AssertHeld = () => Promise<void>;

/**
 * Runs `work` while no other process migrates this database; waits for those that do. The lock is a row with its
 * owner's heartbeat: GET_LOCK is granted on two nodes of a Galera cluster at once, and a row without a heartbeat
 * would stay locked after a kill. 30 s after the last heartbeat the next one takes over.
 */
async function withMigrationLock<T>(
  connections: Connections,
  dialect: Dialect,
  work: (assertHeld: AssertHeld) => Promise<T>,
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

  const isHeld = async (): Promise<boolean> => {
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
  while (!(await isHeld())) {
    await new Promise((resolve) => {
      setTimeout(resolve, POLL_MS);
    });
    await take();
  }
  // A missed heartbeat shows in assertHeld.
  const heartbeat = setInterval(() => void beat().catch(() => undefined), HEARTBEAT_MS);
  try {
    return await work(async () => {
      if (!(await isHeld())) throw new Error('another process has taken the migration lock over');
    });
  } finally {
    clearInterval(heartbeat);
    await release();
  }
}
