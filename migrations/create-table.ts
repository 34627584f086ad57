/** The engines that a migration is written for. */
export type Engine = 'sqlite' | 'mysql';

/** One step of the schema. It is applied once, in order, and never edited after a release. */
export interface Migration {
  readonly name: string;
  /** Tells an operator in one sentence what the step does. */
  readonly summary: string;
  /** The oldest release that works with the schema after this step. */
  readonly oldestRelease: string;
  /**
   * Returns the statements of the step. On MySQL there is one, because DDL commits at once: after a kill before the step is
   * noted it runs again, so it must work a second time.
   */
  readonly statements: (engine: Engine) => readonly string[];
}

// Numbers are signed: MySQL makes a DECIMAL, which is read as a text, of signed and unsigned numbers in one column.
/** The column types. `text` is for JSON and sealed values (a native JSON column reorders keys and changes numbers). */
const TYPES = {
  sqlite: {
    uuid: 'BLOB',
    word: 'TEXT',
    text: 'TEXT',
    code: 'INTEGER',
    ms: 'INTEGER',
    instant: 'INTEGER',
    day: 'INTEGER',
  },
  mysql: {
    uuid: 'BINARY(16)',
    word: 'VARCHAR(255)',
    text: 'MEDIUMTEXT',
    code: 'TINYINT',
    ms: 'INT',
    instant: 'BIGINT',
    day: 'SMALLINT UNSIGNED',
  },
} as const;

type ColumnType = keyof (typeof TYPES)['sqlite'];

/** A table that both engines make. A column type with `?` may be NULL. */
export interface TableShape {
  readonly name: string;
  readonly columns: Readonly<Record<string, ColumnType | `${ColumnType}?`>>;
  readonly primaryKey: readonly string[];
  /** The unique keys by name. */
  readonly unique?: Readonly<Record<string, readonly string[]>>;
  /** The indexes by name. On SQLite a `partial` index has only rows in which its first column is not NULL. */
  readonly indexes?: Readonly<Record<string, { columns: readonly string[]; partial?: boolean }>>;
}

/** Returns the statements that make a table with its indexes. Both engines keep its rows in the order of the primary key. */
export function createTable(shape: TableShape) {
  return (engine: Engine): readonly string[] =>
    engine === 'mysql' ? [createOnMysql(shape)] : createOnSqlite(shape);
}

function columnsOf({ columns }: TableShape, engine: Engine): string[] {
  return Object.entries(columns).map(([name, type]) => {
    const isOptional = type.endsWith('?');
    const word = (isOptional ? type.slice(0, -1) : type) as ColumnType;
    return `${name} ${TYPES[engine][word]}${isOptional ? '' : ' NOT NULL'}`;
  });
}

function list(columns: readonly string[]): string {
  return `(${columns.join(', ')})`;
}

function createOnMysql(shape: TableShape): string {
  const unique = Object.entries(shape.unique ?? {}).map(
    ([name, columns]) => `UNIQUE KEY ${name} ${list(columns)}`,
  );
  const indexes = Object.entries(shape.indexes ?? {}).map(
    ([name, { columns }]) => `KEY ${name} ${list(columns)}`,
  );
  const parts = [
    ...columnsOf(shape, 'mysql'),
    `PRIMARY KEY ${list(shape.primaryKey)}`,
    ...unique,
    ...indexes,
  ];
  return (
    `CREATE TABLE IF NOT EXISTS ${shape.name} (${parts.join(', ')}) ` +
    'ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin'
  );
}

function createOnSqlite(shape: TableShape): readonly string[] {
  const parts = [...columnsOf(shape, 'sqlite'), `PRIMARY KEY ${list(shape.primaryKey)}`];
  const unique = Object.entries(shape.unique ?? {}).map(
    ([name, columns]) => `CREATE UNIQUE INDEX IF NOT EXISTS ${name} ON ${shape.name} ${list(columns)}`,
  );
  const indexes = Object.entries(shape.indexes ?? {}).map(([name, { columns, partial }]) => {
    const where = partial === true ? ` WHERE ${columns[0]} IS NOT NULL` : '';
    return `CREATE INDEX IF NOT EXISTS ${name} ON ${shape.name} ${list(columns)}${where}`;
  });
  return [
    `CREATE TABLE IF NOT EXISTS ${shape.name} (${parts.join(', ')}) WITHOUT ROWID`,
    ...unique,
    ...indexes,
  ];
}
