import type { Value } from '../sql/dialect.ts';
import { mysql } from '../sql/mysql.ts';
import type { Statement } from '../sql/mysql-connections.ts';
import { marks, rowsAsTable } from '../sql/sql.ts';
import { toBytes, STATE, timeLimitSources, TYPE } from '../sql/column-values.ts';
import { GRACE_MS, JOIN_PURGED } from './execution-rows.ts';
import { READ_CLAIMS } from './decide-writes.ts';
import type { ClaimRow, InsertRow, OutcomeRow } from './write-rows.ts';

const { now } = mysql;

/** Keeps the text for each number of rows. Long texts would otherwise be built for each commit. */
function byCount(textOf: (count: number) => string): (count: number) => string {
  const texts = new Map<number, string>();
  return (count) => {
    const text = texts.get(count) ?? textOf(count);
    texts.set(count, text);
    return text;
  };
}

/** The texts that insert rows of one webhook type, by the number of rows. */
export interface InsertKind {
  readonly webhookType: number;
  readonly insertText: (count: number) => string;
  readonly partText: (count: number) => string;
  readonly readText: (count: number) => string;
}

const INSERT_COLUMNS =
  'execution_uuid, conversation_uuid, webhook_type, agent_uuid, webhook_uuid, webhook_etag, state, failure_policy, ' +
  'time_limit_ms, time_limit_source, instance, claim, waiting_webhook_uuid, accepted_at, sending_at, state_at';

// The derived table of new rows names the values of a row so.
const NEW_COLUMNS = [
  ...['uuid', 'conversation', 'type', 'agent', 'webhook', 'etag', 'state', 'policy', 'limit_ms', 'source'],
  ...['instance', 'claim', 'waiting', 'is_sending', 'due_after_ms'],
];
const NEW_VALUES =
  NEW_COLUMNS.slice(0, 13)
    .map((name) => `n.${name}`)
    .join(', ') + `, ${now}, IF(n.is_sending, ${now}, NULL), ${now} + n.due_after_ms`;

const STATES_WITH_PARTS = {
  execution_starts: '',
  // A late repeat of an accept must not bring back the details that the outcome has dropped.
  execution_details: `WHERE e.state = ${STATE.accepted} `,
};

function insertKind(webhookType: number, table: keyof typeof STATES_WITH_PARTS, column: string): InsertKind {
  return {
    webhookType,
    insertText: byCount(
      (count) =>
        // The statement itself leaves a conversation of another agent alone: a row that is checked after the commit could be
        // claimed and sent before.
        `INSERT INTO executions (${INSERT_COLUMNS}) SELECT ${NEW_VALUES} FROM ` +
        `(${rowsAsTable(NEW_COLUMNS, count)}) AS n LEFT JOIN executions o FORCE INDEX (executions_by_conversation) ` +
        'ON o.conversation_uuid = n.conversation AND o.agent_uuid <> n.agent WHERE o.execution_uuid IS NULL ' +
        mysql.keepExisting('executions.execution_uuid'),
    ),
    partText: byCount(
      (count) =>
        `INSERT INTO ${table} (execution_uuid, ${column}) SELECT n.uuid, n.part FROM ` +
        `(${rowsAsTable(['uuid', 'part'], count)}) AS n ` +
        `STRAIGHT_JOIN executions e FORCE INDEX (PRIMARY) ON e.execution_uuid = n.uuid ` +
        `${STATES_WITH_PARTS[table]}${mysql.keepExisting(`${table}.execution_uuid`)}`,
    ),
    readText: byCount(
      (count) =>
        'SELECT e.execution_uuid, e.accepted_at, e.state FROM executions e ' +
        `FORCE INDEX (PRIMARY) ${JOIN_PURGED} ` +
        `WHERE e.execution_uuid IN (${marks(count)}) AND p.webhook_type IS NULL`,
    ),
  };
}

/** How pre-calls and accepted post-calls are inserted. */
export const STARTS = insertKind(TYPE.pre_call, 'execution_starts', 'start_json');
export const POST_CALLS = insertKind(TYPE.post_call, 'execution_details', 'details');

/** Inserts rows and their parts. The last statement reads back the rows whose token has won. */
export function insertStatements(rows: readonly InsertRow[], kind: InsertKind): readonly Statement[] {
  // The rows have the order of the unique key: unsorted batches deadlock with each other.
  const sorted = rows.toSorted(([, a], [, b]) => (a < b ? -1 : 1));
  const count = rows.length;
  return [
    { sql: kind.insertText(count), values: sorted.flatMap((row) => insertValues(row, kind)) },
    { sql: kind.partText(count), values: sorted.flatMap((row) => [toBytes(row[0]), row[10]]) },
    { sql: kind.readText(count), values: sorted.map(([uuid]) => toBytes(uuid)) },
  ];
}

function insertValues(row: InsertRow, { webhookType }: InsertKind): readonly Value[] {
  const [uuid, conversation, agent, webhook, etag, state, policy, limitMs, source, instance] = row;
  const webhookUuid = webhook === null ? null : toBytes(webhook);
  const isSending = state === STATE.sending;
  return [
    ...[toBytes(uuid), toBytes(conversation), webhookType, toBytes(agent), webhookUuid],
    ...[etag, state, policy, limitMs, source, instance],
    ...[isSending ? toBytes(uuid) : null, state === STATE.accepted ? webhookUuid : null],
    ...[isSending ? 1 : 0, isSending ? (limitMs ?? 0) + GRACE_MS : 0],
  ];
}

