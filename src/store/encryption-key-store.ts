import type { SealedValue } from '../domain/agent.ts';
import type { Connections } from './sql/connections.ts';
import type { Dialect } from './sql/dialect.ts';

/** Reads which keys have sealed stored values, and keeps a check value for each key. */
export interface SealedStore {
  /** Returns how many stored values each key has sealed, by key id. */
  countByKey(): Promise<ReadonlyMap<string, number>>;
  /** Returns the check value that this key has sealed, if one is stored. */
  findKeyCheck(keyId: string): Promise<SealedValue | undefined>;
  /** Stores a check value, unless the key has one. */
  insertKeyCheck(check: SealedValue): Promise<void>;
}

/** Makes the store that checks of keys need. */
export function createSealedStore(connections: Connections, dialect: Dialect): SealedStore {
  return {
    countByKey: async () => {
      const rows = await connections.use((session) =>
        session.rows(
          'SELECT key_id, COUNT(*) AS n FROM agent_secrets GROUP BY key_id ' +
            'UNION ALL SELECT key_id, COUNT(*) AS n FROM webhook_headers GROUP BY key_id',
        ),
      );
      const counts = new Map<string, number>();
      for (const row of rows) {
        const keyId = row.key_id as string;
        counts.set(keyId, (counts.get(keyId) ?? 0) + (row.n as number));
      }
      return counts;
    },
    findKeyCheck: async (keyId) => {
      const [row] = await connections.use((session) =>
        session.rows('SELECT sealed FROM key_checks WHERE key_id = ?', [keyId]),
      );
      return row === undefined ? undefined : { keyId, sealed: row.sealed as string };
    },
    insertKeyCheck: async ({ keyId, sealed }) => {
      await connections.use((session) =>
        session.change(
          `INSERT INTO key_checks (key_id, sealed) VALUES (?, ?) ${dialect.keepExisting('key_id')}`,
          [keyId, sealed],
        ),
      );
    },
  };
}
