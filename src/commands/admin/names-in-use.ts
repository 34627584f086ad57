import type { Agent, Webhook, WebhookConfig } from '../../domain/agent.ts';
import { secretUsers, variableUsers, type NameUsage } from '../../domain/name-usage.ts';
import { CallhooksError } from '../../errors.ts';
import type { AgentSecrets } from '../../secrets/agent-secrets.ts';

/**
 * Refuses a change of an agent that takes a variable or secret from a webhook that names it.
 * @throws CallhooksError VARIABLE_IN_USE, SECRET_IN_USE (naming every user), KEY_UNAVAILABLE
 */
export function refuseRemovalInUse(agentSecrets: AgentSecrets, before: Agent, after: Agent): void {
  const variables = removedNames(before.dynamicVariables, after.dynamicVariables);
  const secrets = removedNames(before.sealedSecrets, after.sealedSecrets);
  if (variables.length === 0 && secrets.length === 0) return;
  // A masked header value may hold a placeholder.
  const webhooks = after.webhooks.map((webhook) => ({
    ...webhook,
    config: agentSecrets.openHeaders(webhook),
  }));
  const variableUses = usesOf(webhooks, variables, variableUsers);
  if (variableUses.length > 0)
    throw inUse('VARIABLE_IN_USE', 'a dynamic variable that is in use', variableUses);
  const secretUses = usesOf(webhooks, secrets, secretUsers);
  if (secretUses.length > 0) throw inUse('SECRET_IN_USE', 'a secret that is in use', secretUses);
}

function removedNames(before: object, after: object): string[] {
  return Object.keys(before).filter((name) => !Object.hasOwn(after, name));
}

interface Use {
  readonly subject: string;
  readonly description: string;
}

function usesOf(
  webhooks: readonly Webhook[],
  names: readonly string[],
  usersOf: (config: WebhookConfig, names: readonly string[]) => readonly NameUsage[],
): Use[] {
  if (names.length === 0) return [];
  const ranks = new Map(names.map((name, rank) => [name, rank]));
  const rankOf = ({ name }: { readonly name: string }): number => ranks.get(name) ?? 0;
  return webhooks
    .flatMap(({ webhookUuid, config }) => usersOf(config, names).map((usage) => ({ ...usage, webhookUuid })))
    .toSorted((one, other) => rankOf(one) - rankOf(other))
    .map(({ name, field, webhookUuid }) => ({
      subject: `webhooks/${webhookUuid}`,
      description: `"${name}": webhook_config.${field} uses it`,
    }));
}

function inUse(
  reason: 'VARIABLE_IN_USE' | 'SECRET_IN_USE',
  what: string,
  preconditions: readonly Use[],
): CallhooksError {
  return new CallhooksError(reason, `${what} can't be removed: ${preconditions[0]?.description ?? ''}`, {
    preconditions,
  });
}
