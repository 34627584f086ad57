// oxlint-disable-next-line no-restricted-imports -- the name of the lock's owner is random
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Connections } from './sql/connections.ts';
import type { Dialect } from './sql/dialect.ts';

/** The right to migrate a database, which one process has at a time. */
export interface MigrationLock {
  /**
   * Waits until this process owns the lock, and returns at once if it does already. Returns false when `signal` was aborted
   * before. Calls `onWaiting` when the wait begins, when the owner changes, and every 10 s.
   */
  acquire(options: AcquireOptions): Promise<boolean>;
  /** Gives the lock back if this process owns it. */
  release(): Promise<void>;
}

interface AcquireOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onWaiting?: ((owner: LockOwner) => void) | undefined;
}

/** The process that owns the lock. */
export interface LockOwner {
  /** The name that it gave itself, or undefined if the lock was just given back. */
  readonly holder: string | undefined;
  /** For how long it has owned the lock, by the clock of the database. */
  readonly heldMs: number;
  /** How long ago it last said that it is alive. */
  readonly silentMs: number;
}

const POLL_MS = 100;
const HEARTBEAT_MS = 5_000;
const REPORT_MS = 10_000;
// A process that has been silent for so long is taken for dead, and the next one takes the lock over.
const STALE_AFTER_MS = 30_000;

const CREATE_TABLE =
  'CREATE TABLE IF NOT EXISTS schema_lock (id INTEGER NOT NULL PRIMARY KEY, owner VARCHAR(36), ' +
  'holder VARCHAR(255), taken_at BIGINT NOT NULL, heartbeat_at BIGINT NOT NULL)';

/**
 * Makes the lock of a database. It is a row with the heartbeat of its owner: GET_LOCK is granted on two nodes of a Galera
 * cluster at once, and a row without a heartbeat would stay locked after a kill. While DDL stops such a cluster, the
 * heartbeat stops too, so an owner may lose the lock while it is alive. That is why each migration may run twice, and why an
 * owner asks for the lock again before each of them.
 */
export async function createMigrationLock(
  connections: Connections,
  { now, keepExisting }: Pick<Dialect, 'now' | 'keepExisting'>,
  holder: string,
): Promise<MigrationLock> {
  const owner = randomUUID();
  const change = (sql: string, values: readonly string[]): Promise<number> =>
    connections.use((session) => session.change(sql, values));
  await change(CREATE_TABLE, []);
  await change(
    `INSERT INTO schema_lock (id, taken_at, heartbeat_at) VALUES (1, 0, 0) ${keepExisting('id')}`,
    [],
  );

  const take = (): Promise<number> =>
    change(
      `UPDATE schema_lock SET owner = ?, holder = ?, taken_at = ${now}, heartbeat_at = ${now} ` +
        `WHERE id = 1 AND (owner IS NULL OR heartbeat_at < ${now} - ${STALE_AFTER_MS})`,
      [owner, holder],
    );
  const beat = (): Promise<number> =>
    change(`UPDATE schema_lock SET heartbeat_at = ${now} WHERE id = 1 AND owner = ?`, [owner]);
  const read = async () => {
    const [row] = await connections.use((session) =>
      session.rows(
        `SELECT owner, holder, ${now} - taken_at AS held_ms, ${now} - heartbeat_at AS silent_ms ` +
          'FROM schema_lock WHERE id = 1',
      ),
    );
    return {
      owner: row?.owner as string | null,
      holder: (row?.holder as string | null) ?? undefined,
      heldMs: Number(row?.held_ms),
      silentMs: Number(row?.silent_ms),
    };
  };

  let heartbeat: NodeJS.Timeout | undefined;
  const acquire = async ({ signal, onWaiting }: AcquireOptions): Promise<boolean> => {
    let reported: { owner: string | null; atMs: number } | undefined;
    for (let current = await read(); current.owner !== owner; current = await read()) {
      if (signal?.aborted === true) return false;
      if ((await take()) > 0) continue;
      const isNews = reported?.owner !== current.owner || performance.now() - reported.atMs > REPORT_MS;
      if (isNews && current.owner !== null) {
        onWaiting?.(current);
        reported = { owner: current.owner, atMs: performance.now() };
      }
      await wait(POLL_MS, undefined, { signal }).catch(() => undefined);
    }
    // A missed heartbeat shows when the lock is asked for again.
    heartbeat ??= setInterval(() => void beat().catch(() => undefined), HEARTBEAT_MS);
    return true;
  };
  return {
    acquire,
    release: async () => {
      clearInterval(heartbeat);
      heartbeat = undefined;
      await change('UPDATE schema_lock SET owner = NULL WHERE id = 1 AND owner = ?', [owner]);
    },
  };
}
