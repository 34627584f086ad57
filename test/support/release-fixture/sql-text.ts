import Sqlite from 'better-sqlite3';
import { join } from 'node:path';
import { createConnection, escape, escapeId } from 'mysql2/promise';
import type { FreshDatabase } from '../engines.ts';

type Row = Readonly<Record<string, unknown>>;

/** A table with its rows, in the order of their keys. */
interface Table {
  readonly name: string;
  readonly definition: string;
  readonly rows: readonly Row[];
}

/**
 * Returns a database as a text that makes it again: a statement for each table and index, and one in a line for each row.
 * `shiftMs` is taken from each instant.
 */
export async function dumpDatabase({ url, dataDir }: FreshDatabase, shiftMs: number): Promise<string> {
  const { tables, quote, more } = url === null ? readSqlite(dataDir) : await readMysql(url);
  const inserts = tables.flatMap(({ name, rows }) => rows.map((row) => insertOf(name, row, shiftMs, quote)));
  const definitions = [...tables.map(({ definition }) => definition), ...more].map((sql) => `${sql};\n`);
  return [...definitions, ...inserts].join('');
}

/** Makes a database of such a text. */
export async function loadDatabase({ url, dataDir }: FreshDatabase, text: string): Promise<void> {
  if (url === null) {
    const file = new Sqlite(join(dataDir, 'callhooks.db'));
    file.exec(text);
    file.close();
    return;
  }
  const connection = await createConnection({ uri: url, multipleStatements: true, charset: 'utf8mb4' });
  await connection.query(text);
  await connection.end();
}

/** Runs one statement past callhooks, while no server runs. */
export async function changeDirectly({ url, dataDir }: FreshDatabase, sql: string): Promise<void> {
  await loadDatabase({ url, dataDir, cleanup: () => Promise.resolve() }, sql);
}

interface Read {
  readonly tables: readonly Table[];
  /** The statements that make the indexes, where they are apart. */
  readonly more: readonly string[];
  readonly quote: (text: string) => string;
}

function readSqlite(dataDir: string): Read {
  const file = new Sqlite(join(dataDir, 'callhooks.db'), { readonly: true });
  const all = file
    .prepare(
      "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%' ORDER BY name",
    )
    .all() as { type: string; name: string; sql: string }[];
  const tables = all
    .filter(({ type }) => type === 'table')
    .map(({ name, sql }) => ({
      ...{ name, definition: sql },
      rows: file.prepare(`SELECT * FROM ${name} ORDER BY 1, 2`).all() as Row[],
    }));
  file.close();
  return {
    tables,
    more: all.filter(({ type }) => type === 'index').map(({ sql }) => sql),
    quote: (text) => `'${text.replaceAll("'", "''")}'`,
  };
}

async function readMysql(url: string): Promise<Read> {
  const connection = await createConnection({ uri: url, charset: 'utf8mb4' });
  const query = async (sql: string): Promise<readonly Row[]> => (await connection.query(sql))[0] as Row[];
  const names = (await query('SHOW TABLES')).map((row) => String(Object.values(row)[0]));
  const tables: Table[] = [];
  for (const name of names.toSorted()) {
    const [made] = await query(`SHOW CREATE TABLE ${escapeId(name)}`);
    const definition = String(made?.['Create Table']);
    tables.push({ name, definition, rows: await query(`SELECT * FROM ${escapeId(name)} ORDER BY 1, 2`) });
  }
  await connection.end();
  return { tables, more: [], quote: (text) => escape(text) };
}

function insertOf(table: string, row: Row, shiftMs: number, quote: (text: string) => string): string {
  const values = Object.entries(row).map(([column, value]) => {
    if (value === null) return 'NULL';
    if (Buffer.isBuffer(value)) return `X'${value.toString('hex')}'`;
    if (typeof value === 'number')
      return String(column.endsWith('_at') ? Math.max(0, value - shiftMs) : value);
    return quote(String(value));
  });
  return `INSERT INTO ${table} (${Object.keys(row).join(', ')}) VALUES (${values.join(', ')});\n`;
}

const INSTANT = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

/** Returns a copy of proto JSON in which each timestamp is earlier by `shiftMs`. */
export function shiftTimestamps<T>(value: T, shiftMs: number): T {
  const text = JSON.stringify(value, (key, each: unknown) => {
    if (!key.endsWith('At') || typeof each !== 'string' || !INSTANT.test(each)) return each;
    const iso = new Date(Date.parse(each) - shiftMs).toISOString();
    // Proto JSON has as few digits as it needs, in groups of three.
    return iso.replace('.000Z', 'Z');
  });
  return JSON.parse(text) as T;
}
