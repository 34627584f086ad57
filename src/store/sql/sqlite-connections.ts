import { repeatConflicts, type Connections, type Session } from './connections.ts';
import type { SqliteFile } from './sqlite-file.ts';

/** The one connection to a SQLite file, which its users share in turns. */
export interface SqliteConnections {
  /** For work that calls wait for. It gets its turn before all background work. */
  readonly callers: Connections;
  /** For lists, maintenance and changes of agents. */
  readonly background: Connections;
  /** Runs synchronous work that calls wait for. */
  run<T>(work: (file: SqliteFile) => T): Promise<T>;
}

/** Makes the connections of a file. */
export function createSqliteConnections(file: SqliteFile): SqliteConnections {
  const turns = createTurns();
  const session: Session = {
    rows: (sql, values) => promised(() => file.rows(sql, values)),
    change: (sql, values) => promised(() => file.change(sql, values)),
  };
  const connectionsOf = (isUrgent: boolean): Connections => {
    const use = <T>(work: (session: Session) => Promise<T>): Promise<T> =>
      repeatConflicts(() => turns.take(isUrgent, () => work(session)));
    return {
      use,
      read: use,
      transaction: (work) =>
        repeatConflicts(() => turns.take(isUrgent, () => transact(file, () => work(session)))),
      close: () => turns.take(isUrgent, () => promised(() => file.close())),
    };
  };
  return {
    callers: connectionsOf(true),
    background: connectionsOf(false),
    run: (work) => turns.take(true, () => promised(() => work(file))),
  };
}

function promised<T>(work: () => T): Promise<T> {
  try {
    return Promise.resolve(work());
  } catch (error) {
    return Promise.reject(error);
  }
}

// A deferred transaction that reads and then writes can fail at once in spite of the busy timeout, so it is immediate.
async function transact<T>(file: SqliteFile, work: () => Promise<T>): Promise<T> {
  file.change('BEGIN IMMEDIATE');
  try {
    const result = await work();
    file.change('COMMIT');
    return result;
  } catch (error) {
    if (file.isInTransaction()) file.change('ROLLBACK');
    throw error;
  }
}

/** Lends the connection to one piece of work after the other, urgent ones first. */
function createTurns() {
  const urgent: (() => void)[] = [];
  const others: (() => void)[] = [];
  let isTaken = false;
  const next = (): void => {
    const begin = urgent.shift() ?? others.shift();
    if (begin === undefined) isTaken = false;
    else begin();
  };
  // The next turn begins in the next turn of the event loop: more urgent work may have arrived by then.
  const giveBack = (): void => {
    if (urgent.length + others.length === 0) isTaken = false;
    else setImmediate(next);
  };
  const wait = (isUrgent: boolean): Promise<void> =>
    new Promise((resolve) => {
      (isUrgent ? urgent : others).push(resolve);
    });
  return {
    take: async <T>(isUrgent: boolean, work: () => Promise<T>): Promise<T> => {
      if (isTaken) await wait(isUrgent);
      isTaken = true;
      try {
        return await work();
      } finally {
        giveBack();
      }
    },
  };
}
