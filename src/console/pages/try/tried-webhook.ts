import { CallhooksError } from '../../../errors.ts';
import {
  AgentAdminService,
  WebhookAdminService,
  WebhookType,
  type Agent,
  type Webhook,
} from '../../../gen/index.callhooks.v1.ts';
import type { ViewerApi } from '../../viewer.ts';
import type { TryForm } from './try-form.ts';

/** What is stored of the webhook that a form names. */
export interface TriedWebhook {
  readonly agent: Agent | undefined;
  /** The stored webhook: the one that is named, or the one of this type that the agent has. */
  readonly webhook: Webhook | undefined;
  /** The refusal of an id that names nothing. */
  readonly refusal: CallhooksError | undefined;
}

/** Returns what is stored of the webhook that a form names, by its id or by its agent and type. */
export async function readTriedWebhook(
  api: ViewerApi,
  form: Pick<TryForm, 'webhook_uuid' | 'agent_uuid' | 'webhook_type'>,
): Promise<TriedWebhook> {
  const { webhook_uuid: webhookUuid, agent_uuid: agentUuid } = form;
  try {
    if (webhookUuid === '' && agentUuid === '') return NOTHING;
    const named = webhookUuid === '' ? undefined : await readWebhook(api, webhookUuid);
    const { agent } = await api.call(AgentAdminService.getAgent, {
      agentUuid: named?.agentUuid ?? agentUuid,
    });
    return { agent, webhook: named ?? webhookOfType(agent, form.webhook_type), refusal: undefined };
  } catch (error) {
    if (error instanceof CallhooksError && ABOUT_IDS.has(error.reason)) return { ...NOTHING, refusal: error };
    throw error;
  }
}

const NOTHING: TriedWebhook = { agent: undefined, webhook: undefined, refusal: undefined };
const ABOUT_IDS: ReadonlySet<string> = new Set(['AGENT_NOT_FOUND', 'WEBHOOK_NOT_FOUND', 'VALIDATION_FAILED']);

async function readWebhook(api: ViewerApi, webhookUuid: string): Promise<Webhook | undefined> {
  return (await api.call(WebhookAdminService.getWebhook, { webhookUuid, agentUuid: '' })).webhook;
}

function webhookOfType(agent: Agent | undefined, type: string): Webhook | undefined {
  return agent?.webhooks.find((webhook) => typeName(webhook.webhookType) === type);
}

/** Returns the value of the control `webhook_type` for a type. */
export function typeName(type: WebhookType): string {
  if (type === WebhookType.WEBHOOK_TYPE_PRE_CALL) return 'pre_call';
  return type === WebhookType.WEBHOOK_TYPE_POST_CALL ? 'post_call' : '';
}
