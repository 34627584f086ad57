import type { Value } from '../sql/dialect.ts';
import type { SqliteConnections, SqliteFile } from '../sql/sqlite-file.ts';
import { toBytes, STATE, timeLimitSources, TYPE } from '../sql/column-values.ts';
import type { OutcomeResult } from '../write-batch.ts';
import { decideClaim, decideOutcome, READ_CLAIMS, READ_OUTCOMES } from './decide-writes.ts';
import { EXECUTION_COLUMNS, GRACE_MS, IS_PURGED, JOIN_PURGED, toExecution } from './execution-rows.ts';
import { PART_TABLES } from './purge-executions.ts';
import type {
  ClaimAnswer,
  ClaimRow,
  InsertAnswer,
  InsertRow,
  OutcomeRow,
  RowAnswers,
  RowBatch,
  WriteRows,
} from './write-rows.ts';

// There is one prepared statement for each row. So the number of changed rows decides exactly who won. The clock of this
// machine is the database's clock, so it is bound as a value, and nothing that a winner wrote is read back.

/** Writes batches on SQLite, and the log back between them. */
export interface SqliteWrites {
  readonly writeRows: WriteRows;
  close(): void;
}

/** Makes the writing of batches on SQLite. */
export function createSqliteWrites(connections: SqliteConnections): SqliteWrites {
  const checkpoints = createCheckpoints(connections);
  return {
    writeRows: async (batch) => {
      const answers = await connections.run((file) => writeBatch(file, batch));
      checkpoints.countWritten(rowsIn(batch));
      return answers;
    },
    close: checkpoints.close,
  };
}

/** Writes a batch in one transaction, synchronously. When it throws, nothing was written. */
function writeBatch(file: SqliteFile, batch: RowBatch): RowAnswers {
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

// The caller hears why the transaction failed, and not that it can't be rolled back.
function rollBack(file: SqliteFile): void {
  try {
    if (file.isInTransaction()) file.change('ROLLBACK');
  } catch {
    // The next BEGIN fails and reports it.
  }
}

/** How rows of one webhook type are inserted. */
interface Kind {
  readonly webhookType: number;
  /** Inserts the large part of a row into its own table. */
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
  if (changed === 0) return decideByExisting(file, uuid, conversation, kind.webhookType);
  file.change(kind.insertPart, [uuid, row[10]]);
  return nowMs;
}

const FIND_EXISTING =
  `SELECT ${EXECUTION_COLUMNS}, ${IS_PURGED} FROM executions e ${JOIN_PURGED} ` +
  'WHERE e.conversation_uuid = ? AND e.webhook_type = ?';
const IS_KEY_PURGED = 'SELECT 1 AS one FROM purged_keys WHERE conversation_uuid = ? AND webhook_type = ?';

function decideByExisting(file: SqliteFile, uuid: Buffer, conversation: Buffer, type: number): InsertAnswer {
  const [existing] = file.rows(FIND_EXISTING, [conversation, type]);
  if (existing === undefined)
    return { kind: file.rows(IS_KEY_PURGED, [conversation, type]).length > 0 ? 'purged' : 'other_agent' };
  if (existing.is_purged === 1) {
    deleteExecution(file, existing.execution_uuid as Buffer);
    return { kind: 'purged' };
  }
  const isOurs = uuid.equals(existing.execution_uuid as Buffer);
  return { kind: isOurs ? 'won' : 'lost', execution: toExecution(existing) };
}

// A copy of an insert that was applied late, under a purged key, is removed wherever it is found.
function deleteExecution(file: SqliteFile, uuid: Buffer): void {
  for (const table of ['executions', ...PART_TABLES])
    file.change(`DELETE FROM ${table} WHERE execution_uuid = ?`, [uuid]);
}

// `+` keeps SQLite from using the index by state. The mark of a pre-call is final. The owner of a post-call may correct it.
const RECORD =
  'UPDATE executions SET state = ?, state_at = COALESCE(sending_at, accepted_at) + ?, webhook_etag = ?, ' +
  'failure_code = ?, failure_sent = ?, decision = ?, detail = ? WHERE execution_uuid = ? AND claim = ? AND ' +
  `(+state = ${STATE.sending} OR (+state = ${STATE.interrupted} AND webhook_type = ${TYPE.post_call}))`;
const INSERT_RECORD =
  'INSERT INTO execution_records (execution_uuid, assigned, request, response) VALUES (?, ?, ?, ?) ' +
  'ON CONFLICT DO NOTHING';

function recordOutcome(file: SqliteFile, row: OutcomeRow): OutcomeResult {
  const [executionUuid, claimed, type, state, durationMs, etag, code, sent, decision, detail, ...record] =
    row;
  const uuid = toBytes(executionUuid);
  const values: Value[] = [state, durationMs, etag, code, sent, decision, detail, uuid, toBytes(claimed)];
  if (file.change(RECORD, values) === 0) {
    const answer = decideOutcome(file.rows(`${READ_OUTCOMES} = ?`, [uuid])[0], row);
    if (answer !== 'recorded') return answer;
  }
  if (record.some((text) => text !== null)) file.change(INSERT_RECORD, [uuid, ...record]);
  if (type === TYPE.post_call) file.change('DELETE FROM execution_details WHERE execution_uuid = ?', [uuid]);
  return 'recorded';
}

// A row under a purged key is never claimed, and neither is a row whose pre-call is still being sent.
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
  return decideClaim(file.rows(`${READ_CLAIMS} = ?`, [uuid])[0], claimBytes);
}

function rowsIn({ outcomes, starts, postCalls, claims }: RowBatch): number {
  return outcomes.length + starts.length + postCalls.length + claims.length;
}

// They make about 2 MB of log, and a checkpoint then takes a few milliseconds. One checkpoint a second took 40 ms at 2,000
// rows a second.
const ROWS_A_CHECKPOINT = 300;
const CHECKPOINT_EVERY_MS = 1_000;

/**
 * Writes the write-ahead log back into the database file, in short checkpoints between batches, so that the log does not
 * grow for ever, and no commit waits for long.
 */
function createCheckpoints({ background }: SqliteConnections) {
  let rows = 0;
  let isRunning = false;
  const run = async (): Promise<void> => {
    if (isRunning) return;
    isRunning = true;
    rows = 0;
    // A passive checkpoint leaves what a reader still needs for the next one.
    await background
      .use((session) => session.rows('PRAGMA wal_checkpoint(PASSIVE)'))
      .catch(() => undefined)
      .finally(() => {
        isRunning = false;
      });
  };
  const timer = setInterval(() => void run(), CHECKPOINT_EVERY_MS).unref();
  return {
    countWritten: (count: number): void => {
      rows += count;
      if (rows >= ROWS_A_CHECKPOINT) void run();
    },
    close: (): void => clearInterval(timer),
  };
}
