import { DatabaseError, isDatabaseError } from '../../errors.ts';
import type { Connections } from '../sql/connections.ts';
import type { Row } from '../sql/dialect.ts';
import { mysql } from '../sql/mysql.ts';
import type { MysqlConnections, Statement } from '../sql/mysql-connections.ts';
import { marks } from '../sql/sql.ts';
import { toBytes, toUuid } from '../sql/column-values.ts';
import type { OutcomeResult } from '../write-batch.ts';
import { decideClaim, decideOutcome, READ_OUTCOMES } from './decide-writes.ts';
import { EXECUTION_COLUMNS, IS_PURGED, JOIN_PURGED, toExecution } from './execution-rows.ts';
import {
  claimStatements,
  insertStatements,
  outcomeStatements,
  POST_CALLS,
  STARTS,
  type InsertKind,
} from './mysql-statements.ts';
import { deleteExecutions } from './purge-executions.ts';
import type { ClaimAnswer, ClaimRow, InsertAnswer, InsertRow, OutcomeRow, WriteRows } from './write-rows.ts';

/** The statements for one kind of rows, and the function that reads from their results what became of each row. */
interface Part<Answer> {
  readonly statements: readonly Statement[];
  answers(results: readonly unknown[]): Promise<readonly Answer[]>;
}

/**
 * Makes the function that writes batches on MySQL and MariaDB, with one text for the transaction and one round trip. After
 * the commit, the rows whose statements did not plainly succeed are read. The count of affected rows never decides an insert (mysql2 reports one
 * for the loser too): the token that is read back does. `causal` sees what other nodes of a cluster have committed.
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

// The batch is committed already. An error now must not look as if nothing was written: a repeat of the batch with the same
// tokens decides it.
async function afterCommit<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw isDatabaseError(error, 'away') ? error : new DatabaseError('bug', error);
  }
}

/** Returns the rows of a SELECT by the UUID in a column. */
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
        session.rows(`${READ_OUTCOMES} IN (${marks(uuids.size)})`, [...uuids].map(toBytes)),
      );
      const recorded = byUuid(found, 'execution_uuid');
      return rows.map((row) => decideOutcome(recorded.get(row[0]), row));
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
      const decided =
        others.length === 0
          ? new Map<InsertRow, InsertAnswer>()
          : await decideOthers(connections, others, kind);
      return rows.map((row) => decided.get(row) ?? (found.get(row[0])?.accepted_at as number));
    },
  };
}

function isPlainWin(found: Row | undefined, [, , , , , state]: InsertRow): boolean {
  return found !== undefined && found.state === state;
}

/** Decides the inserts whose token was not read back, or is in a row that has another state by now. */
function decideOthers(
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
    const existing = byUuid(found.filter(isOfKind), 'conversation_uuid');
    const others = byUuid(
      found.filter((row) => !isOfKind(row)),
      'conversation_uuid',
    );
    const purged = [...existing.values()].filter((row) => row.is_purged === 1);
    // The insert came first, and only now it shows that its key was purged. The other way round, a purge could come between
    // the read and the insert.
    await deleteExecutions(
      session,
      mysql,
      purged.map((row) => row.execution_uuid as Buffer),
    );
    return new Map(rows.map((row) => [row, decideInsert(row, existing.get(row[1]), others.get(row[1]))]));
  });
}

function decideInsert(
  [executionUuid, , agentUuid]: InsertRow,
  existing: Row | undefined,
  other: Row | undefined,
): InsertAnswer {
  if (existing === undefined) {
    if (other !== undefined && toUuid(other.agent_uuid as Buffer) !== agentUuid)
      return { kind: 'other_agent' };
    // Neither the token nor another row is there: another process has just removed the row.
    return { kind: 'undecided' };
  }
  if (existing.is_purged === 1) return { kind: 'purged' };
  const isOurs = toUuid(existing.execution_uuid as Buffer) === executionUuid;
  return { kind: isOurs ? 'won' : 'lost', execution: toExecution(existing) };
}

function claimPart(rows: readonly ClaimRow[]): Part<ClaimAnswer> {
  if (rows.length === 0) return NOTHING;
  return {
    statements: claimStatements(rows),
    answers: ([, read]) => {
      const found = byUuid(read as readonly Row[], 'execution_uuid');
      return Promise.resolve(rows.map(([uuid, claim]) => decideClaim(found.get(uuid), toBytes(claim))));
    },
  };
}
