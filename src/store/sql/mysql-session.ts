import { DatabaseError } from '../../errors.ts';
import type { Session, StatementReport } from './connections.ts';
import type { Row, Value } from './dialect.ts';
import { databaseAdvice } from './database-advice.ts';
import { mysqlKindOf } from './driver-errors.ts';
import { discard, type MysqlConnection } from './mysql.ts';

/** Runs a statement on a connection. Past its time limit it rejects as `away`, and the connection is destroyed. */
export type RunStatement = (
  connection: MysqlConnection,
  sql: string,
  values: readonly Value[],
) => Promise<unknown>;

/** Makes the function that runs statements of at most `limitMs`, and reports each of them. */
export function createRunStatement(
  limitMs: number,
  onStatement?: (report: StatementReport) => void,
): RunStatement {
  return async (connection, sql, values) => {
    const startedAtMs = performance.now();
    try {
      return await queryWithin(limitMs, connection, sql, values);
    } finally {
      onStatement?.({ sql, values, durationMs: performance.now() - startedAtMs });
    }
  };
}

/** Returns the session that a connection gives while it is lent. */
export function sessionOn(connection: MysqlConnection, run: RunStatement): Session {
  return {
    rows: async (sql, values = []) => (await run(connection, sql, values)) as readonly Row[],
    // mysql2 asks for the rows found, so an update that changes nothing counts as well.
    change: async (sql, values = []) =>
      ((await run(connection, sql, values)) as { affectedRows?: number }).affectedRows ?? 0,
  };
}

/**
 * Runs a query on a connection, and rejects as `away` when it takes longer than `limitMs`. mysql2 waits for ever on a
 * network that is cut, and its `destroy()` leaves the callback pending until the stream ends: no caller waits for that.
 */
export function queryWithin(
  limitMs: number,
  connection: MysqlConnection,
  sql: string,
  values: readonly Value[],
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      reject(new DatabaseError('away', new Error(`no answer within ${limitMs} ms`)));
      discard(connection);
    };
    let immediate: NodeJS.Immediate | undefined;
    // After a stall of the event loop an expired timer runs before an answer that has long arrived, so it waits for one
    // more turn.
    const timer = setTimeout(() => {
      immediate = setImmediate(giveUp);
    }, limitMs);
    connection.query(sql, values, (error, answer) => {
      clearTimeout(timer);
      clearImmediate(immediate);
      if (error === null) resolve(answer);
      else reject(new DatabaseError(mysqlKindOf(error), error, databaseAdvice(error)));
    });
  });
}
