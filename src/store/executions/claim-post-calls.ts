import { STATE, timeLimitSources } from './column-codes.ts';
import type { Connections, Session } from '../sql/connections.ts';
import type { Dialect, Row } from '../sql/dialect.ts';
import { GRACE_MS } from './insert-executions.ts';
import { inParts, marks } from '../sql/sql.ts';
import type { ClaimResult, EndClaim, ExecutionStore } from '../types.ts';
import { toBytes, toUuid } from '../sql/uuid-bytes.ts';

const ROWS_A_STATEMENT = 200;
const COLUMNS = ['claimed_uuid', 'new_claim', 'new_etag', 'new_limit_ms', 'new_instance'];

/** The claims of accepted post-calls. */
export const createClaims = (
  connections: Connections,
  dialect: Dialect,
): Pick<ExecutionStore, 'claimEnds'> => {
  const claimPart = async (
    session: Session,
    claims: readonly EndClaim[],
  ): Promise<readonly ClaimResult[]> => {
    const changed = await session.change(
      claimStatement(dialect, claims.length),
      claims.flatMap((claim) => [
        toBytes(claim.executionUuid),
        toBytes(claim.claim),
        claim.webhookEtag,
        Math.round(claim.timeLimitMs),
        claim.instance,
      ]),
    );
    const uuids = new Set(claims.map(({ executionUuid }) => executionUuid));
    if (changed === claims.length && uuids.size === claims.length) return claims.map(() => 'won');
    return readTokens(session, claims);
  };

  return {
    claimEnds: (claims) => {
      const sorted = claims.toSorted((a, b) => (a.executionUuid < b.executionUuid ? -1 : 1));
      const parts = inParts(sorted, ROWS_A_STATEMENT);
      const results = new Map<EndClaim, ClaimResult>();
      const work = async (session: Session): Promise<readonly ClaimResult[]> => {
        for (const part of parts) {
          const answers = await claimPart(session, part);
          part.forEach((claim, at) => results.set(claim, answers[at] as ClaimResult));
        }
        return claims.map((claim) => results.get(claim) as ClaimResult);
      };
      // One statement needs no transaction around it.
      return parts.length <= 1 ? connections.use(work) : connections.transaction(work);
    },
  };
};

// `+` keeps SQLite off the index by state, which would walk all waiting rows for each claim. A key that was purged
// is never claimed, whatever lies under it. A post-call has no deadline, so its limit is always the webhook's own.
const claimStatement = (dialect: Dialect, rowCount: number): string =>
  dialect.updateFromRows({
    columns: COLUMNS,
    rowCount,
    set:
      `state = ${STATE.sending}, claim = new_claim, webhook_etag = new_etag, time_limit_ms = new_limit_ms, ` +
      `time_limit_source = ${timeLimitSources.toNumber('config')}, ` +
      `instance = new_instance, waiting_webhook_uuid = NULL, sending_at = ${dialect.now}, ` +
      `state_at = ${dialect.now} + new_limit_ms + ${GRACE_MS}`,
    guard: `+executions.state = ${STATE.accepted}`,
    unlessPurged: true,
  });

// Whose token lies in the row is the owner, for ever: also after a label, which an owner may correct.
const readTokens = async (session: Session, claims: readonly EndClaim[]): Promise<readonly ClaimResult[]> => {
  const rows = await session.rows(
    `SELECT execution_uuid, claim, state FROM executions WHERE execution_uuid IN (${marks(claims.length)})`,
    claims.map(({ executionUuid }) => toBytes(executionUuid)),
  );
  const byUuid = new Map<string, Row>(rows.map((row) => [toUuid(row.execution_uuid as Buffer), row]));
  return claims.map(({ executionUuid, claim }) => {
    const row = byUuid.get(executionUuid);
    const isOurs = row !== undefined && row.claim !== null && toBytes(claim).equals(row.claim as Buffer);
    return isOurs && (row.state === STATE.sending || row.state === STATE.interrupted) ? 'won' : 'lost';
  });
};
