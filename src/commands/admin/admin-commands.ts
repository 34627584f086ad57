import type { CheckClientCertificate } from '../../domain/auth/validate-client-certificate.ts';
import type { Ids } from '../../ids.ts';
import type { AgentSecrets } from '../../secrets/agent-secrets.ts';
import type { AgentStore } from '../../store/agent-store.ts';
import type { RequestContext } from '../request-context.ts';
import type { Audit, AuditLine } from './audit-log.ts';
import { createAgent, type CreateAgentRequest } from './create-agent.ts';
import { createWebhook, type CreateWebhookRequest } from './create-webhook.ts';
import { deleteAgent, type DeleteAgentRequest } from './delete-agent.ts';
import { deleteWebhook, type DeleteWebhookRequest } from './delete-webhook.ts';
import { getAgent, type GetAgentRequest } from './get-agent.ts';
import { getWebhook, type GetWebhookRequest } from './get-webhook.ts';
import { listAgents, type ListAgentsRequest } from './list-agents.ts';
import { listWebhooks, type ListWebhooksRequest } from './list-webhooks.ts';
import { updateAgent, type UpdateAgentRequest } from './update-agent.ts';
import { updateWebhook, type UpdateWebhookRequest } from './update-webhook.ts';

/** Holds what the commands that administer agents and webhooks work with. */
export interface AdminDeps {
  readonly agents: AgentStore;
  readonly agentSecrets: AgentSecrets;
  readonly ids: Ids;
  /** Returns what the egress policy says against a URL that is to be saved, or undefined when it lets the URL pass. */
  readonly checkUrl: (url: string) => string | undefined;
  /** Returns what keeps a client certificate from being used with a private key, or undefined when they fit. */
  readonly checkClientCertificate: CheckClientCertificate;
  readonly audit: (line: AuditLine) => void;
  /** Is called after a write, so that this replica runs the new configuration at once. */
  readonly onAgentChanged: (agentUuid: string) => void;
}

type Caller = Pick<RequestContext, 'caller'>;

/** Binds the commands that administer agents and webhooks to what they work with. */
export function bindAdminCommands(unbound: Omit<AdminDeps, 'audit'> & { readonly audit: Audit }) {
  // A command that writes has an audit log of its own for each request, which names the caller.
  const depsFor = ({ caller }: Caller): AdminDeps => ({
    ...unbound,
    audit: (line) => unbound.audit(line, caller),
  });
  const deps = depsFor({});
  return {
    createAgent: (request: CreateAgentRequest, caller: Caller) => createAgent(depsFor(caller), request),
    getAgent: (request: GetAgentRequest) => getAgent(deps, request),
    listAgents: (request: ListAgentsRequest) => listAgents(deps, request),
    updateAgent: (request: UpdateAgentRequest, caller: Caller) => updateAgent(depsFor(caller), request),
    deleteAgent: (request: DeleteAgentRequest, caller: Caller) => deleteAgent(depsFor(caller), request),
    createWebhook: (request: CreateWebhookRequest, caller: Caller) => createWebhook(depsFor(caller), request),
    getWebhook: (request: GetWebhookRequest) => getWebhook(deps, request),
    listWebhooks: (request: ListWebhooksRequest) => listWebhooks(deps, request),
    updateWebhook: (request: UpdateWebhookRequest, caller: Caller) => updateWebhook(depsFor(caller), request),
    deleteWebhook: (request: DeleteWebhookRequest, caller: Caller) => deleteWebhook(depsFor(caller), request),
  };
}
