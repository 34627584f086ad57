import type { EndedState, Execution } from '../../domain/execution.ts';
import type { EndedKey, EndedPlace, ExecutionFilter, ExecutionStore } from '../execution-store.ts';
import { ENDED_STATES, STATE, states, toBytes, toUuid } from '../sql/column-values.ts';
import type { Connections } from '../sql/connections.ts';
import type { Dialect, Row, Value } from '../sql/dialect.ts';
import { allOf, inParts, marks, type Condition } from '../sql/sql.ts';
import { EXECUTION_COLUMNS, rowBytes, toExecution } from './execution-rows.ts';
import { matching } from './list-executions.ts';

type EndedReads = Pick<ExecutionStore, 'listEndedKeys' | 'countEnded' | 'findEnded' | 'listEnded'>;

const MAX_COUNT = 20_000;
const MAX_BYTES = 1024 * 1024;
const ALL: ExecutionFilter = { states: [], failureCodes: [] };

/** Makes the reads of executions in the order in which they ended. The index `executions_by_state` has that order. */
export function createEndedReads(connections: Connections, dialect: Dialect): EndedReads {
  const read = (sql: string, values: readonly Value[]): Promise<readonly Row[]> =>
    connections.read((session) => session.rows(sql, values));
  const indexed = `executions ${dialect.useIndex('executions_by_state')}`;
  const limit = dialect.endedKeys;

  const keysOf = (state: EndedState, where: Condition, alias: string): Condition => ({
    sql:
      `SELECT state, state_at, execution_uuid FROM (SELECT state, state_at, execution_uuid FROM ${indexed} ` +
      `WHERE state = ${STATE[state]} AND ${where.sql} ORDER BY state_at, execution_uuid LIMIT ${limit}) AS ${alias}`,
    values: where.values,
  });
  // Reads the rows of keys, in their order, until they come to 1 MiB or to more than `enough`. `end` is the last key whose row
  // was looked for.
  const readRows = async <Key extends { readonly executionUuid: string }>(
    keys: readonly Key[],
    filter: ExecutionFilter,
    enough = Infinity,
  ): Promise<{ found: Found<Key>[]; end: Key | undefined }> => {
    // The keys are of the right states.
    const where = allOf([matching({ ...filter, states: [] }), ...named(filter)]);
    const found: Found<Key>[] = [];
    let bytes = 0;
    for (const step of inParts(keys, dialect.endedRows)) {
      const rows = await read(
        `SELECT ${EXECUTION_COLUMNS} FROM executions e ${dialect.usePrimaryKey} ` +
          `WHERE e.execution_uuid IN (${marks(step.length)}) AND +e.state IN (${ENDED}) AND ${where.sql}`,
        [...step.map(({ executionUuid }) => toBytes(executionUuid)), ...where.values],
      );
      const executions = new Map(rows.map(toExecution).map((item) => [item.executionUuid, item]));
      for (const key of step) {
        const execution = executions.get(key.executionUuid);
        if (execution !== undefined && isOfState(execution, filter)) found.push({ key, execution });
      }
      for (const row of rows) bytes += rowBytes(row);
      if (bytes > MAX_BYTES || found.length > enough) return { found, end: step.at(-1) };
    }
    return { found, end: keys.at(-1) };
  };

  return {
    listEndedKeys: async (ranges) => {
      const parts = ranges.flatMap(({ fromMs, lagMs }, at) =>
        ENDED_STATES.map((state) => {
          const sql = `state_at >= ? AND state_at < ${dialect.now} - ${lagMs}`;
          const { sql: keys, values } = keysOf(state, { sql, values: [fromMs] }, `${state}_${at}`);
          return { sql: keys.replace('SELECT', `SELECT ${at} AS range_at,`), values };
        }),
      );
      // The time is the first row, because SQLite reads its clock anew for each row.
      const now = `SELECT -1 AS range_at, 0 AS state, ${dialect.now} AS state_at, NULL AS execution_uuid`;
      const sql = [now, ...parts.map((part) => part.sql)].join(' UNION ALL ');
      const rows = await read(
        sql,
        parts.flatMap(({ values }) => values),
      );
      const nowMs = rows.find((row) => row.range_at === -1)?.state_at as number;
      return { nowMs, ranges: ranges.map((_, at) => keysOfRange(rows, at)), limit };
    },
    countEnded: async (after, toMs) => {
      const { sql, values } = behind(after);
      const [row] = await read(
        `SELECT COUNT(*) AS count FROM (SELECT 1 AS one FROM ${indexed} ` +
          `WHERE state = ${STATE[after.state]} AND ${sql} AND state_at < ? LIMIT ${MAX_COUNT}) AS counted`,
        [...values, toMs],
      );
      return row?.count as number;
    },
    findEnded: async (executionUuids) => {
      const keys = executionUuids.map((executionUuid) => ({ executionUuid }));
      const { found } = await readRows(keys, ALL);
      return found.map(({ execution }) => execution);
    },
    listEnded: async (filter, pageSize, after) => {
      const wanted = ENDED_STATES.filter(
        (state) => filter.states.length === 0 || filter.states.includes(state),
      );
      const parts = wanted.map((state) => keysOf(state, behind(after), state));
      const rows = await read(
        parts.map(({ sql }) => sql).join(' UNION ALL '),
        parts.flatMap(({ values }) => values),
      );
      const found = rows.map(toKey).toSorted(compare);
      // Behind this many keys there may be some of a state that were not read.
      const keys = found.slice(0, limit);
      const { found: matches, end } = await readRows(keys, filter, pageSize);
      const items = matches.slice(0, pageSize).map(({ execution }) => execution);
      if (matches.length > pageSize) return { items, ...next(matches[pageSize - 1]?.key) };
      return { items, ...(keys.length === limit || end !== keys.at(-1) ? next(end) : {}) };
    },
  };
}

