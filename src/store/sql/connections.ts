import type { Knex } from 'knex';
import { DatabaseError } from '../../errors.ts';
import type { Dialect, KnexPool, Row, Value } from './dialect.ts';

/** One connection, for as long as it is lent. Rejects with DatabaseError. */
export interface Session {
  rows(sql: string, values?: readonly Value[]): Promise<readonly Row[]>;
  /** The number of rows that an UPDATE or DELETE matched (of an INSERT it means nothing). */
  change(sql: string, values?: readonly Value[]): Promise<number>;
}

/** Connections of one kind. Work that ends in a conflict is repeated whole, so it must have no other effects. */
export interface Connections {
  /** Statements that stand alone, on one connection. */
  use<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** The same for statements that may run twice: they are repeated on another connection when theirs turns out to be lost. */
  read<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** All or nothing. What `work` throws rolls back and is thrown on. */
  transaction<T>(work: (session: Session) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** A statement that has ended. `values` are callers' data: never to be logged. */
export interface StatementReport {
  readonly sql: string;
  readonly values: readonly Value[];
  readonly durationMs: number;
}

const CONFLICT_TRIES = 6;
// One lock wait takes as long: a row that is held longer is its writer's business, not of those in the same batch.
const CONFLICT_TIME_MS = 900;
// A connection that the server closed while it lay idle shows it when it is used, and then at once.
const LOST_TRIES = 3;
const LOST_WITHIN_MS = 500;

/** Makes connections from a pool: errors translated, statements limited, conflicts repeated. */
export const createConnections = (
  { knex, limitMs }: KnexPool,
  dialect: Dialect,
  onStatement?: (report: StatementReport) => void,
): Connections => {
  const translate = (error: unknown): DatabaseError =>
    error instanceof DatabaseError ? error : new DatabaseError(dialect.kindOf(error), error);

  const run = async (connection: unknown, sql: string, values: readonly Value[]): Promise<unknown> => {
    const startedAtMs = performance.now();
    try {
      const statement = knex.raw(sql, values as Knex.RawBinding[]).connection(connection);
      return await limited(statement, limitMs, () => dialect.discard(connection));
    } catch (error) {
      throw translate(error);
    } finally {
      onStatement?.({ sql, values, durationMs: performance.now() - startedAtMs });
    }
  };

  const sessionOn = (connection: unknown): Session => ({
    rows: async (sql, values = []) => dialect.rowsOf(await run(connection, sql, values)),
    change: async (sql, values = []) => dialect.changesOf(await run(connection, sql, values)),
  });

  const takeTurn = createTurns(dialect.loopShareMs);
  const lend = async <T>(work: (connection: unknown) => Promise<T>): Promise<T> => {
    const connection = await acquire(knex);
    try {
      await takeTurn();
      return await work(connection);
    } catch (error) {
      if (error instanceof DatabaseError && error.kind === 'away') dialect.discard(connection);
      throw error;
    } finally {
      await knex.client.releaseConnection(connection);
    }
  };

  const transact = async <T>(connection: unknown, work: (session: Session) => Promise<T>): Promise<T> => {
    await run(connection, dialect.begin, []);
    let result: T;
    try {
      result = await work(sessionOn(connection));
    } catch (error) {
      const isAway = error instanceof DatabaseError && error.kind === 'away';
      // A connection that can't roll back must not be used again: its next user would be inside this transaction.
      if (!isAway && dialect.needsRollback(connection))
        await run(connection, 'ROLLBACK', []).catch(() => dialect.discard(connection));
      throw error;
    }
    await run(connection, 'COMMIT', []).catch((error: unknown) => {
      dialect.discard(connection);
      throw error;
    });
    return result;
  };

  const use = <T>(work: (session: Session) => Promise<T>): Promise<T> =>
    repeatConflicts(() => lend((connection) => work(sessionOn(connection))));

  return {
    use,
    read: (work) => repeatLost(() => use(work)),
    transaction: (work) => repeatConflicts(() => lend((connection) => transact(connection, work))),
    close: () => knex.destroy(),
  };
};

// An embedded database answers at once, and what waits for it goes on in the same turn of the event loop: hundreds of
// statements would follow each other, and no socket be read. After its share of the time, work waits for the next turn.
const createTurns = (shareMs: number | undefined): (() => Promise<void>) => {
  if (shareMs === undefined) return () => Promise.resolve();
  let beganAtMs = 0;
  let nextTurn: Promise<void> | undefined;
  return async () => {
    while (nextTurn !== undefined && performance.now() - beganAtMs > shareMs) await nextTurn;
    if (nextTurn !== undefined) return;
    beganAtMs = performance.now();
    nextTurn = new Promise((resolve) => {
      setImmediate(() => {
        nextTurn = undefined;
        resolve();
      });
    });
  };
};

const acquire = async (knex: Knex): Promise<unknown> => {
  try {
    return await knex.client.acquireConnection();
  } catch (error) {
    // Whatever kept a connection from being made, no statement was run on it.
    throw new DatabaseError('away', error);
  }
};

// mysql2 waits for ever on a network that is cut, and its `destroy()` leaves the promise pending: what settles it
// is the stream's end, and until then nobody waits.
const limited = <T>(
  statement: PromiseLike<T>,
  limitMs: number | undefined,
  end: () => void,
): PromiseLike<T> => {
  if (limitMs === undefined) return statement;
  return new Promise<T>((resolve, reject) => {
    const giveUp = (): void => {
      reject(new DatabaseError('away', new Error(`no answer within ${limitMs} ms`)));
      end();
    };
    let immediate: NodeJS.Immediate | undefined;
    // After a stall of the event loop an expired timer runs before an answer that has long arrived: one more turn.
    const timer = setTimeout(() => {
      immediate = setImmediate(giveUp);
    }, limitMs);
    const stop = (): void => {
      clearTimeout(timer);
      clearImmediate(immediate);
    };
    statement.then(
      (answer) => {
        stop();
        resolve(answer);
      },
      (error: unknown) => {
        stop();
        reject(error);
      },
    );
  });
};

const repeatConflicts = async <T>(work: () => Promise<T>): Promise<T> => {
  const startedAtMs = performance.now();
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.kind !== 'conflict') throw error;
      if (tries === CONFLICT_TRIES || performance.now() - startedAtMs > CONFLICT_TIME_MS) throw error;
      const pauseMs = Math.random() * 5 * 2 ** tries;
      await new Promise((resolve) => {
        setTimeout(resolve, pauseMs);
      });
    }
  }
};

const repeatLost = async <T>(work: () => Promise<T>): Promise<T> => {
  for (let tries = 1; ; tries += 1) {
    const startedAtMs = performance.now();
    try {
      return await work();
    } catch (error) {
      const isLost = error instanceof DatabaseError && error.kind === 'away';
      if (!isLost || tries === LOST_TRIES || performance.now() - startedAtMs > LOST_WITHIN_MS) throw error;
    }
  }
};
