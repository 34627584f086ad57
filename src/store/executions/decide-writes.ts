import type { Row } from '../sql/dialect.ts';
import { toBytes, STATE, TYPE } from '../sql/column-values.ts';
import type { OutcomeResult } from '../write-batch.ts';
import type { ClaimAnswer, OutcomeRow } from './write-rows.ts';

/**
 * Reads the rows that post-calls were claimed in, with all that the winners' requests need. Ends with the condition on
 * `e.execution_uuid`.
 */
export const READ_CLAIMS =
  'SELECT e.execution_uuid, e.claim, e.state, d.details, s.state AS start_state, v.start_json, r.assigned, ' +
  'a.etag AS agent_etag FROM executions e ' +
  'LEFT JOIN execution_details d ON d.execution_uuid = e.execution_uuid ' +
  `LEFT JOIN executions s ON s.conversation_uuid = e.conversation_uuid AND s.webhook_type = ${TYPE.pre_call} ` +
  'LEFT JOIN execution_starts v ON v.execution_uuid = s.execution_uuid ' +
  'LEFT JOIN execution_records r ON r.execution_uuid = s.execution_uuid ' +
  'LEFT JOIN agents a ON a.agent_uuid = e.agent_uuid WHERE e.execution_uuid';

/**
 * Decides a claim by the row that {@link READ_CLAIMS} found after it. The claim whose token is in the row has won, for ever:
 * also after the execution was marked interrupted, which its owner may correct.
 */
export function decideClaim(row: Row | undefined, claim: Buffer): ClaimAnswer {
  if (row === undefined) return 'lost';
  if (row.claim !== null && claim.equals(row.claim as Uint8Array)) {
    if (row.state !== STATE.sending && row.state !== STATE.interrupted) return 'lost';
    return {
      details: row.details as string | null,
      start: row.start_json as string | null,
      assigned: row.assigned as string | null,
      agentEtag: row.agent_etag as string | null,
    };
  }
  return row.state === STATE.accepted && row.start_state === STATE.sending ? 'start_running' : 'lost';
}

/** Reads the rows of outcomes that changed nothing. Ends with the condition on `execution_uuid`. */
export const READ_OUTCOMES =
  'SELECT execution_uuid, claim, state, failure_code, failure_sent FROM executions WHERE execution_uuid';

/**
 * Decides an outcome that changed no row: it was recorded before (this is a repeat), or its owner lost the row. An owner
 * finishes its execution in one way only, so a row that says the same was written by it.
 */
export function decideOutcome(row: Row | undefined, outcome: OutcomeRow): OutcomeResult {
  const [, claim, , state, , , failureCode, failureSent] = outcome;
  if (row === undefined || row.claim === null || !toBytes(claim).equals(row.claim as Uint8Array))
    return 'not_owner';
  // This node of a cluster may have applied the claim just now, after the update. The update is repeated.
  if (row.state === STATE.sending) return 'undecided';
  const isSame = row.state === state && row.failure_code === failureCode && row.failure_sent === failureSent;
  return isSame ? 'recorded' : 'not_owner';
}
