import type { Value } from '../sql/dialect.ts';
import type { SqliteFile } from '../sql/sqlite-file.ts';
import { toBytes } from '../sql/uuid-bytes.ts';
import type { OutcomeResult } from '../write-batch.ts';
import { STATE, timeLimitSources, TYPE } from './column-codes.ts';
import { PART_TABLES } from './purge-executions.ts';
import { EXECUTION_COLUMNS, GRACE_MS, IS_PURGED, JOIN_PURGED, toExecution } from './execution-rows.ts';
import { claimAnswer, READ_CLAIMS } from './read-claim.ts';
import { READ_RECORDED, recordedAnswer } from './recorded-outcome.ts';
import type {
  ClaimAnswer,
  ClaimRow,
  InsertAnswer,
  InsertRow,
  OutcomeRow,
  RowAnswers,
  RowBatch,
} from './write-rows.ts';

// One prepared statement a row: `changes` then tells the winner exactly, and the clock of this machine, which is the
// database's, is bound as a value, so that nothing of what a winner wrote is read back.

/** Writes a batch on SQLite in one transaction: all of it, or (thrown) nothing. Synchronous. */
export function writeOnSqlite(file: SqliteFile, batch: RowBatch): RowAnswers {
  file.change('BEGIN IMMEDIATE');
  try {
    const nowMs = Date.now();
    const answers = {
      outcomes: batch.outcomes.map((row) => recordOutcome(file, row)),
      starts: batch.starts.map((row) => insert(file, row, STARTS, nowMs)),
      postCalls: batch.postCalls.map((row) => insert(file, row, POST_CALLS, nowMs)),
      claims: batch.claims.map((row) => claim(file, row, nowMs)),
    };
    file.change('COMMIT');
    return answers;
  } catch (error) {
    rollBack(file);
    throw error;
  }
}

// What is told is why the transaction failed, not that it can't be rolled back.
function rollBack(file: SqliteFile): void {
  try {
    if (file.isInTransaction()) file.change('ROLLBACK');
  } catch {
    // The next BEGIN fails, and says so.
  }
}

/** Where rows of one type keep their large part. */
interface Kind {
  readonly webhookType: number;
  readonly insertPart: string;
}

const STARTS: Kind = {
  webhookType: TYPE.pre_call,
  insertPart:
    'INSERT INTO execution_starts (execution_uuid, start_json) VALUES (?, ?) ON CONFLICT DO NOTHING',
};
const POST_CALLS: Kind = {
  webhookType: TYPE.post_call,
  insertPart: 'INSERT INTO execution_details (execution_uuid, details) VALUES (?, ?) ON CONFLICT DO NOTHING',
};

const INSERT =
  'INSERT INTO executions (execution_uuid, conversation_uuid, webhook_type, agent_uuid, webhook_uuid, webhook_etag, ' +
  'state, failure_policy, time_limit_ms, time_limit_source, instance, claim, waiting_webhook_uuid, accepted_at, ' +
  'sending_at, state_at) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? ' +
  'WHERE NOT EXISTS (SELECT 1 FROM purged_keys p WHERE p.conversation_uuid = ? AND p.webhook_type = ?) ' +
  'AND NOT EXISTS (SELECT 1 FROM executions o WHERE o.conversation_uuid = ? AND o.agent_uuid <> ?) ' +
  'ON CONFLICT DO NOTHING';

function insert(file: SqliteFile, row: InsertRow, kind: Kind, nowMs: number): InsertAnswer {
  const [
    executionUuid,
    conversationUuid,
    agentUuid,
    webhookUuid,
    etag,
    state,
    policy,
    limitMs,
    source,
    instance,
  ] = row;
  const uuid = toBytes(executionUuid);
  const conversation = toBytes(conversationUuid);
  const agent = toBytes(agentUuid);
  const webhook = webhookUuid === null ? null : toBytes(webhookUuid);
  const isSending = state === STATE.sending;
  const changed = file.change(INSERT, [
    ...[uuid, conversation, kind.webhookType, agent, webhook, etag],
    ...[state, policy, limitMs, source, instance],
    ...[isSending ? uuid : null, state === STATE.accepted ? webhook : null],
    ...[nowMs, isSending ? nowMs : null, isSending ? nowMs + (limitMs ?? 0) + GRACE_MS : nowMs],
    ...[conversation, kind.webhookType, conversation, agent],
  ]);
  if (changed === 0) return lookForHolder(file, uuid, conversation, kind.webhookType);
  file.change(kind.insertPart, [uuid, row[10]]);
  return nowMs;
}

