import { randomUUID } from 'node:crypto';
import type { Connections } from './sql/connections.ts';
import type { Dialect } from './sql/dialect.ts';

const POLL_MS = 100;
const HEARTBEAT_MS = 5_000;
const STALE_AFTER_MS = 30_000;

/** Tells that the lock is still ours: throws when it was taken over (this process slept for too long). */
export type AssertHeld = () => Promise<void>;

/**
 * Runs `work` while no other process migrates this database; waits for those that do. The lock is a row with its
 * owner's heartbeat: GET_LOCK is granted on two nodes of a Galera cluster at once, and a row without a heartbeat
 * would stay locked after a kill. 30 s after the last heartbeat the next one takes over.
 */
export const withMigrationLock = async <T>(
  connections: Connections,
  dialect: Dialect,
  work: (assertHeld: AssertHeld) => Promise<T>,
): Promise<T> => {
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
};
