import { DECISION_AFTER_FAILURE, observedFailure, type Failure } from '../../domain/failures.ts';
import {
  DECISION,
  failureCodes,
  POLICY,
  sents,
  STATE,
  states,
  webhookTypes,
  toBytes,
  toUuid,
} from '../sql/column-values.ts';
import type { Connections, Session } from '../sql/connections.ts';
import { deleteExecutions } from './purge-executions.ts';
import type { Dialect, Row } from '../sql/dialect.ts';
import { IS_PURGED, JOIN_PURGED } from './execution-rows.ts';
import { inParts, marks } from '../sql/sql.ts';
import type { ExecutionNames, ExecutionStore } from '../execution-store.ts';

/** How executions are finished that their owners do not finish. */
export interface Finish {
  readonly state: 'failed' | 'interrupted';
  readonly failure: Failure;
  /** The condition, on columns of `executions`, under which a row may be finished so. */
  readonly guard: string;
}

const COLUMNS = ['finished_uuid', 'new_code', 'new_sent', 'new_detail'];

// The policy that the claim has recorded decides; one of a newer release counts as `proceed`. It is NULL for a post-call, and
// so is the decision.
const DECISION_BY_POLICY =
  `CASE WHEN failure_policy = ${POLICY.block} THEN ${DECISION[DECISION_AFTER_FAILURE.block]} ` +
  `WHEN failure_policy IS NOT NULL THEN ${DECISION[DECISION_AFTER_FAILURE.proceed]} END`;

/** Finishes the executions that fulfil the guard, at the time of the database's clock. Returns how many. */
export function finishExecutions(
  session: Session,
  dialect: Dialect,
  executionUuids: readonly Buffer[],
  { state, failure, guard }: Finish,
): Promise<number> {
  const code = failureCodes.toNumber(failure.code);
  const sent = sents.toNumber(failure.sent);
  const detail = JSON.stringify({ message: failure.message });
  return session.change(
    dialect.updateFromRows({
      columns: COLUMNS,
      rowCount: executionUuids.length,
      set:
        `state = ${states.toNumber(state)}, state_at = ${dialect.now}, waiting_webhook_uuid = NULL, ` +
        `failure_code = new_code, failure_sent = new_sent, decision = ${DECISION_BY_POLICY}, detail = new_detail`,
      guard,
    }),
    executionUuids.toSorted(Buffer.compare).flatMap((uuid) => [uuid, code, sent, detail]),
  );
}

type Interrupts = Pick<ExecutionStore, 'findOverdue' | 'interruptOverdue' | 'interruptAllSending'>;

const NO_OUTCOME = observedFailure('INTERRUPTED', 'maybe');
const ABANDONED = observedFailure(
  'INTERRUPTED',
  'no',
  'the database did not confirm the claim in time: nothing was sent',
);
// `+` keeps SQLite from using the index by state.
const IS_SENDING = `+executions.state = ${STATE.sending}`;

