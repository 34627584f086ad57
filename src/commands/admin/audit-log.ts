import type { Logger } from '../../logger.ts';

/** One line of the audit log. It says which secrets a webhook may have sent to an origin. */
export interface AuditLine {
  /** The RPC's name. */
  readonly action: string;
  readonly agentUuid: string;
  readonly webhookUuid: string;
  /** Scheme, host and port of the webhook's URL as it is now. */
  readonly origin: string;
  /** The same of the webhook's token endpoint, if it has one. */
  readonly tokenOrigin: string | undefined;
  /** The secrets that the webhook uses. */
  readonly secretNames: readonly string[];
}

/** Writes a line of the audit log. `caller` is the name of the token that the request came with. */
export type Audit = (line: AuditLine, caller: string | undefined) => void;

/** Makes the audit log, which is a part of the log. */
export function createAuditLog(logger: Logger): Audit {
  return ({ action, agentUuid, webhookUuid, origin, tokenOrigin, secretNames }, caller) => {
    const names = { action, caller, agent_uuid: agentUuid, webhook_uuid: webhookUuid };
    logger.info({ ...names, origin, token_origin: tokenOrigin, secret_names: secretNames }, 'audit');
  };
}
