import { validateAgent, type AgentDraft, type ValidAgent } from '../../domain/validation/validate-agent.ts';
import { validateSecrets } from '../../domain/validation/validate-secrets.ts';
import type { Agent } from '../../domain/agent.ts';
import { validationFailed, type Violation } from '../../errors.ts';
import type { NewAgent } from '../../store/agent-store.ts';
import type { AdminDeps } from './admin-commands.ts';
import { announceChange } from './change-agent.ts';
import { newWebhook } from './build-webhook.ts';

/** An agent to create, with its webhooks and secrets. */
export interface CreateAgentRequest {
  /** Undefined: one is made (or it was bad, and `violations` tells so). */
  readonly agentUuid: string | undefined;
  readonly agent: AgentDraft;
  readonly secrets: Readonly<Record<string, string>>;
  readonly violations: readonly Violation[];
}

const NONE: ReadonlySet<string> = new Set();

/**
 * Creates an agent with its webhooks and secrets, all or nothing.
 * @throws CallhooksError VALIDATION_FAILED, AGENT_EXISTS
 */
export function createAgent(deps: AdminDeps, request: CreateAgentRequest): Promise<Agent> {
  const checked = checkRequest(deps, request);
  const agent = toNewAgent(deps, request, checked);
  return announceChange(deps, 'CreateAgent', agent.agentUuid, async () => ({
    before: undefined,
    after: await deps.agents.insertAgent(agent),
  })) as Promise<Agent>;
}

function checkRequest(
  deps: AdminDeps,
  { agent: draft, secrets, violations }: CreateAgentRequest,
): ValidAgent {
  // What a webhook signs with is judged where the webhook names it.
  const ofSecrets = validateSecrets({ secrets, removeSecrets: [], storedNames: NONE, signingNames: NONE });
  const { agent, violations: ofAgent } = validateAgent(draft, {
    secretNames: ofSecrets.names,
    secretValue: (name) => (Object.hasOwn(secrets, name) ? secrets[name] : undefined),
    checkUrl: deps.checkUrl,
  });
  const all = [...violations, ...ofAgent, ...ofSecrets.violations];
  if (all.length > 0) throw validationFailed(all);
  return agent;
}

function toNewAgent(deps: AdminDeps, request: CreateAgentRequest, agent: ValidAgent): NewAgent {
  const agentUuid = request.agentUuid ?? deps.ids.uuid();
  return {
    agentUuid,
    displayName: agent.displayName,
    dynamicVariables: agent.dynamicVariables,
    // The store stamps the times.
    webhooks: agent.webhooks.map((webhook) => newWebhook(deps, agentUuid, webhook, 0)),
    sealedSecrets: deps.agentSecrets.sealSecrets(agentUuid, request.secrets),
    etag: deps.ids.etag(),
  };
}
