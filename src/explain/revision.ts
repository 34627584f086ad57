import type { Execution } from '../gen/index.callhooks.v1.ts';
import type { WebhookToday } from './read-conversation.ts';

/** Which revision of the webhook ran, and what became of it. */
export interface ExplainedRevision {
  readonly webhookUuid: string;
  /** The etag of the revision that ran. It is empty when none has run. */
  readonly etag: string;
  readonly state: WebhookToday['state'] | 'not begun';
  /** The etag of today. It is undefined when it is not known. */
  readonly etagToday: string | undefined;
  /** Says what became of the webhook, in whole sentences. */
  readonly sentence: string;
}

/** Says which revision of the webhook ran, and what became of it. */
export function explainRevision(
  { webhookUuid, webhookEtag }: Execution,
  today: WebhookToday,
): ExplainedRevision {
  const revision = { webhookUuid, etag: webhookEtag, etagToday: webhookOf(today)?.etag };
  if (webhookEtag === '')
    return { ...revision, state: 'not begun', sentence: 'It has not begun, so no revision has run.' };
  return { ...revision, state: today.state, sentence: TODAY[today.state](today) };
}

const TODAY: { readonly [State in WebhookToday['state']]: (today: WebhookToday) => string } = {
  same: (today) => `It is the same today${isDisabled(today) ? ', but disabled' : ''}.`,
  changed: (today) => {
    const webhook = webhookOf(today);
    const at = webhook?.updatedAt?.toISOString() ?? '';
    return `It was changed later (${at}): its revision today is ${webhook?.etag ?? ''}${isDisabled(today) ? ', and it is disabled' : ''}. What ran is not kept; the request shows what it sent.`;
  },
  'webhook deleted': () => 'The webhook was deleted later.',
  'agent deleted': () => 'The agent was deleted later.',
  'not allowed': () =>
    'Whether it is the same today is not known: this token may not read agents (role viewer may).',
};

function webhookOf(today: WebhookToday) {
  return 'webhook' in today ? today.webhook : undefined;
}

function isDisabled(today: WebhookToday): boolean {
  return webhookOf(today)?.disabled ?? false;
}