// The state may have changed since the key was read.
function isOfState({ state }: Execution, { states: wanted }: ExecutionFilter): boolean {
  return wanted.length === 0 || wanted.includes(state);
}

interface Found<Key> {
  readonly key: Key;
  readonly execution: Execution;
}

const ENDED = ENDED_STATES.map((state) => STATE[state]).join(', ');

// `+` keeps SQLite from using an index of the column instead of the primary key.
function named({ agentUuid, conversationUuid, acceptedFromMs, acceptedToMs }: ExecutionFilter): Condition[] {
  const conditions: Condition[] = [];
  const add = (sql: string, value: Value): number => conditions.push({ sql, values: [value] });
  if (agentUuid !== undefined) add('+e.agent_uuid = ?', toBytes(agentUuid));
  if (conversationUuid !== undefined) add('+e.conversation_uuid = ?', toBytes(conversationUuid));
  if (acceptedFromMs !== undefined) add('+e.accepted_at >= ?', acceptedFromMs);
  if (acceptedToMs !== undefined) add('+e.accepted_at < ?', acceptedToMs);
  return conditions;
}

function behind({ finishedAtMs, executionUuid }: EndedPlace): Condition {
  const sql = 'state_at >= ? AND (state_at > ? OR execution_uuid > ?)';
  return { sql, values: [finishedAtMs, finishedAtMs, toBytes(executionUuid)] };
}

function keysOfRange(rows: readonly Row[], at: number): readonly EndedKey[] {
  return rows
    .filter((row) => row.range_at === at)
    .map(toKey)
    .toSorted(compare);
}

function toKey(row: Row): EndedKey {
  return {
    state: states.toWord(row.state as number) as EndedState,
    finishedAtMs: row.state_at as number,
    executionUuid: toUuid(row.execution_uuid as Buffer),
  };
}

function compare(a: EndedPlace, b: EndedPlace): number {
  return a.finishedAtMs - b.finishedAtMs || (a.executionUuid < b.executionUuid ? -1 : 1);
}

function next(place: EndedPlace | undefined): { next: EndedPlace } | object {
  if (place === undefined) return {};
  return { next: { finishedAtMs: place.finishedAtMs, executionUuid: place.executionUuid } };
}
