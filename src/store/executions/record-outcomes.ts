import { DatabaseError } from '../../errors.ts';
import { failureCodes, sents, STATE, states, TYPE } from './column-codes.ts';
import type { Connections, Session } from '../sql/connections.ts';
import type { Dialect, Row, Value } from '../sql/dialect.ts';
import type { Detail } from './execution-rows.ts';
import { inParts, marks } from '../sql/sql.ts';
import type { ExecutionStore, Outcome, OutcomeResult } from '../types.ts';
import { toBytes, toUuid } from '../sql/uuid-bytes.ts';

const ROWS_A_STATEMENT = 200;
const COLUMNS = [
  'ended_uuid',
  'owner_claim',
  'new_state',
  'duration_ms',
  'new_etag',
  'new_code',
  'new_sent',
  'new_detail',
];

/** The writing of outcomes by their owners. */
export const createOutcomes = (
  connections: Connections,
  dialect: Dialect,
): Pick<ExecutionStore, 'recordOutcomes'> => ({
  recordOutcomes: async (outcomes) => {
    if (outcomes.length === 0) return [];
    const sorted = outcomes.toSorted((a, b) => (a.executionUuid < b.executionUuid ? -1 : 1));
    return connections.transaction(async (session) => {
      const recorded = new Set<Outcome>();
      for (const part of inParts(sorted, ROWS_A_STATEMENT))
        for (const outcome of await recordPart(session, dialect, part)) recorded.add(outcome);
      return outcomes.map((outcome): OutcomeResult => (recorded.has(outcome) ? 'recorded' : 'not_owner'));
    });
  },
});

const recordPart = async (
  session: Session,
  dialect: Dialect,
  outcomes: readonly Outcome[],
): Promise<readonly Outcome[]> => {
  const changed = await session.change(
    outcomeStatement(dialect, outcomes.length),
    outcomes.flatMap(toValues),
  );
  const uuids = new Set(outcomes.map(({ executionUuid }) => executionUuid));
  const allChanged = changed === outcomes.length && uuids.size === outcomes.length;
  const recorded = allChanged ? outcomes : await readRecorded(session, outcomes);
  await insertRecords(session, dialect, recorded);
  await dropFacts(session, dialect, recorded);
  return recorded;
};

// A pre-call's label is final; a post-call's owner may correct it. `+` keeps SQLite off the index by state, which
// would walk all open rows for each outcome.
const outcomeStatement = (dialect: Dialect, rowCount: number): string =>
  dialect.updateFromRows({
    columns: COLUMNS,
    rowCount,
    set:
      'state = new_state, state_at = COALESCE(sending_at, accepted_at) + duration_ms, webhook_etag = new_etag, ' +
      'failure_code = new_code, failure_sent = new_sent, detail = new_detail',
    guard:
      `executions.claim = new_rows.owner_claim AND (+executions.state = ${STATE.sending} OR ` +
      `(+executions.state = ${STATE.interrupted} AND executions.webhook_type = ${TYPE.post_call}))`,
  });

const toValues = (outcome: Outcome): Value[] => [
  toBytes(outcome.executionUuid),
  toBytes(outcome.claim),
  states.toNumber(outcome.state),
  Math.round(outcome.durationMs),
  outcome.webhookEtag,
  codeOf(outcome),
  sentOf(outcome),
  toDetail(outcome),
];

const codeOf = ({ failure }: Outcome): number | null =>
  failure ? failureCodes.toNumber(failure.code) : null;
const sentOf = ({ failure }: Outcome): number | null => (failure ? sents.toNumber(failure.sent) : null);

const toDetail = ({ failure, timings, missingVariables, missedAssignments }: Outcome): string => {
  const detail: Detail = {
    ...(failure === undefined ? {} : { message: failure.message }),
    timings,
    ...(missingVariables.length === 0 ? {} : { missingVariables }),
    ...(missedAssignments.length === 0 ? {} : { missedAssignments }),
  };
  return JSON.stringify(detail);
};

// Some were not changed: recorded before (this is a repeat), or not theirs any more. An owner ends its execution in
// one way only, so the row that says the same was written by it.
const readRecorded = async (session: Session, outcomes: readonly Outcome[]): Promise<readonly Outcome[]> => {
  const rows = await session.rows(
    'SELECT execution_uuid, claim, state, failure_code, failure_sent FROM executions ' +
      `WHERE execution_uuid IN (${marks(outcomes.length)})`,
    outcomes.map(({ executionUuid }) => toBytes(executionUuid)),
  );
  const byUuid = new Map<string, Row>(rows.map((row) => [toUuid(row.execution_uuid as Buffer), row]));
  return outcomes.filter((outcome) => {
    const row = byUuid.get(outcome.executionUuid);
    // Another node of a cluster may have learnt of the claim just now, after the update: it is repeated.
    if (row !== undefined && isOurs(row, outcome) && row.state === STATE.sending)
      throw new DatabaseError('conflict');
    return row !== undefined && saysSame(row, outcome);
  });
};

const isOurs = (row: Row, { claim }: Outcome): boolean =>
  row.claim !== null && toBytes(claim).equals(row.claim as Buffer);

const saysSame = (row: Row, outcome: Outcome): boolean =>
  isOurs(row, outcome) &&
  row.state === states.toNumber(outcome.state) &&
  row.failure_code === codeOf(outcome) &&
  row.failure_sent === sentOf(outcome);

const insertRecords = async (
  session: Session,
  dialect: Dialect,
  outcomes: readonly Outcome[],
): Promise<void> => {
  const rows = outcomes
    .map(toRecord)
    .filter((values) => values.some((value, at) => at > 0 && value !== null));
  if (rows.length === 0) return;
  await session.change(
    'INSERT INTO execution_records (execution_uuid, assigned, request, response) VALUES ' +
      `${rows.map(() => '(?, ?, ?, ?)').join(', ')} ${dialect.keepExisting('execution_uuid')}`,
    rows.flat(),
  );
};

const toRecord = ({ executionUuid, assigned, assignedSources, request, response }: Outcome): Value[] => [
  toBytes(executionUuid),
  assigned === undefined ? null : JSON.stringify({ variables: assigned, sources: assignedSources ?? {} }),
  request === undefined ? null : JSON.stringify(request),
  response === undefined ? null : JSON.stringify(response),
];

const dropFacts = async (session: Session, dialect: Dialect, outcomes: readonly Outcome[]): Promise<void> => {
  const ends = outcomes.filter(({ webhookType }) => webhookType === 'post_call');
  if (ends.length === 0) return;
  await session.change(
    dialect.deleteByUuid('execution_facts', ends.length),
    ends.map(({ executionUuid }) => toBytes(executionUuid)),
  );
};
