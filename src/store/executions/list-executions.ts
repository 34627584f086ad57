import type { Execution } from '../../domain/execution.ts';
import {
  DECISION,
  failureCodes,
  STATE,
  states,
  webhookTypes,
  toBytes,
  toUuid,
} from '../sql/column-values.ts';
import type { Connections } from '../sql/connections.ts';
import type { Dialect, Row, Value } from '../sql/dialect.ts';
import { EXECUTION_COLUMNS, rowBytes, toExecution } from './execution-rows.ts';
import { cutPage } from '../sql/cut-page.ts';
import { allOf, marks, type Condition } from '../sql/sql.ts';
import type { Page } from '../agent-store.ts';
import type { ExecutionFilter, ExecutionKey, ExecutionStore } from '../execution-store.ts';

const MAX_ENTRIES = 20_000;
// Most lists are filled from the first few entries, and a longer step costs more even when its first rows suffice.
const FIRST_STEP_PAGES = 4;

/** Makes the list of executions, newest first. */
export function createExecutionList(
  connections: Connections,
  dialect: Dialect,
): Pick<ExecutionStore, 'listExecutions'> {
  return {
    listExecutions: async (filter, pageSize, after) => {
      const agentUuid = await agentOf(connections, filter);
      const range = indexRange(dialect, filter, agentUuid);
      return readPage(connections, range, matching(filter), { pageSize, maxStep: dialect.listStep }, after);
    },
  };
}

/** The index in whose order the list is read, and the condition on its entries. */
interface IndexRange {
  readonly from: string;
  readonly condition: Condition;
}

// There is no index by webhook, because each index costs every insert. The executions of a webhook are searched among those
// of its agent, and the executions of a webhook that is gone among all.
async function agentOf(connections: Connections, filter: ExecutionFilter): Promise<Buffer | undefined> {
  if (filter.agentUuid !== undefined) return toBytes(filter.agentUuid);
  const { webhookUuid } = filter;
  if (webhookUuid === undefined) return undefined;
  const rows = await connections.read((session) =>
    session.rows('SELECT agent_uuid FROM webhooks WHERE webhook_uuid = ?', [toBytes(webhookUuid)]),
  );
  return rows[0]?.agent_uuid as Buffer | undefined;
}

function indexRange(dialect: Dialect, filter: ExecutionFilter, agentUuid: Buffer | undefined): IndexRange {
  const conditions: Condition[] = [];
  const add = (sql: string, ...values: Value[]): number => conditions.push({ sql, values });
  const from = (index: string): string => `executions ${dialect.useIndex(index)}`;

  if (filter.acceptedFromMs !== undefined) add('accepted_at >= ?', filter.acceptedFromMs);
  if (filter.acceptedToMs !== undefined) add('accepted_at < ?', filter.acceptedToMs);
  if (filter.conversationUuid !== undefined) {
    add('conversation_uuid = ?', toBytes(filter.conversationUuid));
    if (agentUuid !== undefined) add('agent_uuid = ?', agentUuid);
    return { from: from('executions_by_conversation'), condition: allOf(conditions) };
  }
  if (agentUuid === undefined) return { from: from('executions_by_time'), condition: allOf(conditions) };
  add('agent_uuid = ?', agentUuid);
  return { from: from('executions_by_agent'), condition: allOf(conditions) };
}

/** Returns the condition on `executions e` that a filter stands for, without its bounds of time, agent and conversation. */
export function matching(filter: ExecutionFilter): Condition {
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
  if (filter.degraded !== undefined) add(isDecided(filter.degraded, DECISION.proceed_degraded));
  if (filter.rejected !== undefined) add(isDecided(filter.rejected, DECISION.block_rejected));
  return allOf(conditions);
}

// The decision is NULL for a post-call and for a start that is not finished.
function isDecided(isWanted: boolean, decision: number): string {
  return isWanted ? `e.decision = ${decision}` : `COALESCE(e.decision, 0) <> ${decision}`;
}

// Reads step by step: first the end of the step, on the index alone, and then the matching rows up to it. So no statement
// reads more entries than a step has, however rare a match is.
async function readPage(
  connections: Connections,
  range: IndexRange,
  filter: Condition,
  { pageSize, maxStep }: { readonly pageSize: number; readonly maxStep: number },
  after: ExecutionKey | undefined,
): Promise<Page<Execution, ExecutionKey>> {
  const rows: Row[] = [];
  let from = after;
  let step = Math.min(FIRST_STEP_PAGES * pageSize, maxStep);
  for (let left = MAX_ENTRIES; left > 0; left -= step, step = Math.min(4 * step, maxStep, left)) {
    const to = await endOfStep(connections, range, step, from);
    rows.push(...(await readStep(connections, range, filter, pageSize + 1 - rows.length, from, to)));
    from = to;
    if (to === undefined || rows.length > pageSize) break;
  }
  const { items, isCut } = cutPage(rows, pageSize, rowBytes);
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

// The columns are compared one by one, because MySQL finds no range in a comparison of row values.
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
  range: IndexRange,
  step: number,
  from: ExecutionKey | undefined,
): Promise<ExecutionKey | undefined> {
  const { sql: where, values } = allOf([range.condition, ...below(from)]);
  const sql = `SELECT accepted_at, execution_uuid FROM ${range.from} WHERE ${where} ${NEWEST_FIRST} LIMIT 1 OFFSET ?`;
  const [row] = await connections.read((session) => session.rows(sql, [...values, step - 1]));
  return row === undefined ? undefined : keyOf(row);
}

function readStep(
  connections: Connections,
  range: IndexRange,
  filter: Condition,
  limit: number,
  from: ExecutionKey | undefined,
  to: ExecutionKey | undefined,
): Promise<readonly Row[]> {
  const { sql: where, values } = allOf([range.condition, ...below(from), ...downTo(to)]);
  const sql =
    `SELECT ${EXECUTION_COLUMNS} FROM ${range.from.replace('executions', 'executions e')} ` +
    `WHERE ${where} AND ${filter.sql} ${NEWEST_FIRST} LIMIT ?`;
  return connections.read((session) => session.rows(sql, [...values, ...filter.values, limit]));
}
