import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createConnection } from 'mysql2/promise';

/** The numbers of executions of one type. */
export interface Counts {
  /** Accepted or being sent. */
  readonly open: number;
  readonly succeeded: number;
  /** Failed or interrupted. */
  readonly failed: number;
}

/** Counts executions on a connection of its own, independently of callhooks. */
export interface Rows {
  /** Counts the executions that were accepted since an instant in epoch milliseconds, or all of them. */
  count(type: 'start' | 'end', sinceMs?: number): Promise<Counts>;
  close(): Promise<void>;
}

const TYPES = { start: 1, end: 2 } as const;
const STATES: readonly (keyof Counts)[] = ['open', 'open', 'succeeded', 'failed', 'failed'];
const SQL =
  'SELECT state, COUNT(*) AS number FROM executions WHERE webhook_type = ? AND accepted_at >= ? GROUP BY state';

/** Opens the database that a callhooks uses. */
export function openRows(place: {
  readonly dataDir: string;
  readonly url: string | undefined;
}): Promise<Rows> {
  return place.url === undefined ? openSqlite(place.dataDir) : openMysql(place.url);
}

interface Counted {
  readonly state: number;
  readonly number: number | string;
}

function toCounts(rows: readonly Counted[]): Counts {
  const counts = { open: 0, succeeded: 0, failed: 0 };
  for (const { state, number } of rows) counts[STATES[state - 1] ?? 'failed'] += Number(number);
  return counts;
}

async function openSqlite(dataDir: string): Promise<Rows> {
  const database = new DatabaseSync(join(dataDir, 'callhooks.db'), { readOnly: true });
  const statement = database.prepare(SQL);
  return {
    count: async (type, sinceMs = 0) => toCounts(statement.all(TYPES[type], sinceMs) as unknown as Counted[]),
    close: async () => database.close(),
  };
}

async function openMysql(url: string): Promise<Rows> {
  const connection = await createConnection(url);
  return {
    count: async (type, sinceMs = 0) => {
      const [rows] = await connection.query(SQL, [TYPES[type], sinceMs]);
      return toCounts(rows as Counted[]);
    },
    close: () => connection.end(),
  };
}
