import type { Agent, SealedValue, Webhook } from '../../domain/agent.ts';
import { isObjectRule } from '../../domain/assignments/compile-assignments.ts';
import type { AgentSecrets } from '../../secrets/agent-secrets.ts';
import { openWebhook, type RunnableWebhook } from './runnable-webhook.ts';

type SealedValues = Readonly<Record<string, SealedValue>>;

/** An opened webhook with the sealed values that it was made of. */
interface Opened {
  readonly runnable: RunnableWebhook;
  readonly sealedSecrets: SealedValues;
  /** The etags of all webhooks of the agent: its records mask values of the others too. */
  readonly etags: string;
  /** The variables that its object rule takes. They can change without it. */
  readonly declared: string;
  readonly bytes: number;
}

const MAX_KEPT_BYTES = 32 * 1024 * 1024;

/**
 * Makes the function that opens webhooks and keeps the opened ones. Agents are read from the database again every second,
 * as new objects: a webhook is opened anew only when its etag or a sealed value has changed. The kept webhooks take about
 * `maxBytes` at most, and the one that was opened longest ago leaves first.
 */
export function createWebhookOpener(
  agentSecrets: AgentSecrets,
  maxBytes: number = MAX_KEPT_BYTES,
): (agent: Agent, webhook: Webhook) => RunnableWebhook {
  const byObject = new WeakMap<Webhook, RunnableWebhook>();
  const kept = createKeptWebhooks(maxBytes);
  return (agent, webhook) => {
    const known = byObject.get(webhook);
    if (known !== undefined) return known;
    const opened = kept.find(agent, webhook) ?? openAll(agent, webhook, agentSecrets);
    byObject.set(webhook, opened.runnable);
    // A draft that is tested has no etag, so the next draft of this webhook would look the same.
    if (webhook.etag !== '') kept.keep(webhook.webhookUuid, opened);
    return opened.runnable;
  };
}

function openAll(agent: Agent, webhook: Webhook, agentSecrets: AgentSecrets): Opened {
  return {
    runnable: openWebhook(agent, webhook, agentSecrets),
    sealedSecrets: agent.sealedSecrets,
    etags: etagsOf(agent),
    declared: declaredFor(webhook, agent),
    bytes: roughBytes(agent, webhook),
  };
}

interface KeptWebhooks {
  find(agent: Agent, webhook: Webhook): Opened | undefined;
  keep(webhookUuid: string, opened: Opened): void;
}

function createKeptWebhooks(maxBytes: number): KeptWebhooks {
  const entries = new Map<string, Opened>();
  let bytes = 0;
  const forget = (webhookUuid: string): void => {
    bytes -= entries.get(webhookUuid)?.bytes ?? 0;
    entries.delete(webhookUuid);
  };
  return {
    find: (agent, webhook) => {
      const opened = entries.get(webhook.webhookUuid);
      return opened !== undefined && isUnchanged(opened, agent, webhook) ? opened : undefined;
    },
    keep: (webhookUuid, opened) => {
      forget(webhookUuid);
      entries.set(webhookUuid, opened);
      bytes += opened.bytes;
      for (const oldest of entries.keys()) {
        if (bytes <= maxBytes) return;
        forget(oldest);
      }
    },
  };
}

function etagsOf({ webhooks }: Agent): string {
  return webhooks.map(({ etag }) => etag).join();
}

function declaredFor({ config }: Webhook, { dynamicVariables }: Agent): string {
  return config.assignments.some(isObjectRule) ? Object.keys(dynamicVariables).join() : '';
}

function isUnchanged(
  { runnable, sealedSecrets, etags, declared }: Opened,
  agent: Agent,
  webhook: Webhook,
): boolean {
  return (
    runnable.webhook.etag === webhook.etag &&
    etags === etagsOf(agent) &&
    declared === declaredFor(webhook, agent) &&
    isSameSealed(sealedSecrets, agent.sealedSecrets) &&
    isSameSealed(runnable.webhook.sealedHeaders, webhook.sealedHeaders)
  );
}

function isSameSealed(one: SealedValues, other: SealedValues): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => isSame(one[name], other[name]));
}

function isSame(one: SealedValue | undefined, other: SealedValue | undefined): boolean {
  return one?.sealed === other?.sealed && one?.keyId === other?.keyId;
}

// Counts the templates as texts and compiled, and the secrets sealed and opened.
function roughBytes({ sealedSecrets }: Agent, { config, sealedHeaders }: Webhook): number {
  return (
    4 * JSON.stringify(config).length + 2 * JSON.stringify([sealedSecrets, sealedHeaders]).length + 2_000
  );
}
