import { TestWebhookRequest, WebhookConfig, WebhookType } from '../../../gen/index.callhooks.v1.ts';
import { messageJson } from '../../message-json.ts';
import { readJson, readObject, refuseMore } from './read-json.ts';
import type { Problem, TryForm } from './try-form.ts';
import { readVariables } from './variables-text.ts';

/** A request for TestWebhook as far as the texts of a form could be read. */
export interface ReadRequest {
  /** The request, without the fields that have a problem. It sends nothing. */
  readonly request: TestWebhookRequest;
  readonly problems: readonly Problem[];
}

const TYPES: Readonly<Record<string, WebhookType>> = {
  '': WebhookType.WEBHOOK_TYPE_UNSPECIFIED,
  pre_call: WebhookType.WEBHOOK_TYPE_PRE_CALL,
  post_call: WebhookType.WEBHOOK_TYPE_POST_CALL,
};

// Larger texts would hold the event loop for too long.
const MAX_CONFIG_CHARS = 128 * 1024;
const MAX_VALUES_CHARS = 64 * 1024;

/** Reads the texts of a form. What is not even JSON is a problem here; all other rules are those of TestWebhook. */
export function readTryRequest(form: TryForm): ReadRequest {
  const problems: Problem[] = [];
  const read = <T>(control: keyof TryForm, parse: (text: string) => T): T | undefined => {
    if (form[control].trim() === '') return undefined;
    try {
      return parse(form[control]);
    } catch (error) {
      problems.push({ control, field: control, description: (error as Error).message });
      return undefined;
    }
  };
  const request = TestWebhookRequest.fromPartial({
    webhookUuid: form.webhook_uuid,
    agentUuid: form.agent_uuid,
    webhookType: read('webhook_type', readType) ?? WebhookType.WEBHOOK_TYPE_UNSPECIFIED,
    webhookConfig: read('webhook_config', readConfig),
    conversationUuid: form.conversation_uuid,
    callerPhone: form.caller_phone,
    dynamicVariables: read('dynamic_variables', (text) => readVariables(bounded(text, MAX_VALUES_CHARS))),
    metadata: read('metadata', (text) => readObject(bounded(text, MAX_VALUES_CHARS))),
    callDuration: read('call_duration', readDuration),
    callSummary: form.call_summary,
  });
  return { request, problems };
}

function readType(text: string): WebhookType {
  const type = TYPES[text];
  if (type === undefined) throw new Error('must be pre_call or post_call');
  return type;
}

function readConfig(text: string): WebhookConfig {
  const json = readJson(bounded(text, MAX_CONFIG_CHARS)) as Record<string, unknown> | null;
  // It may also be a whole webhook, as pages and replies show it.
  const config = json?.['webhook_config'] ?? json?.['webhookConfig'] ?? json;
  try {
    return messageJson().read('WebhookConfig', WebhookConfig, config);
  } catch (error) {
    const reason = (error as Error).message.replaceAll('callhooks.v1.', '');
    throw new Error(`is no webhook_config: ${reason}`, { cause: error });
  }
}

function bounded(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : refuseMore(`${maxChars} characters`);
}

function readDuration(text: string) {
  if (!/^\d{1,9}(\.\d{1,9})?$/.test(text)) throw new Error('must be seconds, such as 142.5');
  const [seconds = '0', fraction = ''] = text.split('.');
  return { seconds: BigInt(seconds), nanos: Number(fraction.padEnd(9, '0')) };
}
