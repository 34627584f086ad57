import type { Execution } from '../../domain/execution.ts';
import { failureCodes, POLICY, STATE, states, TYPE, webhookTypes } from './column-codes.ts';
import type { Connections } from '../sql/connections.ts';
import type { Dialect, Row, Value } from '../sql/dialect.ts';
import { EXECUTION_COLUMNS, toExecution } from './execution-rows.ts';
import { cutPage } from '../sql/page-size.ts';
import { allOf, marks, type Condition } from '../sql/sql.ts';
import type { Page } from '../agent-store.ts';
import type { ExecutionFilter, ExecutionKey, ExecutionStore } from '../execution-store.ts';
import { toBytes, toUuid } from '../sql/uuid-bytes.ts';

const MAX_ENTRIES = 20_000;
// Most lists are filled from the first few entries; a longer step costs even when its first rows suffice.
const FIRST_STEP_PAGES = 4;
// An execution without its detail, as JSON.
const ROW_BYTES = 700;

/** The list of executions, newest first. */
export function createExecutionList(
  connections: Connections,
  dialect: Dialect,
): Pick<ExecutionStore, 'listExecutions'> {
  return {
    listExecutions: async (filter, pageSize, after) => {
      const agentUuid = await agentOf(connections, filter);
      const way = wayThrough(dialect, filter, agentUuid);
      return walk(connections, way, matching(filter), { pageSize, maxStep: dialect.listStep }, after);
    },
  };
}

/** An index in whose order the list is read, and the entries of it that come into question. */
interface Way {
  readonly from: string;
  readonly range: Condition;
}

// There is no index by webhook (each costs every insert): a webhook's executions are among its agent's. Those of a
// webhook that is gone are looked for among all.
async function agentOf(connections: Connections, filter: ExecutionFilter): Promise<Buffer | undefined> {
  if (filter.agentUuid !== undefined) return toBytes(filter.agentUuid);
  const { webhookUuid } = filter;
  if (webhookUuid === undefined) return undefined;
  const rows = await connections.read((session) =>
    session.rows('SELECT agent_uuid FROM webhooks WHERE webhook_uuid = ?', [toBytes(webhookUuid)]),
  );
  return rows[0]?.agent_uuid as Buffer | undefined;
}

function wayThrough(dialect: Dialect, filter: ExecutionFilter, agentUuid: Buffer | undefined): Way {
  const range: Condition[] = [];
  const add = (sql: string, ...values: Value[]): number => range.push({ sql, values });
  const from = (index: string): string => `executions ${dialect.useIndex(index)}`;

  if (filter.acceptedFromMs !== undefined) add('accepted_at >= ?', filter.acceptedFromMs);
  if (filter.acceptedToMs !== undefined) add('accepted_at < ?', filter.acceptedToMs);
  if (filter.conversationUuid !== undefined) {
    add('conversation_uuid = ?', toBytes(filter.conversationUuid));
    if (agentUuid !== undefined) add('agent_uuid = ?', agentUuid);
    return { from: from('executions_by_conversation'), range: allOf(range) };
  }
  if (agentUuid === undefined) return { from: from('executions_by_time'), range: allOf(range) };
  add('agent_uuid = ?', agentUuid);
  return { from: from('executions_by_agent'), range: allOf(range) };
}

function matching(filter: ExecutionFilter): Condition {
  const conditions: Condition[] = [{ sql: `e.state <> ${STATE.no_webhook}`, values: [] }];
  const add = (sql: string, ...values: Value[]): number => conditions.push({ sql, values });
  if (filter.webhookUuid !== undefined) add('e.webhook_uuid = ?', toBytes(filter.webhookUuid));
  if (filter.webhookType !== undefined) add('e.webhook_type = ?', webhookTypes.toNumber(filter.webhookType));
  if (filter.states.length > 0)
    add(`e.state IN (${marks(filter.states.length)})`, ...filter.states.map(states.toNumber));
  if (filter.failureCodes.length > 0)
    add(
      `e.failure_code IN (${marks(filter.failureCodes.length)})`,
      ...filter.failureCodes.map(failureCodes.toNumber),
    );
  if (filter.degraded !== undefined) add(filter.degraded ? DEGRADED : `NOT (${DEGRADED})`);
  return allOf(conditions);
}

