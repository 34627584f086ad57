import type { Logger } from '../../logger.ts';

/** One line of the audit log. It says which secrets a webhook may have sent to an origin. */
export interface AuditLine {
  /** The RPC's name. */
  readonly action: string;
  readonly agentUuid: string;
  readonly webhookUuid: string;
  /** Scheme, host and port of the webhook's URL as it is now. */
  readonly origin: string;
  /** The secrets that the webhook uses. */
  readonly secretNames: readonly string[];
}

/** Writes a line of the audit log. `caller` is the name of the token that the request came with. */
export type Audit = (line: AuditLine, caller: string | undefined) => void;

/** Makes the audit log, which is a part of the log. */
export function createAuditLog(logger: Logger): Audit {
  return ({ action, agentUuid, webhookUuid, origin, secretNames }, caller) =>
    logger.info(
      { action, caller, agent_uuid: agentUuid, webhook_uuid: webhookUuid, origin, secret_names: secretNames },
      'audit',
    );
}