/** Makes the statements that mark executions interrupted whose owners recorded no outcome. */
export function createInterrupts(connections: Connections, dialect: Dialect): Interrupts {
  const isOverdue = `e.state_at < ${dialect.now}`;

  // Marks rows that this session has locked, and deletes those under purged keys. Returns the marked ones.
  const interruptLocked = async (session: Session, rows: readonly Row[]): Promise<readonly Row[]> => {
    const kept = rows.filter((row) => row.is_purged !== 1);
    await deleteExecutions(session, dialect, rows.filter((row) => row.is_purged === 1).map(uuidOf));
    const finish = { state: 'interrupted', failure: NO_OUTCOME, guard: IS_SENDING } as const;
    if (kept.length > 0) await finishExecutions(session, dialect, kept.map(uuidOf), finish);
    return kept;
  };

  // Locked rows are passed over. Their owner is just writing, or froze in the middle of a commit: then one row would keep
  // all others from being marked until the server closes its connection.
  const interruptStep = (executionUuids: readonly string[]): Promise<readonly Row[]> =>
    connections.transaction(async (session) => {
      const rows = await session.rows(
        `SELECT ${NAMES}, ${IS_PURGED} FROM executions e ${dialect.usePrimaryKey} ${JOIN_PURGED} ` +
          `WHERE e.execution_uuid IN (${marks(executionUuids.length)}) AND +e.state = ${STATE.sending} ` +
          `AND ${isOverdue} ${dialect.forUpdateOfFree}`,
        executionUuids.map(toBytes),
      );
      return interruptLocked(session, rows);
    });

  const interruptSendingStep = (limit: number): Promise<{ found: number; marked: readonly Row[] }> =>
    connections.transaction(async (session) => {
      const rows = await session.rows(
        `SELECT ${NAMES}, ${IS_PURGED} FROM executions e ${dialect.useIndex('executions_by_state')} ${JOIN_PURGED} ` +
          `WHERE e.state = ${STATE.sending} ORDER BY e.state_at LIMIT ? ${dialect.forUpdateOfFree}`,
        [limit],
      );
      return { found: rows.length, marked: await interruptLocked(session, rows) };
    });

  return {
    findOverdue: async (limit, after = FIRST) => {
      const { overdueAtMs, executionUuid } = after;
      const rows = await connections.use((session) =>
        session.rows(
          `SELECT ${NAMES}, e.state_at FROM executions e ${dialect.useIndex('executions_by_state')} ` +
            `WHERE e.state = ${STATE.sending} AND e.state_at >= ? AND (e.state_at > ? OR e.execution_uuid > ?) ` +
            `AND ${isOverdue} ORDER BY e.state_at, e.execution_uuid LIMIT ?`,
          [overdueAtMs, overdueAtMs, toBytes(executionUuid), limit],
        ),
      );
      return rows.map((row) => ({ ...toExecutionNames(row), overdueAtMs: row.state_at as number }));
    },
    interruptOverdue: async (executionUuids) => {
      const interrupted = new Set<string>();
      for (const step of inParts(executionUuids, dialect.maintenanceStep)) {
        for (const row of await interruptStep(step)) interrupted.add(toUuid(uuidOf(row)));
        await nextTurn();
      }
      return executionUuids.filter((uuid) => interrupted.has(uuid));
    },
    interruptAllSending: async () => {
      const interrupted: ExecutionNames[] = [];
      for (;;) {
        const { found, marked } = await interruptSendingStep(dialect.maintenanceStep);
        interrupted.push(...marked.map(toExecutionNames));
        if (found < dialect.maintenanceStep) return interrupted;
        await nextTurn();
      }
    },
  };
}

/** The columns that {@link toExecutionNames} reads, of the table `executions` under the name `e`. */
export const NAMES = 'e.execution_uuid, e.conversation_uuid, e.agent_uuid, e.webhook_uuid, e.webhook_type';
const FIRST = { overdueAtMs: 0, executionUuid: toUuid(new Uint8Array(16)) };

/** Returns the names of an execution with a webhook. */
export function toExecutionNames(row: Row): ExecutionNames {
  return {
    executionUuid: toUuid(uuidOf(row)),
    conversationUuid: toUuid(row.conversation_uuid as Buffer),
    agentUuid: toUuid(row.agent_uuid as Buffer),
    webhookUuid: toUuid(row.webhook_uuid as Buffer),
    webhookType: webhookTypes.toWord(row.webhook_type as number),
  };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Makes the statement that abandons a claim which the database did not confirm in time. */
export function createAbandonStart(
  connections: Connections,
  dialect: Dialect,
): Pick<ExecutionStore, 'abandonStart'> {
  return {
    abandonStart: async (executionUuid) => {
      // The token of a pre-call is its execution_uuid.
      const guard = `${IS_SENDING} AND executions.claim = executions.execution_uuid`;
      const finish = { state: 'interrupted', failure: ABANDONED, guard } as const;
      return connections.use((session) =>
        finishExecutions(session, dialect, [toBytes(executionUuid)], finish),
      );
    },
  };
}

function uuidOf(row: Row): Buffer {
  return row.execution_uuid as Buffer;
}
