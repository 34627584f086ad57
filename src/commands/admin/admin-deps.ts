import type { Ids } from '../../ids.ts';
import type { Keyring } from '../../secrets/keyring.ts';
import type { AgentStore } from '../../store/agent-store.ts';

/** One line of the audit log: who may have sent secrets where. */
export interface AuditLine {
  /** The RPC's name. */
  readonly action: string;
  readonly agentUuid: string;
  readonly webhookUuid: string;
  /** Scheme, host and port that the webhook's URL now has. */
  readonly origin: string;
  /** The secrets that the webhook uses. */
  readonly secretNames: readonly string[];
}

/** What the administration commands work with. */
export interface AdminDeps {
  readonly agents: AgentStore;
  readonly keyring: Keyring;
  readonly ids: Ids;
  /** What the egress policy says to a URL that is to be saved: undefined lets it pass. */
  readonly checkUrl: (url: string) => string | undefined;
  readonly audit: (line: AuditLine) => void;
  /** Called after a write, so that this replica runs the new configuration at once. */
  readonly onAgentChanged: (agentUuid: string) => void;
}
