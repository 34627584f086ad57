/** What may be bound to a statement. */
export type Value = string | number | Buffer | null;

/** One row as a driver gives it: texts, numbers, bytes. */
export type Row = Readonly<Record<string, unknown>>;

/** An update of many rows of `executions`, each with values of its own. */
export interface UpdateFromRows {
  /** Names of the values of a row; the first is the `execution_uuid` that it is for. */
  readonly columns: readonly string[];
  readonly rowCount: number;
  /** Assignments and guard: columns of `executions` by their plain names, of the rows by those of `columns`. */
  readonly set: string;
  readonly guard: string;
}

/** What one engine needs differently. Everything else in the store is shared. */
export interface Dialect {
  readonly engine: 'sqlite' | 'mysql';
  /** The database's clock: epoch milliseconds, an integer. */
  readonly now: string;
  /** Locks the rows that a SELECT reads until the transaction ends. */
  readonly forUpdate: string;
  /** The same, but passes over rows that are locked already. */
  readonly forUpdateOfFree: string;
  /** Lets the next statement read what others have not committed; absent where nobody else writes. */
  readonly readUncommitted?: string;
  /** After a table's name: read in the order of this index. */
  readonly useIndex: (name: string) => string;
  /** After the name of a table that is read by its primary key, however small it is. */
  readonly usePrimaryKey: string;
  /** Ends an INSERT so that it leaves a row that is already there alone, and fails for every other reason. */
  readonly keepExisting: (primaryKey: string) => string;
  readonly updateFromRows: (update: UpdateFromRows) => string;
  /** Finds a row when the table that is bound to it exists. */
  readonly tableExists: string;
  /** Takes rows out of a table by so many `execution_uuid`s. */
  readonly deleteByUuid: (table: string, count: number) => string;
  /**
   * The first webhooks (`uuid`) after a given one that have pending post-calls, with when the oldest of them was
   * accepted (`oldest`); bound to that one and a limit.
   */
  readonly nextPendingWebhooks: string;
  /** The text at a path (`$.a.b`) of a column that holds JSON. */
  readonly jsonText: (column: string, path: string) => string;
  /** How many index entries one statement of a list reads. */
  readonly listStep: number;
  /** How many rows one step of a round of marks or of the purge changes, and the pause after a step of the purge. */
  readonly sweepStep: number;
  readonly sweepPauseMs: number;

  isDuplicateKey(error: unknown): boolean;
}
