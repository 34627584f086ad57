import type { Agent, Webhook } from '../../domain/agent.ts';
import { usedSecretNames } from '../../domain/name-usage.ts';
import { originOfTemplate } from '../../domain/template/url-template.ts';
import { CallhooksError } from '../../errors.ts';
import type { AgentStore } from '../../store/agent-store.ts';
import type { AdminDeps } from './admin-commands.ts';

/**
 * What becomes of an agent: the same agent changes nothing, undefined deletes it. It is asked again when somebody else was
 * faster, so it must have no other effects.
 */
export type Decide = (current: Agent | undefined, nowMs: number) => Agent | undefined;

// Fifty writers of one agent take a second or two on a busy machine.
const GIVE_UP_AFTER_MS = 10_000;
const LONGEST_PAUSE_MS = 50;

/**
 * Writes what `decide` makes of an agent and announces it. Gives the agent as stored, undefined when it was deleted.
 * Without a UUID (it was bad, or nobody has it) `decide` is asked as for an unknown agent, so that it refuses with
 * everything that it can tell.
 */
export async function changeAgent(
  deps: AdminDeps,
  action: string,
  agentUuid: string | undefined,
  decide: Decide,
): Promise<Agent | undefined> {
  if (agentUuid === undefined) return decide(undefined, 0);
  return announceChange(deps, action, agentUuid, () => replaceUntilChanged(deps.agents, agentUuid, decide));
}

/** An agent before and after a change. Undefined: there was, or is, none. */
export interface Change {
  readonly before: Agent | undefined;
  readonly after: Agent | undefined;
}

/**
 * Reads an agent, asks what becomes of it and writes that over the state that was read. When somebody else was faster, all
 * of it is done again, after a pause whose length is left to chance, so that many writers don't meet again and again.
 * @throws CallhooksError ETAG_MISMATCH when somebody else was faster each time; what `decide` throws
 */
export async function replaceUntilChanged(
  agents: Pick<AgentStore, 'readForChange' | 'replaceAgent'>,
  agentUuid: string,
  decide: Decide,
  giveUpAfterMs = GIVE_UP_AFTER_MS,
): Promise<Change> {
  const giveUpAtMs = performance.now() + giveUpAfterMs;
  for (let longestPauseMs = 1; ; longestPauseMs = Math.min(2 * longestPauseMs, LONGEST_PAUSE_MS)) {
    const { agent: before, nowMs } = await agents.readForChange(agentUuid);
    const after = decide(before, nowMs);
    if (before === undefined || after === before) return { before, after };
    if ((await agents.replaceAgent(before, after)) === 'changed') return { before, after };
    if (performance.now() > giveUpAtMs) throw alwaysOvertaken();
    const pauseMs = Math.random() * longestPauseMs;
    await new Promise((resolve) => {
      setTimeout(resolve, pauseMs);
    });
  }
}

function alwaysOvertaken(): CallhooksError {
  return new CallhooksError(
    'ETAG_MISMATCH',
    'it is being changed by others all the time: repeat the request',
  );
}

/** Runs a write of an agent, then tells the cache of this replica and the audit log. */
export async function announceChange(
  deps: AdminDeps,
  action: string,
  agentUuid: string,
  write: () => Promise<Change>,
): Promise<Agent | undefined> {
  try {
    const { before, after } = await write();
    deps.onAgentChanged(agentUuid);
    auditOrigins(deps, action, before, after);
    return after;
  } catch (error) {
    // Only a refusal is known to have changed nothing.
    if (!(error instanceof CallhooksError)) deps.onAgentChanged(agentUuid);
    throw error;
  }
}

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

// One line for each webhook whose URL has come to another origin, with the secrets that go there now.
function auditOrigins(
  { audit, agentSecrets }: AdminDeps,
  action: string,
  before: Agent | undefined,
  after: Agent | undefined,
): void {
  for (const webhook of after?.webhooks ?? []) {
    const earlier = before?.webhooks.find(({ webhookUuid }) => webhookUuid === webhook.webhookUuid);
    const origin = originOf(webhook);
    if (after === undefined || (earlier !== undefined && originOf(earlier) === origin)) continue;
    const { agentUuid, webhookUuid } = webhook;
    const secretNames = secretNamesOf(agentSecrets, after, webhook);
    audit({ action, agentUuid, webhookUuid, origin, secretNames });
  }
}

function originOf({ config }: Webhook): string {
  return originOfTemplate(config.apiSchema.url) ?? '';
}

// A sealed header may name secrets too. One whose key is not here can't have been written just now.
function secretNamesOf(agentSecrets: AdminDeps['agentSecrets'], agent: Agent, webhook: Webhook): string[] {
  const canOpen = agentSecrets.canOpenHeaders(webhook);
  const used = usedSecretNames(canOpen ? agentSecrets.openHeaders(webhook) : webhook.config);
  return Object.keys(agent.sealedSecrets).filter((name) => used.has(name));
}
