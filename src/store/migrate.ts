import { setImmediate as nextTurn } from 'node:timers/promises';
import { MIGRATIONS, type Migration } from '../../migrations/index.ts';
import { ConfigError } from '../errors.ts';
import { createMigrationLock, type LockOwner } from './migration-lock.ts';
import type { Connections } from './sql/connections.ts';
import { missingPrivilege } from './sql/database-advice.ts';
import type { Dialect } from './sql/dialect.ts';
import { compareReleases } from './releases.ts';

/** A migration that is not applied yet. */
export interface PendingMigration extends Pick<Migration, 'name' | 'summary'> {
  /** What it runs on this engine. */
  readonly statements: readonly string[];
}

/** What is applied of a schema, and what is not. */
export interface SchemaPlan {
  /** The migrations that are not applied yet, in order. */
  readonly pending: readonly PendingMigration[];
  /** The names of applied migrations that this release does not know: a newer one has applied them. */
  readonly newer: readonly string[];
  /** The oldest release that works with the schema as it is. It is undefined when there is none. */
  readonly oldestRelease: string | undefined;
  /** The oldest release that works with the schema when the pending migrations are applied. */
  readonly oldestReleaseAfter: string | undefined;
}

/** What happens while a schema is brought forward. */
export type MigrationEvent =
  | { readonly kind: 'waiting'; readonly owner: LockOwner }
  | { readonly kind: 'applying'; readonly name: string }
  | { readonly kind: 'applied'; readonly name: string; readonly durationMs: number };

/** How a schema is brought forward. */
export interface MigrateOptions {
  /** The name of this process, which others see that wait for it. */
  readonly holder?: string;
  readonly onEvent?: (event: MigrationEvent) => void;
  /** Ends the work. A migration that has begun is finished. */
  readonly signal?: AbortSignal;
}

/** Brings the schema forward. */
export interface Migrator {
  /** Says what is applied. Changes nothing. */
  plan(): Promise<SchemaPlan>;
  /**
   * Waits until no other process migrates, applies the pending migrations, and returns their names.
   * @throws ConfigError when the user of the database may not change the schema.
   */
  migrate(options?: MigrateOptions): Promise<readonly string[]>;
}

/**
 * Makes the migrator. Knex's own is not used: its lock fails instead of waiting, and stays locked after a kill.
 */
export function createMigrator(
  connections: Connections,
  dialect: Dialect,
  migrations: readonly Migration[] = MIGRATIONS,
): Migrator {
  const findApplied = (): Promise<ReadonlyMap<string, string>> =>
    connections.use(async (session) => {
      // The table is looked up first: a server that may not create tables must be able to ask.
      const tables = await session.rows(dialect.tableExists, ['schema_migrations']);
      if (tables.length === 0) return new Map();
      const rows = await session.rows('SELECT name, oldest_release FROM schema_migrations');
      return new Map(rows.map((row) => [row.name as string, row.oldest_release as string]));
    });
  const findPending = async (): Promise<readonly Migration[]> => {
    const applied = await findApplied();
    return migrations.filter(({ name }) => !applied.has(name));
  };

  const plan = async (): Promise<SchemaPlan> => {
    const applied = await findApplied();
    const pending = migrations.filter(({ name }) => !applied.has(name));
    const known = new Set(migrations.map(({ name }) => name));
    const releases = [...applied.values()];
    return {
      pending: pending.map(({ name, summary, statements }) => ({
        ...{ name, summary },
        statements: statements(dialect.engine),
      })),
      newer: [...applied.keys()].filter((name) => !known.has(name)).toSorted(),
      oldestRelease: greatestRelease(releases),
      oldestReleaseAfter: greatestRelease([...releases, ...pending.map((it) => it.oldestRelease)]),
    };
  };

  // On SQLite all of it is applied or nothing. MySQL commits DDL at once: after a kill before the note is written, the
  // statement runs again.
  const apply = (migration: Migration): Promise<void> =>
    connections.transaction(async (session) => {
      for (const statement of migration.statements(dialect.engine))
        await session.change(statement).catch((error: unknown) => {
          if (!dialect.wasAppliedBefore(error)) throw error;
        });
      await session.change(
        `INSERT INTO schema_migrations (name, oldest_release, applied_at) VALUES (?, ?, ${dialect.now}) ` +
          dialect.keepExisting('name'),
        [migration.name, migration.oldestRelease],
      );
    });

  const applyPending = async (options: MigrateOptions): Promise<readonly string[]> => {
    const { holder = '', onEvent = () => undefined, signal } = options;
    const onWaiting = (owner: LockOwner): void => onEvent({ kind: 'waiting', owner });
    const lock = await createMigrationLock(connections, dialect, holder);
    const done: string[] = [];
    try {
      while (await lock.acquire({ signal, onWaiting })) {
        if (done.length === 0) await connections.use((session) => session.change(CREATE_TABLE));
        // On SQLite all of this happens in one turn, in which no signal is heard.
        await nextTurn();
        const [next] = signal?.aborted === true ? [] : await findPending();
        if (next === undefined) break;
        const startedAtMs = performance.now();
        onEvent({ kind: 'applying', name: next.name });
        await apply(next);
        onEvent({ kind: 'applied', name: next.name, durationMs: performance.now() - startedAtMs });
        done.push(next.name);
      }
      return done;
    } finally {
      await lock.release();
    }
  };

  return {
    plan,
    migrate: async (options = {}) => {
      if ((await findPending()).length === 0) return [];
      return applyPending(options).catch((error: unknown) => {
        throw explainMissingPrivilege(error);
      });
    },
  };
}

const CREATE_TABLE =
  'CREATE TABLE IF NOT EXISTS schema_migrations ' +
  '(name VARCHAR(190) NOT NULL PRIMARY KEY, oldest_release VARCHAR(32) NOT NULL, applied_at BIGINT NOT NULL)';

function greatestRelease(releases: readonly string[]): string | undefined {
  return releases.toSorted(compareReleases).at(-1);
}

function explainMissingPrivilege(error: unknown): unknown {
  const privilege = missingPrivilege(error);
  if (privilege === undefined) return error;
  return new ConfigError([
    `the user of DATABASE_URL lacks the privilege ${privilege}, which a migration needs: grant it ` +
      'CREATE, ALTER, INDEX and DROP on the database, or let "callhooks migrate" run as a user who has them (docs/mysql.md)',
  ]);
}
