import { violationsOf, type Violation } from '../../errors.ts';
import { declaredVariablesViolations, storedDefaults } from './validate-variables.ts';
import { validateWebhookConfig, type WebhookConfigContext } from './validate-webhook-config.ts';
import type { WebhookConfigDraft } from '../webhook-draft.ts';
import { itemPath } from './field-path.ts';
import { MAX_DISPLAY_NAME_BYTES } from '../limits.ts';
import type { JsonObject } from '../json.ts';
import type { WebhookConfig, WebhookType } from '../agent.ts';

/** A webhook of an agent as it came over the wire. It is not validated. */
interface AgentWebhookDraft {
  readonly webhookType: WebhookType | 'unspecified' | 'unknown';
  readonly config: WebhookConfigDraft | undefined;
  readonly disabled: boolean;
}

/** An agent as it came over the wire, or as the fields of an update mask would make it. It is not validated. */
export interface AgentDraft {
  readonly displayName: string;
  readonly dynamicVariables: JsonObject;
  /** The webhooks that are created or replaced. */
  readonly webhooks: readonly AgentWebhookDraft[];
}

/** The mutable part of an agent after its validation. */
export interface ValidAgent {
  readonly displayName: string;
  readonly dynamicVariables: JsonObject;
  readonly webhooks: readonly {
    readonly webhookType: WebhookType;
    readonly config: WebhookConfig;
    readonly disabled: boolean;
  }[];
}

/** What masks in a webhook may stand for. */
type StoredValues = Pick<WebhookConfigContext, 'storedHeaders' | 'storedOrigin' | 'storedTokenOrigin'>;

/** Facts that the validation of an agent needs. {@link WebhookConfigContext} has those about its webhooks. */
export interface AgentContext extends Pick<
  WebhookConfigContext,
  'secretNames' | 'secretValue' | 'checkUrl' | 'checkClientCertificate'
> {
  /**
   * Returns the stored values that masks in a webhook of this type may stand for: those of the webhook that it
   * replaces.
   */
  readonly stored?: ((type: WebhookType) => StoredValues | undefined) | undefined;
  /** Reports whether a save changes a field. Only changed fields are validated. When it is absent, all are. */
  readonly isChanged?: ((field: 'display_name' | 'dynamic_variables' | 'webhooks') => boolean) | undefined;
}

const PATH = 'agent';

/**
 * Validates an agent with the webhooks that the request gives it, and fills in defaults. It collects all violations,
 * with paths from the request message (`agent.…`). `agent` may be used only when there are none.
 */
export function validateAgent(
  draft: AgentDraft,
  context: AgentContext,
): { readonly agent: ValidAgent; readonly violations: readonly Violation[] } {
  const checks = context.isChanged ?? (() => true);
  const { displayName, dynamicVariables } = draft;
  const { webhooks, violations: ofWebhooks } = checks('webhooks')
    ? validateWebhooks(draft, context)
    : { webhooks: [], violations: [] };
  const violations = [
    ...(checks('display_name') ? displayNameViolations(displayName) : []),
    ...(checks('dynamic_variables')
      ? declaredVariablesViolations(dynamicVariables, `${PATH}.dynamic_variables`)
      : []),
    ...ofWebhooks,
  ];
  const isValid = violations.length === 0;
  return {
    agent: {
      displayName,
      dynamicVariables: isValid ? storedDefaults(dynamicVariables) : dynamicVariables,
      webhooks,
    },
    violations,
  };
}

interface ValidatedWebhooks {
  readonly webhooks: ValidAgent['webhooks'][number][];
  readonly violations: Violation[];
}

// No more than one webhook of each type can be right, so the rest of a long list is left out.
const MAX_VALIDATED = 8;

function validateWebhooks(draft: AgentDraft, context: AgentContext): ValidatedWebhooks {
  const { secretNames, secretValue, checkUrl, checkClientCertificate, stored } = context;
  const declaredVariables = new Set(Object.keys(draft.dynamicVariables));
  const types = new Set<string>();
  const result: ValidatedWebhooks = { webhooks: [], violations: [] };
  for (const [i, { webhookType, config, disabled }] of draft.webhooks.slice(0, MAX_VALIDATED).entries()) {
    const path = itemPath(`${PATH}.webhooks`, i);
    result.violations.push(...violationsOf(`${path}.webhook_type`, typeProblem(webhookType, types)));
    types.add(webhookType);
    if (webhookType === 'unspecified' || webhookType === 'unknown') continue;
    const validated = validateWebhookConfig(config, {
      webhookType,
      declaredVariables,
      secretNames,
      secretValue,
      checkUrl,
      checkClientCertificate,
      path: `${path}.webhook_config`,
      ...stored?.(webhookType),
    });
    result.violations.push(...validated.violations);
    result.webhooks.push({ webhookType, config: validated.config, disabled });
  }
  return result;
}

function typeProblem(
  type: AgentWebhookDraft['webhookType'],
  earlier: ReadonlySet<string>,
): string | undefined {
  if (type === 'unspecified') return 'is required';
  if (type === 'unknown') return 'must be WEBHOOK_TYPE_PRE_CALL or WEBHOOK_TYPE_POST_CALL';
  return earlier.has(type) ? 'an agent has at most one webhook of each type' : undefined;
}

function displayNameViolations(name: string): Violation[] {
  const isTooLarge = Buffer.byteLength(name) > MAX_DISPLAY_NAME_BYTES;
  return violationsOf(
    `${PATH}.display_name`,
    isTooLarge ? `must not be larger than ${MAX_DISPLAY_NAME_BYTES} bytes` : undefined,
  );
}
