import type { Agent, Webhook } from '../../domain/agent.ts';
import { tokenOriginOf } from '../../domain/auth/endpoint-auth.ts';
import { originOfTemplate } from '../../domain/template/url-template.ts';
import type { WebhookConfigContext } from '../../domain/validation/validate-webhook-config.ts';
import type { AdminDeps } from './admin-commands.ts';

type AgentContext = Pick<
  WebhookConfigContext,
  'declaredVariables' | 'secretNames' | 'secretValue' | 'checkUrl' | 'checkClientCertificate'
>;

type ContextDeps = Pick<AdminDeps, 'agentSecrets' | 'checkUrl' | 'checkClientCertificate'>;

/** Returns what the check of a webhook's configuration looks up of the webhook's agent, and of the egress policy. */
export function agentContext(
  { agentSecrets, checkUrl, checkClientCertificate }: ContextDeps,
  agent: Agent,
): AgentContext {
  return {
    declaredVariables: new Set(Object.keys(agent.dynamicVariables)),
    secretNames: new Set(Object.keys(agent.sealedSecrets)),
    secretValue: (name) => agentSecrets.openSecret(agent, name),
    checkUrl,
    checkClientCertificate,
  };
}

/** Returns for which headers, and for which origins, a mask may stand for the value that this webhook keeps. */
export function storedContext({
  config,
  sealedHeaders,
}: Webhook): Pick<WebhookConfigContext, 'storedHeaders' | 'storedOrigin' | 'storedTokenOrigin'> {
  return {
    storedHeaders: new Set(Object.keys(sealedHeaders)),
    storedOrigin: originOfTemplate(config.apiSchema.url),
    storedTokenOrigin: tokenOriginOf(config.apiSchema.auth),
  };
}