// The mark of a pre-call is final. The owner of a post-call may correct it.
const recordText = byCount((rowCount) =>
  mysql.updateFromRows({
    columns: [
      ...[
        'finished_uuid',
        'owner_claim',
        'new_state',
        'duration_ms',
        'new_etag',
        'new_code',
        'new_sent',
        'new_decision',
        'new_detail',
      ],
    ],
    rowCount,
    set:
      'state = new_state, state_at = COALESCE(sending_at, accepted_at) + duration_ms, webhook_etag = new_etag, ' +
      'failure_code = new_code, failure_sent = new_sent, decision = new_decision, detail = new_detail',
    guard:
      `executions.claim = new_rows.owner_claim AND (executions.state = ${STATE.sending} OR ` +
      `(executions.state = ${STATE.interrupted} AND executions.webhook_type = ${TYPE.post_call}))`,
  }),
);

// A row that says the same as the outcome was written by its owner.
const SAYS_SAME =
  'e.claim = n.owner_claim AND e.state = n.new_state AND e.failure_code <=> n.new_code AND ' +
  'e.failure_sent <=> n.new_sent';

const recordPartText = byCount(
  (count) =>
    'INSERT INTO execution_records (execution_uuid, assigned, request, response) ' +
    'SELECT n.uuid, n.assigned, n.request, n.response FROM ' +
    `(${rowsAsTable(['uuid', 'owner_claim', 'new_state', 'new_code', 'new_sent', 'assigned', 'request', 'response'], count)}) ` +
    'AS n STRAIGHT_JOIN executions e FORCE INDEX (PRIMARY) ON e.execution_uuid = n.uuid ' +
    `WHERE ${SAYS_SAME} ${mysql.keepExisting('execution_records.execution_uuid')}`,
);

const dropDetailsText = byCount(
  (count) =>
    `DELETE d FROM (${rowsAsTable(['uuid', 'owner_claim', 'new_state', 'new_code', 'new_sent'], count)}) AS n ` +
    `STRAIGHT_JOIN executions e FORCE INDEX (PRIMARY) ON e.execution_uuid = n.uuid AND ${SAYS_SAME} ` +
    'STRAIGHT_JOIN execution_details d FORCE INDEX (PRIMARY) ON d.execution_uuid = e.execution_uuid',
);

/** Records outcomes, and drops the details of post-calls. The first statement's count says how many were recorded. */
export function outcomeStatements(rows: readonly OutcomeRow[]): readonly Statement[] {
  const sorted = rows.toSorted(([a], [b]) => (a < b ? -1 : 1));
  const recorded = sorted.filter((row) => partsOf(row).some((text) => text !== null));
  const postCalls = sorted.filter(([, , type]) => type === TYPE.post_call);
  return [
    { sql: recordText(rows.length), values: sorted.flatMap(outcomeValues) },
    ...(recorded.length === 0
      ? []
      : [
          {
            sql: recordPartText(recorded.length),
            values: recorded.flatMap((row) => [...ownerValues(row), ...partsOf(row)]),
          },
        ]),
    ...(postCalls.length === 0
      ? []
      : [{ sql: dropDetailsText(postCalls.length), values: postCalls.flatMap(ownerValues) }]),
  ];
}

function outcomeValues(row: OutcomeRow): readonly Value[] {
  const [uuid, claim, , state, durationMs, etag, code, sent, decision, detail] = row;
  return [toBytes(uuid), toBytes(claim), state, durationMs, etag, code, sent, decision, detail];
}

function partsOf(row: OutcomeRow): readonly Value[] {
  return row.slice(10);
}

function ownerValues([uuid, claim, , state, , , code, sent]: OutcomeRow): readonly Value[] {
  return [toBytes(uuid), toBytes(claim), state, code, sent];
}

// A row under a purged key is never claimed, and neither is a row whose pre-call is still being sent. The derived table
// leads the join, so that only its rows are looked up and locked. A post-call has no deadline, so its time limit is the
// webhook's.
const claimText = byCount(
  (count) =>
    `UPDATE (${rowsAsTable(['claimed_uuid', 'new_claim', 'new_etag', 'new_limit_ms', 'new_instance'], count)}) ` +
    'AS new_rows STRAIGHT_JOIN executions e FORCE INDEX (PRIMARY) ON e.execution_uuid = new_rows.claimed_uuid ' +
    `${JOIN_PURGED} LEFT JOIN executions s ON s.conversation_uuid = e.conversation_uuid ` +
    `AND s.webhook_type = ${TYPE.pre_call} AND s.state = ${STATE.sending} ` +
    `SET e.state = ${STATE.sending}, e.claim = new_claim, e.webhook_etag = new_etag, e.time_limit_ms = new_limit_ms, ` +
    `e.time_limit_source = ${timeLimitSources.toNumber('config')}, e.instance = new_instance, ` +
    `e.waiting_webhook_uuid = NULL, e.sending_at = ${now}, e.state_at = ${now} + new_limit_ms + ${GRACE_MS} ` +
    `WHERE e.state = ${STATE.accepted} AND p.webhook_type IS NULL AND s.execution_uuid IS NULL`,
);
const readClaimsText = byCount((count) => `${READ_CLAIMS} IN (${marks(count)})`);

/** Claims post-calls. The last statement reads their tokens with all that the winners need. */
export function claimStatements(rows: readonly ClaimRow[]): readonly Statement[] {
  const sorted = rows.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return [
    {
      sql: claimText(rows.length),
      values: sorted.flatMap(([uuid, claim, etag, limitMs, instance]) => [
        ...[toBytes(uuid), toBytes(claim), etag, limitMs, instance],
      ]),
    },
    { sql: readClaimsText(rows.length), values: sorted.map(([uuid]) => toBytes(uuid)) },
  ];
}
