import type { Execution, MissedAssignment, Timings } from '../../domain/execution.ts';
import {
  FINISHED_STATES,
  decisions,
  failureCodes,
  failurePolicies,
  sents,
  states,
  timeLimitSources,
  webhookTypes,
  toUuid,
} from '../sql/column-values.ts';
import type { Row } from '../sql/dialect.ts';

/** A claim is overdue when its time limit and so many milliseconds are over. */
export const GRACE_MS = 5_000;

const COLUMNS = [
  'execution_uuid',
  'conversation_uuid',
  'webhook_type',
  'state',
  'state_at',
  'accepted_at',
  'sending_at',
  'agent_uuid',
  'webhook_uuid',
  'webhook_etag',
  'failure_policy',
  'failure_code',
  'failure_sent',
  'decision',
  'time_limit_ms',
  'time_limit_source',
  'instance',
  'detail',
];

/** The columns of `executions e` that {@link toExecution} reads. */
export const EXECUTION_COLUMNS = COLUMNS.map((column) => `e.${column}`).join(', ');

// An execution without its detail, as JSON.
const ROW_BYTES = 700;

/** Returns about how many bytes an execution of {@link EXECUTION_COLUMNS} takes. */
export function rowBytes(row: Row): number {
  return ROW_BYTES + String(row.detail ?? '').length;
}

/** Joins the purged key of `executions e` as `p`. {@link IS_PURGED} is 1 when there is one. */
export const JOIN_PURGED =
  'LEFT JOIN purged_keys p ON p.conversation_uuid = e.conversation_uuid AND p.webhook_type = e.webhook_type';
export const IS_PURGED = 'p.webhook_type IS NOT NULL AS is_purged';

/** The JSON of `executions.detail`. Fields that a newer release wrote are kept. */
export interface Detail {
  readonly message?: string;
  readonly timings?: Timings;
  readonly missingVariables?: readonly string[];
  readonly missedAssignments?: readonly MissedAssignment[];
  readonly rejectReason?: string;
}

/** Reports whether the execution of a row is finished. A state that a newer release wrote counts as not finished. */
export function isFinishedRow(row: Row): boolean {
  return FINISHED_STATES.includes(row.state as number);
}

/** Returns the execution of a row. */
export function toExecution(row: Row): Execution {
  const detail = parseDetail(row.detail);
  return {
    executionUuid: toUuid(row.execution_uuid as Buffer),
    agentUuid: toUuid(row.agent_uuid as Buffer),
    conversationUuid: toUuid(row.conversation_uuid as Buffer),
    webhookUuid: row.webhook_uuid === null ? '' : toUuid(row.webhook_uuid as Buffer),
    webhookEtag: row.webhook_etag as string,
    webhookType: webhookTypes.toWord(row.webhook_type as number),
    state: states.toWord(row.state as number),
    ...toFailure(row, detail),
    failurePolicy: row.failure_policy === null ? null : failurePolicies.toWord(row.failure_policy as number),
    ...(row.decision === null ? {} : { decision: decisions.toWord(row.decision as number) }),
    ...(detail.rejectReason === undefined ? {} : { rejectReason: detail.rejectReason }),
    ...toTimeLimit(row),
    ...(detail.timings === undefined ? {} : { timings: detail.timings }),
    missingVariables: detail.missingVariables ?? [],
    missedAssignments: detail.missedAssignments ?? [],
    acceptedAtMs: row.accepted_at as number,
    ...(row.sending_at === null ? {} : { sendingAtMs: row.sending_at as number }),
    ...(isFinishedRow(row) ? { finishedAtMs: row.state_at as number } : {}),
    instance: row.instance as string,
  };
}

function parseDetail(text: unknown): Detail {
  return text === null ? {} : (JSON.parse(text as string) as Detail);
}

function toFailure(row: Row, detail: Detail): Pick<Execution, 'failure'> {
  if (row.failure_code === null) return {};
  const code = failureCodes.toWord(row.failure_code as number);
  return { failure: { code, message: detail.message ?? '', sent: sents.toWord(row.failure_sent as number) } };
}

function toTimeLimit(row: Row): Pick<Execution, 'timeLimitMs' | 'timeLimitSource'> {
  return {
    ...(row.time_limit_ms === null ? {} : { timeLimitMs: row.time_limit_ms as number }),
    ...(row.time_limit_source === null
      ? {}
      : { timeLimitSource: timeLimitSources.toWord(row.time_limit_source as number) }),
  };
}
