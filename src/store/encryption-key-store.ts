import type { SealedValue } from '../domain/agent.ts';
import type { Connections, Session } from './sql/connections.ts';
import type { Dialect, Row, Value } from './sql/dialect.ts';
import { toBytes, toUuid } from './sql/column-values.ts';

/** The place of a sealed value: its table, the agent or webhook that it belongs to, and its name. */
export interface StoredPlace {
  readonly table: 'agent_secrets' | 'webhook_headers';
  /** The agent_uuid of a secret, or the webhook_uuid of a header. */
  readonly rowId: string;
  /** The name of a secret, or the name of a header in lower case. */
  readonly field: string;
}

/** A sealed value with its place. */
export interface PlacedValue {
  readonly place: StoredPlace;
  readonly value: SealedValue;
}

/** A value that was sealed anew. `before` is the stored value that it replaces. */
export interface ResealedValue {
  readonly place: StoredPlace;
  readonly before: SealedValue;
  readonly after: SealedValue;
}

/** The sealed values of all agents, as the check of the keys at the start and their rotation need them. */
export interface SealedStore {
  /** Returns how many stored values each key sealed, by key id. */
  countByKey(): Promise<ReadonlyMap<string, number>>;
  /** Returns the check value that this key sealed, if one was stored. */
  findKeyCheck(keyId: string): Promise<SealedValue | undefined>;
  /** Stores a check value unless there is one. */
  insertKeyCheck(check: SealedValue): Promise<void>;
  /**
   * Returns at most `limit` values of a table that a key sealed, ordered by their places. With `after` they begin behind
   * that place.
   */
  listByKey(
    table: StoredPlace['table'],
    keyId: string,
    limit: number,
    after?: StoredPlace,
  ): Promise<readonly PlacedValue[]>;
  /**
   * Replaces sealed values in one transaction, and returns how many it replaced. A value that somebody has changed since
   * it was read stays as it is. Etags and times do not change.
   */
  replaceSealed(values: readonly ResealedValue[]): Promise<number>;
}

const OWNER = { agent_secrets: 'agent_uuid', webhook_headers: 'webhook_uuid' } as const;

/** Makes the store of sealed values. */
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
    listByKey: (table, keyId, limit, after) =>
      connections.use((session) => listByKey(session, table, keyId, limit, after)),
    replaceSealed: (values) => connections.transaction((session) => replaceSealed(session, values)),
  };
}

async function listByKey(
  session: Session,
  table: StoredPlace['table'],
  keyId: string,
  limit: number,
  after?: StoredPlace,
): Promise<readonly PlacedValue[]> {
  const owner = OWNER[table];
  const place: Value[] = after === undefined ? [] : [toBytes(after.rowId), after.field];
  const behind = after === undefined ? '' : `AND (${owner}, name) > (?, ?) `;
  const rows = await session.rows(
    `SELECT ${owner} AS owner_uuid, name, sealed FROM ${table} WHERE key_id = ? ${behind}` +
      `ORDER BY ${owner}, name LIMIT ?`,
    [keyId, ...place, limit],
  );
  return rows.map((row) => toPlaced(table, keyId, row));
}

function toPlaced(table: StoredPlace['table'], keyId: string, row: Row): PlacedValue {
  return {
    place: { table, rowId: toUuid(row.owner_uuid as Buffer), field: row.name as string },
    value: { keyId, sealed: row.sealed as string },
  };
}

async function replaceSealed(session: Session, values: readonly ResealedValue[]): Promise<number> {
  let replaced = 0;
  for (const { place, before, after } of values)
    replaced += await session.change(
      `UPDATE ${place.table} SET key_id = ?, sealed = ? ` +
        `WHERE ${OWNER[place.table]} = ? AND name = ? AND key_id = ? AND sealed = ?`,
      [after.keyId, after.sealed, toBytes(place.rowId), place.field, before.keyId, before.sealed],
    );
  return replaced;
}
