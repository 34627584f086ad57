import type { Connections, Session } from './sql/connections.ts';
import { toBytes, toUuid } from './sql/column-values.ts';

/** Place in the table of minutes, which is ordered by it. */
export interface MinuteKey {
  /** Minutes since 1970, by the database's clock. */
  readonly minute: number;
  /** Names the process that counted. It is new at each start of a process. */
  readonly writer: string;
}

/** What one process counted in one minute. */
export interface MinuteRow extends MinuteKey {
  /** JSON, which the engine writes and reads. */
  readonly counts: string;
}

/** Stores what each process counted in each minute. All functions take and return plain data, and reject with DatabaseError. */
export interface MinuteStore {
  /** Writes rows, each in place of the one with the same key. A repeat is harmless. */
  writeMinutes(rows: readonly MinuteRow[]): Promise<void>;
  /** Returns at most `limit` rows from a minute on, ordered by their keys. With `after` they begin behind that key. */
  listMinutes(fromMinute: number, limit: number, after?: MinuteKey): Promise<readonly MinuteRow[]>;
  /** Deletes about `limit` rows from before a minute, oldest first, and returns how many. It is 0 when none is left. */
  deleteMinutes(beforeMinute: number, limit: number): Promise<number>;
}

const NIL_UUID = '00000000-0000-0000-0000-000000000000';

/** Makes the store of minutes. */
export function createMinuteStore(connections: Connections): MinuteStore {
  return {
    writeMinutes: async (rows) => {
      if (rows.length > 0) await connections.use((session) => writeMinutes(session, rows));
    },
    listMinutes: (fromMinute, limit, after = { minute: fromMinute, writer: NIL_UUID }) =>
      connections.read((session) => listMinutes(session, limit, after)),
    deleteMinutes: (beforeMinute, limit) =>
      connections.use((session) => deleteMinutes(session, beforeMinute, limit)),
  };
}

// Both engines know REPLACE. No other process writes these rows, so nothing is lost between its delete and its insert.
async function writeMinutes(session: Session, rows: readonly MinuteRow[]): Promise<void> {
  await session.change(
    `REPLACE INTO execution_minutes (minute, writer, counts) VALUES ${rows.map(() => '(?, ?, ?)').join(', ')}`,
    rows.flatMap(({ minute, writer, counts }) => [minute, toBytes(writer), counts]),
  );
}

async function listMinutes(
  session: Session,
  limit: number,
  { minute, writer }: MinuteKey,
): Promise<readonly MinuteRow[]> {
  const rows = await session.rows(
    'SELECT minute, writer, counts FROM execution_minutes WHERE minute >= ? AND (minute > ? OR writer > ?) ' +
      'ORDER BY minute, writer LIMIT ?',
    [minute, minute, toBytes(writer), limit],
  );
  return rows.map((row) => ({
    minute: row.minute as number,
    writer: toUuid(row.writer as Buffer),
    counts: row.counts as string,
  }));
}

// SQLite's DELETE has no LIMIT. A minute has one row for each process, so whole minutes are deleted.
async function deleteMinutes(session: Session, beforeMinute: number, limit: number): Promise<number> {
  const [last] = await session.rows(
    'SELECT MAX(minute) AS minute FROM (SELECT minute FROM execution_minutes WHERE minute < ? ORDER BY minute LIMIT ?) AS oldest',
    [beforeMinute, limit],
  );
  const minute = last?.minute as number | null | undefined;
  if (minute === null || minute === undefined) return 0;
  return session.change('DELETE FROM execution_minutes WHERE minute <= ?', [minute]);
}
