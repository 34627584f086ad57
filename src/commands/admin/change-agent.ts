import type { Agent, Webhook } from '../../domain/agent.ts';
import { tokenOriginOf } from '../../domain/auth/endpoint-auth.ts';
import { usedSecretNames } from '../../domain/name-usage.ts';
import { originOfTemplate } from '../../domain/template/url-template.ts';
import { CallhooksError } from '../../errors.ts';
import type { AgentStore } from '../../store/agent-store.ts';
import type { AdminDeps } from './admin-commands.ts';

/**
 * Decides what becomes of an agent. The same agent changes nothing, and undefined deletes it. `current` is undefined when
 * there is no such agent: then nothing is written. Since it is asked again when another writer was faster, it must have no
 * other effects.
 */
type Decide<After extends Agent | undefined> = (current: Agent | undefined, nowMs: number) => After;

/** An agent before and after a change. `before` is undefined when there was none. */
export interface Change<After extends Agent | undefined> {
  readonly before: Agent | undefined;
  readonly after: After;
}

// Fifty writers of one agent take a second or two on a busy machine.
const GIVE_UP_AFTER_MS = 10_000;
const LONGEST_PAUSE_MS = 50;

/**
 * Writes what `decide` makes of an agent, and announces it. Returns the agent as stored, or undefined when it was deleted.
 * @throws CallhooksError ETAG_MISMATCH when another writer was faster each time; what `decide` throws
 */
export function changeAgent<After extends Agent | undefined>(
  deps: AdminDeps,
  action: string,
  agentUuid: string,
  decide: Decide<After>,
): Promise<After> {
  return announceChange(deps, action, agentUuid, () => replaceUntilChanged(deps.agents, agentUuid, decide));
}

/**
 * Reads an agent, asks what becomes of it, and writes that over the state that was read. When another writer was faster,
 * all of it is done again, after a pause of random length, so that many writers don't meet again and again.
 * @throws CallhooksError ETAG_MISMATCH when another writer was faster each time; what `decide` throws
 */
export async function replaceUntilChanged<After extends Agent | undefined>(
  agents: Pick<AgentStore, 'readForChange' | 'replaceAgent'>,
  agentUuid: string,
  decide: Decide<After>,
  giveUpAfterMs = GIVE_UP_AFTER_MS,
): Promise<Change<After>> {
  const giveUpAtMs = performance.now() + giveUpAfterMs;
  for (let longestPauseMs = 1; ; longestPauseMs = Math.min(2 * longestPauseMs, LONGEST_PAUSE_MS)) {
    const { agent: before, nowMs } = await agents.readForChange(agentUuid);
    const after = decide(before, nowMs);
    if (before === undefined || after === before) return { before, after };
    if ((await agents.replaceAgent(before, after)) === 'changed') return { before, after };
    if (performance.now() > giveUpAtMs) throw alwaysOvertaken();
    const pauseMs = Math.random() * longestPauseMs;
    await new Promise((resolve) => void setTimeout(resolve, pauseMs));
  }
}

function alwaysOvertaken(): CallhooksError {
  return new CallhooksError('ETAG_MISMATCH', 'other writers keep changing it: repeat the request');
}

/**
 * Runs a write of an agent. Then the cache of this replica forgets the agent, and the audit log gets its lines. Returns the
 * agent as stored, or undefined when it was deleted.
 */
export async function announceChange<After extends Agent | undefined>(
  deps: AdminDeps,
  action: string,
  agentUuid: string,
  write: () => Promise<Change<After>>,
): Promise<After> {
  try {
    const { before, after } = await write();
    deps.onAgentChanged(agentUuid);
    auditOrigins(deps, action, before, after);
    return after;
  } catch (error) {
    // After any other error than a refusal, it is not known whether something was written.
    if (!(error instanceof CallhooksError)) deps.onAgentChanged(agentUuid);
    throw error;
  }
}

// Writes one line for each webhook whose URL, or token endpoint, has another origin than before, with the secrets that go
// there now.
function auditOrigins(
  { audit, agentSecrets }: AdminDeps,
  action: string,
  before: Agent | undefined,
  after: Agent | undefined,
): void {
  if (after === undefined) return;
  for (const webhook of after.webhooks) {
    const earlier = before?.webhooks.find(({ webhookUuid }) => webhookUuid === webhook.webhookUuid);
    const origin = originOf(webhook);
    const tokenOrigin = tokenOriginOf(webhook.config.apiSchema.auth);
    if (
      earlier &&
      originOf(earlier) === origin &&
      tokenOriginOf(earlier.config.apiSchema.auth) === tokenOrigin
    )
      continue;
    const { agentUuid, webhookUuid } = webhook;
    const secretNames = secretNamesOf(agentSecrets, after, webhook);
    audit({ action, agentUuid, webhookUuid, origin, tokenOrigin, secretNames });
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
