import type { Connections, Session } from './sql/connections.ts';
import { toBytes, toUuid } from './sql/column-values.ts';

/** How many minutes a row is about: one, or a quarter of an hour. */
export type Span = 1 | 15;

/** Place among the rows of a span, which are ordered by it. */
export interface MinuteKey {
  /** The first minute of the row, in minutes since 1970 by the database's clock. It is a multiple of the span. */
  readonly minute: number;
  /** Names the process that counted. It is new at each start of a process. */
  readonly writer: string;
}

/** What one process counted in a minute or in a quarter of an hour. */
export interface MinuteRow extends MinuteKey {
  readonly span: Span;
  /** JSON, which the engine writes and reads. */
  readonly counts: string;
}

/** Stores what each process counted. All functions take and return plain data, and reject with DatabaseError. */
export interface MinuteStore {
  /** Writes rows, each in place of the one with the same span and key. A repeat is harmless. */
  writeMinutes(rows: readonly MinuteRow[]): Promise<void>;
  /** Returns at most `limit` rows of a span from a minute on, ordered by their keys. With `after` they begin behind that key. */
  listMinutes(
    span: Span,
    fromMinute: number,
    limit: number,
    after?: MinuteKey,
  ): Promise<readonly MinuteRow[]>;
  /** Deletes about `limit` rows of a span from before a minute, oldest first. Returns how many: 0 when none is left. */
  deleteMinutes(span: Span, beforeMinute: number, limit: number): Promise<number>;
}

const NIL_UUID = '00000000-0000-0000-0000-000000000000';

/** Makes the store of what was counted by the minute. */
export function createMinuteStore(connections: Connections): MinuteStore {
  return {
    writeMinutes: async (rows) => {
      if (rows.length > 0) await connections.use((session) => writeMinutes(session, rows));
    },
    listMinutes: (span, fromMinute, limit, after = { minute: fromMinute, writer: NIL_UUID }) =>
      connections.read((session) => listMinutes(session, span, limit, after)),
    deleteMinutes: (span, beforeMinute, limit) =>
      connections.use((session) => deleteMinutes(session, span, beforeMinute, limit)),
  };
}

// Both engines know REPLACE. No other process writes these rows, so nothing is lost between its delete and its insert.
async function writeMinutes(session: Session, rows: readonly MinuteRow[]): Promise<void> {
  await session.change(
    `REPLACE INTO execution_minutes (span, minute, writer, counts) VALUES ${rows.map(() => '(?, ?, ?, ?)').join(', ')}`,
    rows.flatMap(({ span, minute, writer, counts }) => [span, minute, toBytes(writer), counts]),
  );
}

async function listMinutes(
  session: Session,
  span: Span,
  limit: number,
  { minute, writer }: MinuteKey,
): Promise<readonly MinuteRow[]> {
  const rows = await session.rows(
    'SELECT minute, writer, counts FROM execution_minutes WHERE span = ? AND minute >= ? ' +
      'AND (minute > ? OR writer > ?) ORDER BY minute, writer LIMIT ?',
    [span, minute, minute, toBytes(writer), limit],
  );
  return rows.map((row) => ({
    span,
    minute: row.minute as number,
    writer: toUuid(row.writer as Buffer),
    counts: row.counts as string,
  }));
}

// SQLite's DELETE has no LIMIT. A minute has one row for each process, so whole minutes are deleted.
async function deleteMinutes(
  session: Session,
  span: Span,
  beforeMinute: number,
  limit: number,
): Promise<number> {
  const [last] = await session.rows(
    'SELECT MAX(minute) AS minute FROM ' +
      '(SELECT minute FROM execution_minutes WHERE span = ? AND minute < ? ORDER BY minute LIMIT ?) AS oldest',
    [span, beforeMinute, limit],
  );
  const minute = last?.minute as number | null | undefined;
  if (minute === null || minute === undefined) return 0;
  return session.change('DELETE FROM execution_minutes WHERE span = ? AND minute <= ?', [span, minute]);
}
