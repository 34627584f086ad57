/** A value that may be bound to a statement. */
export type Value = string | number | Buffer | null;

/** One row as a driver returns it: texts, numbers, bytes. */
export type Row = Readonly<Record<string, unknown>>;

/** An update of many rows of `executions`, each with values of its own. */
export interface UpdateFromRows {
  /** The names of the values of a row. The first is the `execution_uuid` of the row that is updated. */
  readonly columns: readonly string[];
  readonly rowCount: number;
  /** Assignments, with columns of `executions` by their plain names and values by the names in `columns`. */
  readonly set: string;
  /** The condition under which a row is updated, with the same names. */
  readonly guard: string;
}

/** The parts of SQL in which the engines differ. Everything else in the store is shared. */
export interface Dialect {
  readonly engine: 'sqlite' | 'mysql';
  /** The expression for the database's clock, in epoch milliseconds as an integer. */
  readonly now: string;
  /** Ends a SELECT that locks the rows it reads until the transaction ends. */
  readonly forUpdate: string;
  /** Ends a SELECT that locks the rows it reads, and passes over rows that are locked already. */
  readonly forUpdateOfFree: string;
  /** Lets the next statement read what others have not committed. Absent where no other process writes. */
  readonly readUncommitted?: string;
  /** Stands after the name of a table that is read by this index. */
  readonly useIndex: (name: string) => string;
  /** Stands after the name of a table that is read by its primary key, however small it is. */
  readonly usePrimaryKey: string;
  /** Ends an INSERT that leaves an existing row alone, and fails for every other reason. */
  readonly keepExisting: (primaryKey: string) => string;
  readonly updateFromRows: (update: UpdateFromRows) => string;
  /** Finds a row when the table exists whose name is bound to it. */
  readonly tableExists: string;
  /** Deletes rows of a table by so many `execution_uuid`s. */
  readonly deleteByUuid: (table: string, count: number) => string;
  /**
   * Lists the first webhooks (`uuid`) after a given one that have pending post-calls, with the time at which the oldest of
   * them was accepted (`oldest`). The given webhook and a limit are bound to it.
   */
  readonly nextPendingWebhooks: string;
  /** The expression for the text at a path (`$.a.b`) of a column with JSON. */
  readonly jsonText: (column: string, path: string) => string;
  /** How many index entries one statement of a list reads. */
  readonly listStep: number;
  /** How many keys of ended executions one statement reads of each state, and how many of their rows one step reads. */
  readonly endedKeys: number;
  readonly endedRows: number;
  /** How many rows one step of the marks or of the purge changes, and the pause after a step of the purge. */
  readonly maintenanceStep: number;
  readonly maintenancePauseMs: number;

  isDuplicateKey(error: unknown): boolean;
  /** Reports whether a statement of a migration failed because what it makes is there, or what it removes is gone. */
  wasAppliedBefore(error: unknown): boolean;
}