// failure_policy is NULL for a post-call, and NOT NULL would be neither.
const DEGRADED =
  `e.webhook_type = ${TYPE.pre_call} AND e.state IN (${STATE.failed}, ${STATE.interrupted}) ` +
  `AND COALESCE(e.failure_policy, 0) = ${POLICY.proceed}`;

// Step by step: first where the step ends, on the index alone, then what matches between. So no statement reads more
// than a step's entries, however rare the match is.
async function walk(
  connections: Connections,
  way: Way,
  filter: Condition,
  { pageSize, maxStep }: { readonly pageSize: number; readonly maxStep: number },
  after: ExecutionKey | undefined,
): Promise<Page<Execution, ExecutionKey>> {
  const rows: Row[] = [];
  let from = after;
  let step = Math.min(FIRST_STEP_PAGES * pageSize, maxStep);
  for (let left = MAX_ENTRIES; left > 0; left -= step, step = Math.min(4 * step, maxStep, left)) {
    const to = await endOfStep(connections, way, step, from);
    rows.push(...(await readStep(connections, way, filter, pageSize + 1 - rows.length, from, to)));
    from = to;
    if (to === undefined || rows.length > pageSize) break;
  }
  const { items, isCut } = cutPage(rows, pageSize, (row) => ROW_BYTES + String(row.detail ?? '').length);
  const last = items.at(-1);
  const next = isCut && last !== undefined ? keyOf(last) : from;
  return { items: items.map(toExecution), ...(next === undefined ? {} : { next }) };
}

function keyOf(row: Row): ExecutionKey {
  return {
    acceptedAtMs: row.accepted_at as number,
    executionUuid: toUuid(row.execution_uuid as Buffer),
  };
}

// Spelled out, because MySQL finds no range in a comparison of row values.
function below(key: ExecutionKey | undefined): Condition[] {
  if (key === undefined) return [];
  const { acceptedAtMs, executionUuid } = key;
  return [
    {
      sql: 'accepted_at <= ? AND (accepted_at < ? OR execution_uuid < ?)',
      values: [acceptedAtMs, acceptedAtMs, toBytes(executionUuid)],
    },
  ];
}

function downTo(key: ExecutionKey | undefined): Condition[] {
  if (key === undefined) return [];
  const { acceptedAtMs, executionUuid } = key;
  return [
    {
      sql: 'accepted_at >= ? AND (accepted_at > ? OR execution_uuid >= ?)',
      values: [acceptedAtMs, acceptedAtMs, toBytes(executionUuid)],
    },
  ];
}

const NEWEST_FIRST = 'ORDER BY accepted_at DESC, execution_uuid DESC';

async function endOfStep(
  connections: Connections,
  way: Way,
  step: number,
  from: ExecutionKey | undefined,
): Promise<ExecutionKey | undefined> {
  const range = allOf([way.range, ...below(from)]);
  const sql = `SELECT accepted_at, execution_uuid FROM ${way.from} WHERE ${range.sql} ${NEWEST_FIRST} LIMIT 1 OFFSET ?`;
  const [row] = await connections.read((session) => session.rows(sql, [...range.values, step - 1]));
  return row === undefined ? undefined : keyOf(row);
}

function readStep(
  connections: Connections,
  way: Way,
  filter: Condition,
  limit: number,
  from: ExecutionKey | undefined,
  to: ExecutionKey | undefined,
): Promise<readonly Row[]> {
  const range = allOf([way.range, ...below(from), ...downTo(to)]);
  const sql =
    `SELECT ${EXECUTION_COLUMNS} FROM ${way.from.replace('executions', 'executions e')} ` +
    `WHERE ${range.sql} AND ${filter.sql} ${NEWEST_FIRST} LIMIT ?`;
  return connections.read((session) => session.rows(sql, [...range.values, ...filter.values, limit]));
}