const FIND_HOLDER =
  `SELECT ${EXECUTION_COLUMNS}, ${IS_PURGED} FROM executions e ${JOIN_PURGED} ` +
  'WHERE e.conversation_uuid = ? AND e.webhook_type = ?';
const IS_KEY_PURGED = 'SELECT 1 AS one FROM purged_keys WHERE conversation_uuid = ? AND webhook_type = ?';

function lookForHolder(file: SqliteFile, uuid: Buffer, conversation: Buffer, type: number): InsertAnswer {
  const [holder] = file.rows(FIND_HOLDER, [conversation, type]);
  if (holder === undefined)
    return { kind: file.rows(IS_KEY_PURGED, [conversation, type]).length > 0 ? 'purged' : 'other_agent' };
  if (holder.is_purged === 1) {
    deleteExecution(file, holder.execution_uuid as Buffer);
    return { kind: 'purged' };
  }
  const isOurs = uuid.equals(holder.execution_uuid as Buffer);
  return { kind: isOurs ? 'won' : 'lost', execution: toExecution(holder) };
}

// A late copy of an insert under a purged key: it is removed wherever it is met.
function deleteExecution(file: SqliteFile, uuid: Buffer): void {
  for (const table of ['executions', ...PART_TABLES])
    file.change(`DELETE FROM ${table} WHERE execution_uuid = ?`, [uuid]);
}

// `+` keeps SQLite off the index by state. A pre-call's mark is final; a post-call's owner may correct it.
const RECORD =
  'UPDATE executions SET state = ?, state_at = COALESCE(sending_at, accepted_at) + ?, webhook_etag = ?, ' +
  'failure_code = ?, failure_sent = ?, detail = ? WHERE execution_uuid = ? AND claim = ? AND ' +
  `(+state = ${STATE.sending} OR (+state = ${STATE.interrupted} AND webhook_type = ${TYPE.post_call}))`;
const INSERT_RECORD =
  'INSERT INTO execution_records (execution_uuid, assigned, request, response) VALUES (?, ?, ?, ?) ' +
  'ON CONFLICT DO NOTHING';

function recordOutcome(file: SqliteFile, row: OutcomeRow): OutcomeResult {
  const [executionUuid, claimed, type, state, durationMs, etag, code, sent, detail, ...record] = row;
  const uuid = toBytes(executionUuid);
  const values: Value[] = [state, durationMs, etag, code, sent, detail, uuid, toBytes(claimed)];
  if (file.change(RECORD, values) === 0) {
    const answer = recordedAnswer(file.rows(`${READ_RECORDED} = ?`, [uuid])[0], row);
    if (answer !== 'recorded') return answer;
  }
  if (record.some((text) => text !== null)) file.change(INSERT_RECORD, [uuid, ...record]);
  if (type === TYPE.post_call) file.change('DELETE FROM execution_details WHERE execution_uuid = ?', [uuid]);
  return 'recorded';
}

// A key that was purged is never claimed, whatever lies under it; nor a row whose start is still being sent.
const CLAIM =
  `UPDATE executions SET state = ${STATE.sending}, claim = ?, webhook_etag = ?, time_limit_ms = ?, ` +
  `time_limit_source = ${timeLimitSources.toNumber('config')}, instance = ?, waiting_webhook_uuid = NULL, ` +
  `sending_at = ?, state_at = ? WHERE execution_uuid = ? AND +state = ${STATE.accepted} ` +
  'AND NOT EXISTS (SELECT 1 FROM purged_keys p WHERE p.conversation_uuid = executions.conversation_uuid ' +
  'AND p.webhook_type = executions.webhook_type) ' +
  'AND NOT EXISTS (SELECT 1 FROM executions s WHERE s.conversation_uuid = executions.conversation_uuid ' +
  `AND s.webhook_type = ${TYPE.pre_call} AND +s.state = ${STATE.sending})`;

function claim(file: SqliteFile, row: ClaimRow, nowMs: number): ClaimAnswer {
  const [executionUuid, token, etag, limitMs, instance] = row;
  const [uuid, claimBytes] = [toBytes(executionUuid), toBytes(token)];
  file.change(CLAIM, [claimBytes, etag, limitMs, instance, nowMs, nowMs + limitMs + GRACE_MS, uuid]);
  return claimAnswer(file.rows(`${READ_CLAIMS} = ?`, [uuid])[0], claimBytes);
}
