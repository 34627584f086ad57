import type { StartVariables, StoredCallDetails, VariableSource } from '../../domain/call.ts';
import type { Execution, ExecutionRecord } from '../../domain/execution.ts';
import type { JsonObject } from '../../domain/json.ts';
import { FINISHED_STATES, STATE, TYPE, toBytes, toUuid } from '../sql/column-values.ts';
import type { Connections, Session } from '../sql/connections.ts';
import { deleteExecutions } from './purge-executions.ts';
import type { Dialect, Row } from '../sql/dialect.ts';
import { EXECUTION_COLUMNS, IS_PURGED, isFinishedRow, JOIN_PURGED, toExecution } from './execution-rows.ts';
import { inParts, marks } from '../sql/sql.ts';
import type { ExecutionStore, RecordedStart } from '../execution-store.ts';

type Reads = Pick<
  ExecutionStore,
  | 'findConversation'
  | 'findStart'
  | 'findPostCall'
  | 'findDetails'
  | 'findExecution'
  | 'isSending'
  | 'findFinishedStarts'
  | 'nowMs'
>;

// SQLite takes 32,766 values a statement at most.
const STARTS_A_STEP = 500;

/** Makes the reads of single executions. */
export function createReads(connections: Connections, dialect: Dialect): Reads {
  const rows = (sql: string, values: readonly (Buffer | number)[]): Promise<readonly Row[]> =>
    connections.read((session) => session.rows(sql, values));

  const findByKey = (
    conversationUuid: string,
    sql: string,
    type: number,
  ): Promise<Row | 'purged' | undefined> =>
    connections.read((session) => findRow(session, dialect, sql, [toBytes(conversationUuid), type]));

  return {
    findConversation: async (conversationUuid) => {
      const found = await rows(FIND_CONVERSATION, [toBytes(conversationUuid)]);
      return found.filter((row) => row.is_purged !== 1).map(toExecution);
    },
    findStart: async (conversationUuid) => {
      const row = await findByKey(conversationUuid, FIND_START, TYPE.pre_call);
      return row === undefined || row === 'purged' ? row : toRecordedStart(row);
    },
    findPostCall: async (conversationUuid) => {
      const row = await findByKey(conversationUuid, FIND_POST_CALL, TYPE.post_call);
      return row === undefined || row === 'purged' ? row : toExecution(row);
    },
    findDetails: async (executionUuid) => {
      const [row] = await rows('SELECT details FROM execution_details WHERE execution_uuid = ?', [
        toBytes(executionUuid),
      ]);
      return row === undefined ? undefined : (JSON.parse(row.details as string) as StoredCallDetails);
    },
    findExecution: async (executionUuid) => {
      const [row] = await rows(FIND_EXECUTION, [toBytes(executionUuid), STATE.no_webhook]);
      if (row === undefined) return undefined;
      const { execution, start } = toRecordedStart(row);
      return { execution, record: toRecord(row), ...(row.start_json === null ? {} : { start }) };
    },
    isSending: async (executionUuid) => {
      const [row] = await rows('SELECT state FROM executions WHERE execution_uuid = ?', [
        toBytes(executionUuid),
      ]);
      return row?.state === STATE.sending;
    },
    findFinishedStarts: async (conversationUuids) => {
      const running = new Set<string>();
      for (const part of inParts(conversationUuids, STARTS_A_STEP)) {
        const found = await rows(findRunningStarts(part.length), part.map(toBytes));
        for (const row of found) running.add(toUuid(row.conversation_uuid as Buffer));
      }
      return conversationUuids.filter((uuid) => !running.has(uuid));
    },
    nowMs: async () => (await rows(`SELECT ${dialect.now} AS now_ms`, []))[0]?.now_ms as number,
  };
}

const FIND_CONVERSATION =
  `SELECT ${EXECUTION_COLUMNS}, ${IS_PURGED} FROM executions e ${JOIN_PURGED} ` +
  'WHERE e.conversation_uuid = ? ORDER BY e.webhook_type';

