import {
  validateWebhookConfig,
  type WebhookConfigContext,
} from '../../domain/validation/validate-webhook-config.ts';
import { originOfTemplate } from '../../domain/template/url-template.ts';
import type { Agent, Webhook, WebhookConfig, WebhookType } from '../../domain/agent.ts';
import type { WebhookConfigDraft } from '../../domain/webhook-draft.ts';
import { validationFailed, type Violation } from '../../errors.ts';
import type { AdminDeps } from './admin-commands.ts';

/** What the names in a configuration are held against, and what else its check may know. */
export interface WebhookSurroundings extends Pick<
  WebhookConfigContext,
  'declaredVariables' | 'secretNames' | 'secretValue'
> {
  readonly checkUrl: WebhookConfigContext['checkUrl'];
  readonly checked?: WebhookConfigContext['checked'];
  /** The webhook as stored, whose masked values may be kept. `unknown`: not found, so nothing is said against a mask. */
  readonly stored?: Webhook | 'unknown' | undefined;
}

/** A set of names that has every name: for what can't be looked up. */
const EVERY_NAME: ReadonlySet<string> = Object.assign(new Set<string>(), { has: () => true });

/** What an agent's webhooks may name; of an unknown agent nothing can be said against any name. */
export function surroundingsOf(
  { agentSecrets, checkUrl }: Pick<AdminDeps, 'agentSecrets' | 'checkUrl'>,
  agent: Agent | undefined,
): WebhookSurroundings {
  if (agent === undefined) return { declaredVariables: EVERY_NAME, secretNames: EVERY_NAME, checkUrl };
  const { dynamicVariables, sealedSecrets } = agent;
  return {
    declaredVariables: new Set(Object.keys(dynamicVariables)),
    secretNames: new Set(Object.keys(sealedSecrets)),
    secretValue: (name) => agentSecrets.openSecret(agent, name),
    checkUrl,
  };
}

/** A checked configuration; it may be used only where there are no violations. */
export interface CheckedConfig {
  readonly config: WebhookConfig | undefined;
  readonly violations: readonly Violation[];
}

/** Checks a draft. Where its type is not known, only what is wrong for both types is told. */
export function checkDraft(
  draft: WebhookConfigDraft | undefined,
  webhookType: WebhookType | undefined,
  path: string,
  surroundings: WebhookSurroundings,
): CheckedConfig {
  if (draft === undefined) return { config: undefined, violations: [] };
  const { stored, ...known } = surroundings;
  const checkAs = (type: WebhookType) =>
    validateWebhookConfig(draft, {
      ...known,
      path,
      webhookType: type,
      ...(stored === 'unknown' ? anythingStored(draft) : storedOf(stored)),
    });
  if (webhookType !== undefined) return checkAs(webhookType);
  const asPostCall = new Set(checkAs('post_call').violations.map(asText));
  return {
    config: undefined,
    violations: checkAs('pre_call').violations.filter((it) => asPostCall.has(asText(it))),
  };
}

/** What masked values may stand for, in a webhook that replaces this one. */
export function storedOf(stored: Webhook | undefined): Stored {
  return {
    storedHeaders: new Set(Object.keys(stored?.sealedHeaders ?? {})),
    storedOrigin: stored && originOfTemplate(stored.config.apiSchema.url),
  };
}

function anythingStored(draft: WebhookConfigDraft): Stored {
  return {
    storedHeaders: EVERY_NAME,
    storedOrigin: originOfTemplate(draft.apiSchema?.url ?? ''),
  };
}

type Stored = Pick<WebhookConfigContext, 'storedHeaders' | 'storedOrigin'>;

/** The configuration, if nothing is wrong with the whole request. @throws CallhooksError VALIDATION_FAILED */
export function acceptConfig(
  found: readonly Violation[],
  { config, violations }: CheckedConfig,
): WebhookConfig {
  const all = [...found, ...violations];
  if (config === undefined || all.length > 0) throw validationFailed(all);
  return config;
}

function asText({ field, description }: Violation): string {
  return `${field}\n${description}`;
}
