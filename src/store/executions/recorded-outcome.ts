import type { Row } from '../sql/dialect.ts';
import { toBytes } from '../sql/uuid-bytes.ts';
import type { OutcomeResult } from '../write-batch.ts';
import { STATE } from './column-codes.ts';
import type { OutcomeRow } from './write-rows.ts';

/** Reads what outcomes that changed nothing are decided by. Ends with the condition on `execution_uuid`. */
export const READ_RECORDED =
  'SELECT execution_uuid, claim, state, failure_code, failure_sent FROM executions WHERE execution_uuid';

/**
 * Decides an outcome that changed no row: it was recorded before (this is a repeat), or its owner lost the row. An owner
 * ends its execution in one way only, so a row that says the same was written by it.
 */
export function recordedAnswer(row: Row | undefined, outcome: OutcomeRow): OutcomeResult {
  const [, claim, , state, , , failureCode, failureSent] = outcome;
  if (row === undefined || row.claim === null || !toBytes(claim).equals(row.claim as Uint8Array))
    return 'not_owner';
  // Another node of a cluster may have learnt of the claim just now, after the update: it is repeated.
  if (row.state === STATE.sending) return 'undecided';
  const isSame = row.state === state && row.failure_code === failureCode && row.failure_sent === failureSent;
  return isSame ? 'recorded' : 'not_owner';
}
