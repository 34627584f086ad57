import knexModule, { type Knex } from 'knex';
import { DatabaseError, isDatabaseError, LOST_WITHIN_MS } from '../../errors.ts';
import { repeatConflicts, type Connections, type Session, type StatementReport } from './connections.ts';
import { databaseAdvice, isReadOnly } from './database-advice.ts';
import type { PoolFigures } from '../database.ts';
import type { SslMode } from './database-url.ts';
import type { Value } from './dialect.ts';
import { createRunStatement, queryWithin, sessionOn, type RunStatement } from './mysql-session.ts';
import { discard, type MysqlConnection, type MysqlPool } from './mysql.ts';

/** One statement of a script. */
export interface Statement {
  readonly sql: string;
  readonly values: readonly Value[];
}

/** Connections to a MySQL or MariaDB server. */
export interface MysqlConnections extends Connections {
  /**
   * Runs statements in one transaction, with one text and one round trip (on a cluster one by one). Returns what the driver
   * answered to each. Makes one try. Only a pool that allows several statements a text can do it. With `isCausal` the
   * statements see, on a cluster, what was committed on other nodes before.
   */
  script(statements: readonly Statement[], options: { isCausal: boolean }): Promise<readonly unknown[]>;
  /** Returns how the connections of this pool are used. */
  figures(): PoolFigures;
}

/** Makes connections from a pool: errors are translated, statements limited in time, conflicts repeated. */
export function createMysqlConnections(
  { knex, limitMs, sslMode, failover }: MysqlPool,
  onStatement?: (report: StatementReport) => void,
): MysqlConnections {
  const run = createRunStatement(limitMs, onStatement);
  let waits = 0;

  const lend = async <T>(work: (connection: MysqlConnection) => Promise<T>): Promise<T> => {
    if (isAllLent(knex)) waits += 1;
    const connection = await acquire(knex, sslMode);
    try {
      return await work(connection);
    } catch (error) {
      if (isDatabaseError(error, 'away')) discard(connection);
      if (failover !== undefined && isReadOnly(error)) failover.readOnlyAtMs = performance.now();
      throw error;
    } finally {
      await knex.client.releaseConnection(connection);
    }
  };

  const runText = async (
    connection: MysqlConnection,
    statements: readonly Statement[],
  ): Promise<readonly unknown[]> => {
    const text = ['START TRANSACTION', ...statements.map(({ sql }) => sql), 'COMMIT'].join(';');
    const values = statements.flatMap((statement) => statement.values);
    const startedAtMs = performance.now();
    try {
      return ((await queryWithin(limitMs, connection, text, values)) as readonly unknown[]).slice(1, -1);
    } catch (error) {
      await rollBack(connection, run, error);
      throw error;
    } finally {
      const durationMs = performance.now() - startedAtMs;
      for (const statement of onStatement ? statements : []) onStatement?.({ ...statement, durationMs });
    }
  };

  const use = <T>(work: (session: Session) => Promise<T>): Promise<T> =>
    repeatConflicts(() => lend((connection) => work(sessionOn(connection, run))));

  return {
    use,
    read: (work) => repeatLost(() => use(work)),
    transaction: (work) => repeatConflicts(() => lend((connection) => transact(connection, run, work))),
    script: (statements, { isCausal }) =>
      lend((connection) =>
        connection.cluster === undefined
          ? runText(connection, statements)
          : runOneByOne(connection, run, statements, isCausal ? CATCH_UP[connection.cluster] : []),
      ),
    figures: () => {
      const pool = poolOf(knex);
      return { inUse: pool?.numUsed() ?? 0, idle: pool?.numFree() ?? 0, waits };
    },
    close: () => knex.destroy(),
  };
}

async function acquire(knex: Knex, sslMode: SslMode): Promise<MysqlConnection> {
  try {
    return (await knex.client.acquireConnection()) as MysqlConnection;
  } catch (error) {
    // Nothing was run. All connections are lent to others, or none could be made.
    throw new DatabaseError(isPoolFull(knex, error) ? 'busy' : 'away', error, databaseAdvice(error, sslMode));
  }
}

// A connection that is still being made after all that time is one that the server does not answer.
function isPoolFull(knex: Knex, error: unknown): boolean {
  return error instanceof knexModule.KnexTimeoutError && poolOf(knex)?.numPendingCreates() === 0;
}

/** The pool that Knex uses (tarn). It is undefined when it was closed. */
interface TarnPool {
  readonly max: number;
  numUsed(): number;
  numFree(): number;
  numPendingCreates(): number;
}

function poolOf(knex: Knex): TarnPool | undefined {
  return knex.client.pool as TarnPool | undefined;
}

function isAllLent(knex: Knex): boolean {
  const pool = poolOf(knex);
  return pool !== undefined && pool.numUsed() >= pool.max;
}

async function transact<T>(
  connection: MysqlConnection,
  run: RunStatement,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  await run(connection, 'START TRANSACTION', []);
  let result: T;
  try {
    result = await work(sessionOn(connection, run));
  } catch (error) {
    await rollBack(connection, run, error);
    throw error;
  }
  await run(connection, 'COMMIT', []).catch((error: unknown) => {
    discard(connection);
    throw error;
  });
  return result;
}

// A connection that can't roll back must not be used again: its next user would be inside this transaction.
async function rollBack(connection: MysqlConnection, run: RunStatement, error: unknown): Promise<void> {
  if (!isDatabaseError(error, 'away')) await run(connection, 'ROLLBACK', []).catch(() => discard(connection));
}

// Waits until this node has applied what was committed on the others before.
const CATCH_UP = {
  galera: ['SET STATEMENT wsrep_sync_wait = 1 FOR SELECT 1'],
  // A statement without a table would not wait.
  group_replication: [
    "SET SESSION group_replication_consistency = 'BEFORE'",
    'SELECT 1 FROM executions WHERE 1 = 0',
    'SET SESSION group_replication_consistency = DEFAULT',
  ],
} as const;

// On a cluster each statement is a text of its own. Galera rolls back when a transaction of another node wins. If that
// happens between two statements of one text, it goes on with the next one, and the COMMIT at the end says that all is
// well. (Seen: two nodes claimed the same start, and both sent it.)
async function runOneByOne(
  connection: MysqlConnection,
  run: RunStatement,
  statements: readonly Statement[],
  catchUp: readonly string[],
): Promise<readonly unknown[]> {
  for (const sql of catchUp) await run(connection, sql, []);
  const answers: unknown[] = [];
  await transact(connection, run, async () => {
    for (const { sql, values } of statements) answers.push(await run(connection, sql, values));
  });
  return answers;
}

// A connection that the server closed while it was idle fails when it is used, and then at once.
const LOST_TRIES = 3;

async function repeatLost<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    const startedAtMs = performance.now();
    try {
      return await work();
    } catch (error) {
      const wasLostAtOnce =
        isDatabaseError(error, 'away') && performance.now() - startedAtMs < LOST_WITHIN_MS;
      if (!wasLostAtOnce || tries === LOST_TRIES) throw error;
    }
  }
}