const FIND_EXECUTION =
  `SELECT ${EXECUTION_COLUMNS}, s.start_json, r.assigned, r.request, r.response FROM executions e ` +
  'LEFT JOIN execution_starts s ON s.execution_uuid = e.execution_uuid ' +
  'LEFT JOIN execution_records r ON r.execution_uuid = e.execution_uuid WHERE e.execution_uuid = ? AND e.state <> ?';

// One statement reads the row and the purged key, so that no purge comes between two statements.
function findByKeySql(columns: string, joins: string): string {
  return (
    `SELECT ${EXECUTION_COLUMNS}, ${columns}${IS_PURGED} FROM (SELECT ? AS conversation_uuid, ? AS webhook_type) k ` +
    'LEFT JOIN executions e ON e.conversation_uuid = k.conversation_uuid AND e.webhook_type = k.webhook_type ' +
    'LEFT JOIN purged_keys p ON p.conversation_uuid = k.conversation_uuid AND p.webhook_type = k.webhook_type ' +
    joins
  );
}

const FIND_POST_CALL = findByKeySql('', '');
const FIND_START = findByKeySql(
  's.start_json, r.assigned, ',
  'LEFT JOIN execution_starts s ON s.execution_uuid = e.execution_uuid ' +
    'LEFT JOIN execution_records r ON r.execution_uuid = e.execution_uuid',
);

// A state that a newer release wrote counts as running: its waiters would otherwise be woken again and again for a row that
// they can't read.
function findRunningStarts(count: number): string {
  return (
    `SELECT conversation_uuid FROM executions WHERE conversation_uuid IN (${marks(count)}) ` +
    `AND webhook_type = ${TYPE.pre_call} AND +state NOT IN (${FINISHED_STATES.join(', ')})`
  );
}

async function findRow(
  session: Session,
  dialect: Dialect,
  sql: string,
  key: readonly (Buffer | number)[],
): Promise<Row | 'purged' | undefined> {
  const [row] = await session.rows(sql, key);
  if (row === undefined) return undefined;
  const executionUuid = row.execution_uuid as Buffer | null;
  if (row.is_purged === 1) {
    // A copy of an insert that was applied late, under a purged key, is removed wherever it is found.
    if (executionUuid !== null) await deleteExecutions(session, dialect, [executionUuid]);
    return 'purged';
  }
  return executionUuid === null ? undefined : row;
}

interface Assigned {
  readonly variables: JsonObject;
  readonly sources: Readonly<Record<string, VariableSource>>;
}

function parse<T>(text: unknown): T | undefined {
  return text === null || text === undefined ? undefined : (JSON.parse(text as string) as T);
}

function toRecordedStart(row: Row): RecordedStart {
  const execution = toExecution(row);
  const start = parse<StartVariables>(row.start_json) ?? { callerPhone: '', variables: {}, sources: {} };
  const assigned = parse<Assigned>(row.assigned) ?? assignedOfMarked(row, execution);
  if (assigned === undefined) return { execution, start };
  return { execution, start: { ...start, assigned: assigned.variables, assignedSources: assigned.sources } };
}

// An execution that was marked interrupted has no record, but it is finished: nothing was assigned.
function assignedOfMarked(row: Row, execution: Execution): Assigned | undefined {
  return isFinishedRow(row) && execution.state !== 'no_webhook' ? { variables: {}, sources: {} } : undefined;
}

function toRecord(row: Row): ExecutionRecord {
  const request = parse<ExecutionRecord['request']>(row.request);
  const response = parse<ExecutionRecord['response']>(row.response);
  const assigned = parse<Assigned>(row.assigned);
  return {
    ...(request === undefined ? {} : { request }),
    ...(response === undefined ? {} : { response }),
    ...(assigned === undefined ? {} : { assignedVariables: assigned.variables }),
  };
}
