import { DatabaseError } from '../../errors.ts';
import { failurePolicies, STATE, timeLimitSources, TYPE } from './column-codes.ts';
import type { Connections, Session } from '../sql/connections.ts';
import { deleteExecutions } from './delete-executions.ts';
import type { Dialect, Row, Value } from '../sql/dialect.ts';
import { EXECUTION_COLUMNS, IS_PURGED, JOIN_PURGED, toExecution } from './execution-rows.ts';
import { inParts, marks } from '../sql/sql.ts';
import type { ExecutionStore, InsertResult, NewEnd, NewStart } from '../types.ts';
import { toBytes } from '../sql/uuid-bytes.ts';

/** How long past its time limit a claim counts as abandoned. */
export const GRACE_MS = 5_000;

const ROWS_A_STATEMENT = 200;

/** A row to insert, its values already as stored; the times are the database's. */
interface NewRow {
  readonly executionUuid: Buffer;
  readonly conversationUuid: Buffer;
  readonly agentUuid: Buffer;
  readonly webhookUuid: Buffer | null;
  readonly webhookEtag: string;
  readonly state: number;
  readonly failurePolicy: number | null;
  readonly timeLimitMs: number | null;
  readonly timeLimitSource: number | null;
  readonly instance: string;
  /** What goes into the table of its kind, as JSON text. */
  readonly part: string;
}

/** Where rows of one kind keep their large part, and in which state that part is wanted. */
interface Kind {
  readonly webhookType: number;
  readonly table: string;
  readonly column: string;
  readonly wantsPart: (state: number) => boolean;
}

const STARTS: Kind = {
  webhookType: TYPE.pre_call,
  table: 'execution_starts',
  column: 'start_json',
  wantsPart: () => true,
};

const ENDS: Kind = {
  webhookType: TYPE.post_call,
  table: 'execution_facts',
  column: 'facts',
  // A late repeat of an accept must not bring back what the outcome has dropped.
  wantsPart: (state) => state === STATE.accepted,
};

/** The inserts of executions: claims of pre-calls, accepts of post-calls. */
export const createInserts = (
  connections: Connections,
  dialect: Dialect,
): Pick<ExecutionStore, 'insertStarts' | 'insertEnds'> => {
  const insert = (rows: readonly NewRow[], kind: Kind): Promise<readonly InsertResult[]> => {
    if (rows.length === 0) return Promise.resolve([]);
    // In the order of the unique key: unsorted batches deadlock with each other.
    const sorted = rows.toSorted((a, b) => Buffer.compare(a.conversationUuid, b.conversationUuid));
    return connections.transaction(async (session) => {
      const holders = new Map<string, Row>();
      for (const part of inParts(sorted, ROWS_A_STATEMENT)) {
        await insertRows(session, dialect, part, kind);
        for (const row of await readHolders(session, part, kind))
          holders.set(keyOf(row.conversation_uuid as Buffer), row);
      }
      return settle(session, dialect, rows, kind, holders);
    });
  };
  return {
    insertStarts: (starts) => insert(starts.map(toStartRow), STARTS),
    insertEnds: (ends) => insert(ends.map(toEndRow), ENDS),
  };
};

const keyOf = (bytes: Buffer): string => bytes.toString('latin1');

const toStartRow = ({ webhook, start, ...rest }: NewStart): NewRow => ({
  ...toBaseRow(rest),
  webhookUuid: webhook === undefined ? null : toBytes(webhook.webhookUuid),
  webhookEtag: webhook?.webhookEtag ?? '',
  state: webhook === undefined ? STATE.no_webhook : STATE.sending,
  failurePolicy: webhook === undefined ? null : failurePolicies.toNumber(webhook.failurePolicy),
  timeLimitMs: webhook === undefined ? null : Math.round(webhook.timeLimitMs),
  timeLimitSource: webhook === undefined ? null : timeLimitSources.toNumber(webhook.timeLimitSource),
  part: JSON.stringify(start),
});

const toEndRow = ({ webhookUuid, facts, ...rest }: NewEnd): NewRow => ({
  ...toBaseRow(rest),
  webhookUuid: toBytes(webhookUuid),
  webhookEtag: '',
  state: STATE.accepted,
  failurePolicy: null,
  timeLimitMs: null,
  timeLimitSource: null,
  part: JSON.stringify(facts),
});

