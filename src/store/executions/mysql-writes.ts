import { DatabaseError, isDatabaseError } from '../../errors.ts';
import type { Connections } from '../sql/connections.ts';
import type { Row } from '../sql/dialect.ts';
import { mysql } from '../sql/mysql.ts';
import type { MysqlConnections, Statement } from '../sql/mysql-connections.ts';
import { marks } from '../sql/sql.ts';
import { toBytes, toUuid } from '../sql/uuid-bytes.ts';
import type { OutcomeResult } from '../write-batch.ts';
import { deleteExecutions } from './purge-executions.ts';
import { EXECUTION_COLUMNS, IS_PURGED, JOIN_PURGED, toExecution } from './execution-rows.ts';
import {
  claimStatements,
  insertStatements,
  outcomeStatements,
  POST_CALLS,
  STARTS,
  type InsertKind,
} from './mysql-statements.ts';
import { claimAnswer } from './read-claim.ts';
import { READ_RECORDED, recordedAnswer } from './recorded-outcome.ts';
import type { ClaimAnswer, ClaimRow, InsertAnswer, InsertRow, OutcomeRow, WriteRows } from './write-rows.ts';

/** Statements of one kind, and what their results say of each row, in the order of the rows. */
interface Part<Answer> {
  readonly statements: readonly Statement[];
  answers(results: readonly unknown[]): Promise<readonly Answer[]>;
}

/**
 * Makes the writing of batches on MySQL and MariaDB: one text with all statements of the transaction, one round trip.
 * Rows that did not plainly succeed are looked at afterwards. Affected-row counts never decide an insert (mysql2 reports
 * one for the loser too): the token that is read back does. `causal` sees what other nodes of a cluster have committed.
 */
export function createMysqlWrites(connections: MysqlConnections, causal: Connections): WriteRows {
  return async (batch) => {
    const outcomes = outcomePart(causal, batch.outcomes);
    const starts = insertPart(causal, batch.starts, STARTS);
    const postCalls = insertPart(causal, batch.postCalls, POST_CALLS);
    const claims = claimPart(batch.claims);
    const parts = [outcomes, starts, postCalls, claims];
    const results = await connections.script(
      parts.flatMap(({ statements }) => statements),
      { isCausal: batch.claims.length > 0 },
    );
    let from = 0;
    const resultsOf = ({ statements }: { statements: readonly Statement[] }): readonly unknown[] =>
      results.slice(from, (from += statements.length));
    return afterCommit(async () => ({
      outcomes: await outcomes.answers(resultsOf(outcomes)),
      starts: await starts.answers(resultsOf(starts)),
      postCalls: await postCalls.answers(resultsOf(postCalls)),
      claims: await claims.answers(resultsOf(claims)),
    }));
  };
}

// What fails now leaves the fate of rows unknown that are committed already, so it must not look as if nothing was
// written: repeating the batch finds out.
async function afterCommit<T>(look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (error) {
    throw isDatabaseError(error, 'away') ? error : new DatabaseError('bug', error);
  }
}

/** The rows of a SELECT by the UUID in a column. */
function byUuid(rows: readonly Row[], column: string): ReadonlyMap<string, Row> {
  return new Map(rows.map((row) => [toUuid(row[column] as Buffer), row]));
}

const NOTHING: Part<never> = { statements: [], answers: () => Promise.resolve([]) };

function outcomePart(connections: Connections, rows: readonly OutcomeRow[]): Part<OutcomeResult> {
  if (rows.length === 0) return NOTHING;
  const uuids = new Set(rows.map(([uuid]) => uuid));
  return {
    statements: outcomeStatements(rows),
    answers: async ([updated]) => {
      const isPlain = uuids.size === rows.length && changesOf(updated) === rows.length;
      if (isPlain) return rows.map(() => 'recorded');
      const found = await connections.use((session) =>
        session.rows(`${READ_RECORDED} IN (${marks(uuids.size)})`, [...uuids].map(toBytes)),
      );
      const recorded = byUuid(found, 'execution_uuid');
      return rows.map((row) => recordedAnswer(recorded.get(row[0]), row));
    },
  };
}

// mysql2 asks for the rows found, so an update that changes nothing counts as well.
function changesOf(result: unknown): number {
  return (result as { affectedRows?: number }).affectedRows ?? 0;
}

function insertPart(
  connections: Connections,
  rows: readonly InsertRow[],
  kind: InsertKind,
): Part<InsertAnswer> {
  if (rows.length === 0) return NOTHING;
  return {
    statements: insertStatements(rows, kind),
    answers: async (results) => {
      const found = byUuid(results.at(-1) as readonly Row[], 'execution_uuid');
      const others = rows.filter((row) => !isPlainWin(found.get(row[0]), row));
      const looked =
        others.length === 0 ? new Map<InsertRow, InsertAnswer>() : await look(connections, others, kind);
      return rows.map((row) => looked.get(row) ?? (found.get(row[0])?.accepted_at as number));
    },
  };
}

function isPlainWin(found: Row | undefined, [, , , , , state]: InsertRow): boolean {
  return found !== undefined && found.state === state;
}

/** Decides rows whose token was not read back, or lies in a row that says something else. */
function look(
  connections: Connections,
  rows: readonly InsertRow[],
  kind: InsertKind,
): Promise<ReadonlyMap<InsertRow, InsertAnswer>> {
  return connections.transaction(async (session) => {
    const conversations = [...new Set(rows.map(([, conversationUuid]) => conversationUuid))];
    const found = await session.rows(
      `SELECT ${EXECUTION_COLUMNS}, ${IS_PURGED} FROM executions e ${JOIN_PURGED} ` +
        `WHERE e.conversation_uuid IN (${marks(conversations.length)})`,
      conversations.map(toBytes),
    );
    const isOfKind = (row: Row): boolean => row.webhook_type === kind.webhookType;
    const holders = byUuid(found.filter(isOfKind), 'conversation_uuid');
    const others = byUuid(
      found.filter((row) => !isOfKind(row)),
      'conversation_uuid',
    );
    const purged = [...holders.values()].filter((holder) => holder.is_purged === 1);
    // The insert went first and learns only now that its key was purged: the other way round, a purge could slip between
    // the look and the insert.
    await deleteExecutions(
      session,
      mysql,
      purged.map((holder) => holder.execution_uuid as Buffer),
    );
    return new Map(rows.map((row) => [row, answerOf(row, holders.get(row[1]), others.get(row[1]))]));
  });
}

function answerOf(
  [executionUuid, , agentUuid]: InsertRow,
  holder: Row | undefined,
  other: Row | undefined,
): InsertAnswer {
  if (holder === undefined) {
    if (other !== undefined && toUuid(other.agent_uuid as Buffer) !== agentUuid)
      return { kind: 'other_agent' };
    // Neither our token nor another row: somebody was faster at removing it.
    return { kind: 'undecided' };
  }
  if (holder.is_purged === 1) return { kind: 'purged' };
  const isOurs = toUuid(holder.execution_uuid as Buffer) === executionUuid;
  return { kind: isOurs ? 'won' : 'lost', execution: toExecution(holder) };
}

function claimPart(rows: readonly ClaimRow[]): Part<ClaimAnswer> {
  if (rows.length === 0) return NOTHING;
  return {
    statements: claimStatements(rows),
    answers: ([, read]) => {
      const found = byUuid(read as readonly Row[], 'execution_uuid');
      return Promise.resolve(rows.map(([uuid, claim]) => claimAnswer(found.get(uuid), toBytes(claim))));
    },
  };
}
