import type { Row } from '../sql/dialect.ts';
import { STATE, TYPE } from './column-codes.ts';
import type { ClaimAnswer } from './write-rows.ts';

/**
 * Reads what claims of post-calls came to, with all that the winners' requests need. Ends with the condition on
 * `e.execution_uuid`.
 */
export const READ_CLAIMS =
  'SELECT e.execution_uuid, e.claim, e.state, f.details, s.state AS start_state, v.start_json, r.assigned, ' +
  'a.etag AS agent_etag FROM executions e ' +
  'LEFT JOIN execution_details f ON f.execution_uuid = e.execution_uuid ' +
  `LEFT JOIN executions s ON s.conversation_uuid = e.conversation_uuid AND s.webhook_type = ${TYPE.pre_call} ` +
  'LEFT JOIN execution_starts v ON v.execution_uuid = s.execution_uuid ' +
  'LEFT JOIN execution_records r ON r.execution_uuid = s.execution_uuid ' +
  'LEFT JOIN agents a ON a.agent_uuid = e.agent_uuid WHERE e.execution_uuid';

/**
 * Decides a claim by the row that {@link READ_CLAIMS} found after it. The execution whose row holds the token has
 * won, for ever: also after a mark, which an owner may correct.
 */
export function claimAnswer(row: Row | undefined, claim: Buffer): ClaimAnswer {
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
