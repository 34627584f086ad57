import { createWrite } from './executions/write-rows.ts';
import { openMysql } from './open-mysql.ts';
import { openSqlite } from './open-sqlite.ts';
import type { StatementReport } from './sql/connections.ts';
import { openSqliteThread } from './thread/sqlite-thread.ts';
import type { Database } from './types.ts';

/** Where the database is. With `url` it is MySQL or MariaDB, else SQLite in `dataDir`. */
export interface DatabaseOptions {
  /** `mysql://user:password@host:port/database`. */
  readonly url?: string | undefined;
  /** Made (mode 0700) where it is missing; used by one process at a time. */
  readonly dataDir?: string;
  /** Connections for claims and outcomes, and as many for reads; half for everything else. Default 8. */
  readonly poolSize?: number;
  /** Certificates (PEM) that the server's is checked against; absent: no TLS. */
  readonly caFile?: string;
  /** How long one statement may take before its connection is given up: what calls wait for 2 s, others 5 s. */
  readonly statementTimeoutMs?: { readonly hot: number; readonly other: number };
  /** Hears of each statement that ended. SQLite then works on the thread of its caller. */
  readonly onStatement?: (report: StatementReport) => void;
}

/** Opens the database; it is not migrated yet. Throws when another process uses the data folder. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { url, dataDir, onStatement } = options;
  if (url !== undefined) return openMysql({ ...options, url });
  if (dataDir === undefined) throw new TypeError('a database needs a url or a dataDir');
  const database = onStatement ? openSqlite({ dataDir, onStatement }) : await openSqliteThread(dataDir);
  const { writeRows, executions, ...rest } = database;
  return { ...rest, executions: { ...executions, write: createWrite(writeRows) } };
}
