import type { Value } from './dialect.ts';

/** Returns `?, ?, ?` for so many values. */
export function marks(count: number): string {
  return Array.from({ length: count }, () => '?').join(', ');
}

/** Returns a derived table with a SELECT for each row. The values are bound row by row. */
export function rowsAsTable(columns: readonly string[], rowCount: number): string {
  const first = `SELECT ${columns.map((column) => `? AS ${column}`).join(', ')}`;
  const other = ` UNION ALL SELECT ${marks(columns.length)}`;
  return first + other.repeat(rowCount - 1);
}

/** Returns a list in parts of at most `size` items. */
export function inParts<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  const parts: T[][] = [];
  for (let at = 0; at < items.length; at += size) parts.push(items.slice(at, at + size));
  return parts;
}

/** A condition of SQL with its values. */
export interface Condition {
  readonly sql: string;
  readonly values: readonly Value[];
}

/** Joins conditions with AND. Without any it is `1 = 1`. */
export function allOf(conditions: readonly Condition[]): Condition {
  return {
    sql: conditions.length === 0 ? '1 = 1' : conditions.map(({ sql }) => `(${sql})`).join(' AND '),
    values: conditions.flatMap(({ values }) => values),
  };
}
