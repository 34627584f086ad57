import knexModule, { type Knex } from 'knex';
import { DatabaseError } from '../../errors.ts';
import {
  isOfKind,
  repeatConflicts,
  type Connections,
  type Session,
  type StatementReport,
} from './connections.ts';
import type { Row, Value } from './dialect.ts';
import { mysqlKindOf } from './driver-errors.ts';
import { discard, type MysqlConnection, type MysqlPool } from './mysql.ts';

/** One statement of a script. */
export interface Statement {
  readonly sql: string;
  readonly values: readonly Value[];
}

/** Connections to a MySQL or MariaDB server. */
export interface MysqlConnections extends Connections {
  /**
   * Runs statements in one transaction, with one text and one round trip (on a cluster one by one); answers what the
   * driver answered to each. Makes one try. Only pools that allow several statements a text can do it. `isCausal`: on a
   * cluster, what was committed on other nodes before is seen.
   */
  script(statements: readonly Statement[], options: { isCausal: boolean }): Promise<readonly unknown[]>;
}

// A connection that the server closed while it lay idle shows it when it is used, and then at once.
const LOST_TRIES = 3;
const LOST_WITHIN_MS = 500;

/** Makes connections from a pool: errors translated, statements limited, conflicts repeated. */
export function createMysqlConnections(
  { knex, limitMs }: MysqlPool,
  onStatement?: (report: StatementReport) => void,
): MysqlConnections {
  const run = async (
    connection: MysqlConnection,
    sql: string,
    values: readonly Value[],
  ): Promise<unknown> => {
    const startedAtMs = performance.now();
    try {
      return await limited(connection, sql, values, limitMs);
    } finally {
      onStatement?.({ sql, values, durationMs: performance.now() - startedAtMs });
    }
  };

  const sessionOn = (connection: MysqlConnection): Session => ({
    rows: async (sql, values = []) => (await run(connection, sql, values)) as readonly Row[],
    // mysql2 asks for the rows found, so an update that changes nothing counts as well.
    change: async (sql, values = []) =>
      ((await run(connection, sql, values)) as { affectedRows?: number }).affectedRows ?? 0,
  });

  const lend = async <T>(work: (connection: MysqlConnection) => Promise<T>): Promise<T> => {
    const connection = await acquire(knex);
    try {
      return await work(connection);
    } catch (error) {
      if (isOfKind(error, 'away')) discard(connection);
      throw error;
    } finally {
      await knex.client.releaseConnection(connection);
    }
  };

  // A connection that can't roll back must not be used again: its next user would be inside this transaction.
  const rollBack = async (connection: MysqlConnection, error: unknown): Promise<void> => {
    if (!isOfKind(error, 'away')) await run(connection, 'ROLLBACK', []).catch(() => discard(connection));
  };

  const transact = async <T>(
    connection: MysqlConnection,
    work: (session: Session) => Promise<T>,
  ): Promise<T> => {
    await run(connection, 'START TRANSACTION', []);
    let result: T;
    try {
      result = await work(sessionOn(connection));
    } catch (error) {
      await rollBack(connection, error);
      throw error;
    }
    await run(connection, 'COMMIT', []).catch((error: unknown) => {
      discard(connection);
      throw error;
    });
    return result;
  };

  const script: MysqlConnections['script'] = (statements, { isCausal }) =>
    lend((connection) =>
      connection.cluster === undefined
        ? runText(connection, statements)
        : runOneByOne(connection, statements, isCausal && connection.cluster === 'galera'),
    );

  const runText = async (
    connection: MysqlConnection,
    statements: readonly Statement[],
  ): Promise<readonly unknown[]> => {
    const text = ['START TRANSACTION', ...statements.map(({ sql }) => sql), 'COMMIT'].join(';');
    const values = statements.flatMap((statement) => statement.values);
    const startedAtMs = performance.now();
    try {
      return ((await limited(connection, text, values, limitMs)) as readonly unknown[]).slice(1, -1);
    } catch (error) {
      await rollBack(connection, error);
      throw error;
    } finally {
      const durationMs = performance.now() - startedAtMs;
      for (const statement of onStatement ? statements : []) onStatement?.({ ...statement, durationMs });
    }
  };

  // On a cluster each statement is a text of its own. Galera rolls back where a transaction of another node wins, and when
  // that happens between two statements of one text, it goes on with the next one: the COMMIT at the end then says that
  // all is well. (Seen: two nodes claimed the same start, and both sent it.)
  const runOneByOne = async (
    connection: MysqlConnection,
    statements: readonly Statement[],
    catchesUp: boolean,
  ): Promise<readonly unknown[]> => {
    if (catchesUp) await run(connection, CATCH_UP, []);
    const answers: unknown[] = [];
    await transact(connection, async () => {
      for (const { sql, values } of statements) answers.push(await run(connection, sql, values));
    });
    return answers;
  };

  const use = <T>(work: (session: Session) => Promise<T>): Promise<T> =>
    repeatConflicts(() => lend((connection) => work(sessionOn(connection))));

  return {
    use,
    read: (work) => repeatLost(() => use(work)),
    transaction: (work) => repeatConflicts(() => lend((connection) => transact(connection, work))),
    script,
    close: () => knex.destroy(),
  };
}

// Waits until this node has applied what was committed on the others before.
const CATCH_UP = 'SET STATEMENT wsrep_sync_wait = 1 FOR SELECT 1';

async function acquire(knex: Knex): Promise<MysqlConnection> {
  try {
    return (await knex.client.acquireConnection()) as MysqlConnection;
  } catch (error) {
    // Nothing was run. All connections are lent to others, or none could be made.
    throw new DatabaseError(isPoolFull(knex, error) ? 'busy' : 'away', error);
  }
}

// A connection that is still being made after all that time is one that the server does not answer.
function isPoolFull(knex: Knex, error: unknown): boolean {
  const pool = knex.client.pool as { numPendingCreates(): number } | undefined;
  return error instanceof knexModule.KnexTimeoutError && pool?.numPendingCreates() === 0;
}

// mysql2 waits for ever on a network that is cut, and its `destroy()` leaves the callback pending: what ends it is the
// stream's end, and until then nobody waits.
function limited(
  connection: MysqlConnection,
  sql: string,
  values: readonly Value[],
  limitMs: number,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      reject(new DatabaseError('away', new Error(`no answer within ${limitMs} ms`)));
      discard(connection);
    };
    let immediate: NodeJS.Immediate | undefined;
    // After a stall of the event loop an expired timer runs before an answer that has long arrived: one more turn.
    const timer = setTimeout(() => {
      immediate = setImmediate(giveUp);
    }, limitMs);
    connection.query(sql, values, (error, answer) => {
      clearTimeout(timer);
      clearImmediate(immediate);
      if (error === null) resolve(answer);
      else reject(new DatabaseError(mysqlKindOf(error), error));
    });
  });
}

async function repeatLost<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    const startedAtMs = performance.now();
    try {
      return await work();
    } catch (error) {
      const wasLostAtOnce = isOfKind(error, 'away') && performance.now() - startedAtMs < LOST_WITHIN_MS;
      if (!wasLostAtOnce || tries === LOST_TRIES) throw error;
    }
  }
}