const toBaseRow = (row: Pick<NewStart, 'executionUuid' | 'conversationUuid' | 'agentUuid' | 'instance'>) => ({
  executionUuid: toBytes(row.executionUuid),
  conversationUuid: toBytes(row.conversationUuid),
  agentUuid: toBytes(row.agentUuid),
  instance: row.instance,
});

const INSERT_COLUMNS =
  'execution_uuid, conversation_uuid, webhook_type, agent_uuid, webhook_uuid, webhook_etag, state, failure_policy, ' +
  'time_limit_ms, time_limit_source, instance, claim, waiting_webhook_uuid, accepted_at, sending_at, state_at';

const insertRows = async (
  session: Session,
  dialect: Dialect,
  rows: readonly NewRow[],
  kind: Kind,
): Promise<void> => {
  const { now } = dialect;
  const values: Value[] = [];
  const tuples = rows.map((row) => {
    const isSending = row.state === STATE.sending;
    const waiting = row.state === STATE.accepted ? row.webhookUuid : null;
    values.push(row.executionUuid, row.conversationUuid, kind.webhookType, row.agentUuid, row.webhookUuid);
    values.push(
      row.webhookEtag,
      row.state,
      row.failurePolicy,
      row.timeLimitMs,
      row.timeLimitSource,
      row.instance,
    );
    values.push(isSending ? row.executionUuid : null, waiting);
    const times = isSending ? `${now}, ${now} + ${(row.timeLimitMs ?? 0) + GRACE_MS}` : `NULL, ${now}`;
    return `(${marks(13)}, ${now}, ${times})`;
  });
  const statement = `INSERT INTO executions (${INSERT_COLUMNS}) VALUES ${tuples.join(', ')}`;
  // How many rows that inserted is not asked: mysql2 counts the losers too.
  await session.change(`${statement} ${dialect.keepExisting('execution_uuid')}`, values);
};

const readHolders = (session: Session, rows: readonly NewRow[], kind: Kind): Promise<readonly Row[]> =>
  session.rows(
    `SELECT ${EXECUTION_COLUMNS}, ${IS_PURGED} FROM executions e ${JOIN_PURGED} ` +
      `WHERE e.conversation_uuid IN (${marks(rows.length)}) AND e.webhook_type = ?`,
    [...rows.map(({ conversationUuid }) => conversationUuid), kind.webhookType],
  );

// The token that lies in the row has won. The insert went first and learns only now whether its key was purged:
// the other way round, a purge could slip between the look and the insert.
const settle = async (
  session: Session,
  dialect: Dialect,
  rows: readonly NewRow[],
  kind: Kind,
  holders: ReadonlyMap<string, Row>,
): Promise<readonly InsertResult[]> => {
  const purged: Buffer[] = [];
  const won: NewRow[] = [];
  const results = rows.map((row): InsertResult => {
    const holder = holders.get(keyOf(row.conversationUuid));
    // Neither our token nor another row: somebody was faster at removing it. Roll back and look again.
    if (holder === undefined) throw new DatabaseError('conflict');
    if (holder.is_purged === 1) {
      purged.push(holder.execution_uuid as Buffer);
      return { kind: 'purged' };
    }
    const isOurs = row.executionUuid.equals(holder.execution_uuid as Buffer);
    if (isOurs && kind.wantsPart(holder.state as number)) won.push(row);
    return { kind: isOurs ? 'won' : 'lost', execution: toExecution(holder) };
  });
  await deleteExecutions(session, dialect, purged);
  for (const part of inParts(won, ROWS_A_STATEMENT)) await insertParts(session, dialect, part, kind);
  return results;
};

const insertParts = async (
  session: Session,
  dialect: Dialect,
  rows: readonly NewRow[],
  kind: Kind,
): Promise<void> => {
  await session.change(
    `INSERT INTO ${kind.table} (execution_uuid, ${kind.column}) VALUES ${rows.map(() => '(?, ?)').join(', ')} ` +
      dialect.keepExisting('execution_uuid'),
    rows.flatMap((row) => [row.executionUuid, row.part]),
  );
};
