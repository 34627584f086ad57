import type { Agent } from '../../domain/agent.ts';
import { validateAgent, type AgentDraft, type ValidAgent } from '../../domain/validation/validate-agent.ts';
import { validateSecrets } from '../../domain/validation/validate-secrets.ts';
import type { Violation } from '../../errors.ts';
import type { NewAgent } from '../../store/agent-store.ts';
import { refuseViolations } from '../refusals.ts';
import type { AdminDeps } from './admin-commands.ts';
import { newWebhook } from './build-webhook.ts';
import { announceChange } from './change-agent.ts';

/** An agent to create, unchecked, with its webhooks and secrets. */
export interface CreateAgentRequest {
  /** Without a UUID the server makes one. */
  readonly agentUuid: string | undefined;
  readonly agent: AgentDraft;
  readonly secrets: Readonly<Record<string, string>>;
  /** What parsing found wrong. The command reports it with all that it finds. */
  readonly violations: readonly Violation[];
}

const NONE: ReadonlySet<string> = new Set();

/**
 * Creates an agent with its webhooks and secrets, all or nothing.
 * @throws CallhooksError VALIDATION_FAILED, AGENT_EXISTS
 */
export async function createAgent(deps: AdminDeps, request: CreateAgentRequest): Promise<Agent> {
  const agent = toNewAgent(deps, request, validRequest(deps, request));
  return announceChange(deps, 'CreateAgent', agent.agentUuid, async () => ({
    before: undefined,
    after: await deps.agents.insertAgent(agent),
  }));
}

function validRequest(
  { checkUrl, checkClientCertificate }: AdminDeps,
  { agent: draft, secrets, violations }: CreateAgentRequest,
): ValidAgent {
  // A secret that a webhook signs with is checked where the webhook names it.
  const ofSecrets = validateSecrets({ secrets, removeSecrets: [], storedNames: NONE, signingNames: NONE });
  const { agent, violations: ofAgent } = validateAgent(draft, {
    secretNames: ofSecrets.names,
    secretValue: (name) => (Object.hasOwn(secrets, name) ? secrets[name] : undefined),
    checkUrl,
    checkClientCertificate,
  });
  refuseViolations([...violations, ...ofAgent, ...ofSecrets.violations]);
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
