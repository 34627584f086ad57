import type { Violation } from '../../errors.ts';
import { declaredVariablesViolations, storedDefaults } from './validate-variables.ts';
import { validateWebhookConfig, type WebhookConfigContext } from './validate-webhook-config.ts';
import type { WebhookConfigDraft } from '../webhook-draft.ts';
import { itemPath } from './field-path.ts';
import { MAX_DISPLAY_NAME_BYTES } from '../limits.ts';
import type { JsonObject } from '../json.ts';
import type { WebhookConfig, WebhookType } from '../agent.ts';

/** A webhook of an agent as it came over the wire. It is not validated. */
export interface AgentWebhookDraft {
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

/** Facts that the validation of an agent needs. {@link WebhookConfigContext} has those about its webhooks. */
export interface AgentContext extends Pick<WebhookConfigContext, 'secretNames' | 'secretValue' | 'checkUrl'> {
  /**
   * Returns the stored values that masks in a webhook of this type may stand for: those of the webhook that it
   * replaces.
   */
  readonly stored?:
    | ((type: WebhookType) => Pick<WebhookConfigContext, 'storedHeaders' | 'storedOrigin'> | undefined)
    | undefined;
  /** Reports whether a save changes a field. Only changed fields are validated. When it is absent, all are. */
  readonly checked?: ((field: 'display_name' | 'dynamic_variables' | 'webhooks') => boolean) | undefined;
}

const PATH = 'agent';

interface CheckedWebhooks {
  readonly webhooks: ValidAgent['webhooks'][number][];
  readonly violations: Violation[];
}

function typeProblem(
  type: AgentWebhookDraft['webhookType'],
  earlier: ReadonlySet<string>,
): string | undefined {
  if (type === 'unspecified') return 'is required';
  if (type === 'unknown') return 'must be WEBHOOK_TYPE_PRE_CALL or WEBHOOK_TYPE_POST_CALL';
  return earlier.has(type) ? 'an agent has at most one webhook of each type' : undefined;
}

// No more than one webhook of each type can be right, so the rest of a long list is not looked at.
const MAX_VALIDATED = 8;

function checkWebhooks(draft: AgentDraft, context: AgentContext): CheckedWebhooks {
  const { secretNames, secretValue, checkUrl, stored } = context;
  const declaredVariables = new Set(Object.keys(draft.dynamicVariables));
  const types = new Set<string>();
  const result: CheckedWebhooks = { webhooks: [], violations: [] };
  for (const [i, { webhookType, config, disabled }] of draft.webhooks.slice(0, MAX_VALIDATED).entries()) {
    const path = itemPath(`${PATH}.webhooks`, i);
    const description = typeProblem(webhookType, types);
    types.add(webhookType);
    if (description !== undefined) result.violations.push({ field: `${path}.webhook_type`, description });
    if (webhookType === 'unspecified' || webhookType === 'unknown') continue;
    const checked = validateWebhookConfig(config, {
      webhookType,
      declaredVariables,
      secretNames,
      secretValue,
      checkUrl,
      path: `${path}.webhook_config`,
      ...stored?.(webhookType),
    });
    result.violations.push(...checked.violations);
    result.webhooks.push({ webhookType, config: checked.config, disabled });
  }
  return result;
}

function displayNameViolations(name: string): Violation[] {
  return Buffer.byteLength(name) > MAX_DISPLAY_NAME_BYTES
    ? [
        {
          field: `${PATH}.display_name`,
          description: `must not be larger than ${MAX_DISPLAY_NAME_BYTES} bytes`,
        },
      ]
    : [];
}

/**
 * Validates an agent with the webhooks that the request gives it, and fills in defaults. It collects all violations,
 * with paths from the request message (`agent.…`). `agent` may be used only when there are none.
 */
export function validateAgent(
  draft: AgentDraft,
  context: AgentContext,
): { readonly agent: ValidAgent; readonly violations: readonly Violation[] } {
  const checks = context.checked ?? (() => true);
  const { displayName, dynamicVariables } = draft;
  const { webhooks, violations: ofWebhooks } = checks('webhooks')
    ? checkWebhooks(draft, context)
    : { webhooks: [], violations: [] };
  const violations = [
    ...(checks('display_name') ? displayNameViolations(displayName) : []),
    ...(checks('dynamic_variables')
      ? declaredVariablesViolations(dynamicVariables, `${PATH}.dynamic_variables`)
      : []),
    ...ofWebhooks,
  ];
  const isRight = violations.length === 0;
  return {
    agent: {
      displayName,
      dynamicVariables: isRight ? storedDefaults(dynamicVariables) : dynamicVariables,
      webhooks,
    },
    violations,
  };
}
