import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createConnection } from 'mysql2/promise';

/** Counts executions from outside of callhooks, on a connection of its own. */
export interface Rows {
  /** How many rows there are, and how many of them have succeeded. */
  count(type: 'start' | 'end'): Promise<{ readonly all: number; readonly succeeded: number }>;
  close(): Promise<void>;
}

const TYPES = { start: 1, end: 2 } as const;
const SUCCEEDED = 3;
const SQL =
  'SELECT COUNT(*) AS alls, COALESCE(SUM(CASE WHEN state = ? THEN 1 ELSE 0 END), 0) AS succeeded ' +
  'FROM executions WHERE webhook_type = ?';

/** Opens the database that a callhooks uses. */
export function openRows(place: {
  readonly dataDir: string;
  readonly url: string | undefined;
}): Promise<Rows> {
  return place.url === undefined ? openSqlite(place.dataDir) : openMysql(place.url);
}

interface Counted {
  readonly alls: number | string;
  readonly succeeded: number | string;
}

const toCounts = (row: Counted | undefined) => ({
  all: Number(row?.alls ?? 0),
  succeeded: Number(row?.succeeded ?? 0),
});

async function openSqlite(dataDir: string): Promise<Rows> {
  const database = new DatabaseSync(join(dataDir, 'callhooks.db'), { readOnly: true });
  const statement = database.prepare(SQL);
  return {
    count: async (type) => toCounts(statement.get(SUCCEEDED, TYPES[type]) as Counted | undefined),
    close: async () => database.close(),
  };
}

async function openMysql(url: string): Promise<Rows> {
  const connection = await createConnection(url);
  return {
    count: async (type) => {
      const [rows] = await connection.query(SQL, [SUCCEEDED, TYPES[type]]);
      return toCounts((rows as Counted[])[0]);
    },
    close: () => connection.end(),
  };
}
