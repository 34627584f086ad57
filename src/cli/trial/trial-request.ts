import { TestWebhookRequest, WebhookType } from '../../gen/index.callhooks.v1.ts';
import { UsageError } from '../frame/command.ts';
import { nameOf, readInput, readJson } from '../frame/read-input.ts';
import type { Shell } from '../frame/shell.ts';
import type { ConfigFile } from './config-file.ts';
import type { TrialOptions } from './trial-options.ts';

const TYPES: Readonly<Record<string, WebhookType>> = {
  pre_call: WebhookType.WEBHOOK_TYPE_PRE_CALL,
  post_call: WebhookType.WEBHOOK_TYPE_POST_CALL,
};

/**
 * Makes the request for TestWebhook of the options.
 * @throws UsageError when they make no sense
 */
export async function trialRequest(
  options: TrialOptions,
  file: ConfigFile | undefined,
  shell: Pick<Shell, 'stdin'>,
): Promise<TestWebhookRequest> {
  const { agent = '', webhook = '', conversation = '', metadata } = options;
  if (webhook === '' && file === undefined)
    throw new UsageError('name a FILE with a webhook_config, or a stored webhook with --webhook');
  if (webhook === '' && agent === '') throw new UsageError('--agent is required with FILE');
  if (webhook === '' && options.type === undefined)
    throw new UsageError('--type is required with FILE: pre_call or post_call');
  return TestWebhookRequest.fromPartial({
    ...{ agentUuid: agent, webhookUuid: webhook, conversationUuid: conversation, send: options.send },
    webhookType: typeOf(options.type),
    webhookConfig: file?.config,
    callerPhone: options['caller-phone'] ?? '',
    dynamicVariables: variablesOf(options.set),
    metadata: metadata === undefined ? undefined : await readObject(metadata, shell),
    callDuration: durationOf(options['call-duration']),
    callSummary: options['call-summary'] ?? '',
  });
}

function typeOf(text: string | undefined): WebhookType {
  const type = text === undefined ? WebhookType.WEBHOOK_TYPE_UNSPECIFIED : TYPES[text.replace('-', '_')];
  if (type === undefined) throw new UsageError(`--type must be pre_call or post_call, not "${text}"`);
  return type;
}

function variablesOf(settings: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    settings.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw new UsageError(`--set must be NAME=VALUE, not "${text}"`);
      return [text.slice(0, at), valueOf(text.slice(at + 1))];
    }),
  );
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function readObject(file: string, shell: Pick<Shell, 'stdin'>): Promise<Record<string, unknown>> {
  const value = readJson(await readInput(file, shell), nameOf(file));
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new UsageError(`--metadata: ${nameOf(file)} must hold a JSON object`);
}

function durationOf(text: string | undefined) {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}(\.\d{1,9})?$/.test(text))
    throw new UsageError(`--call-duration must be seconds such as 142.5, not "${text}"`);
  const [seconds = '0', fraction = ''] = text.split('.');
  return { seconds: BigInt(seconds), nanos: Number(fraction.padEnd(9, '0')) };
}
