import {
  CallDecision,
  ExecutionState,
  FailureCode,
  FailurePolicy,
  Sent,
  TimeLimitSource,
  type Execution,
} from '../../gen/index.callhooks.v1.ts';
import { plainLine } from '../frame/plain-text.ts';
import type { Page } from '../pages/page.ts';
import { countText, durationText, enumWord } from '../pages/words.ts';
import type { WebhookToday } from './read-conversation.ts';

const SENT: Readonly<Record<string, string>> = {
  NO: 'No byte of the request left callhooks.',
  MAYBE: 'The endpoint may have seen the request: no response head arrived.',
  YES: 'The endpoint has seen the request: it answered.',
};

const STATES: Readonly<Record<string, string>> = {
  ACCEPTED: 'It is accepted and pending: no replica has begun to send it.',
  SENDING: 'It is running: its replica has not recorded an outcome yet.',
  INTERRUPTED: 'No outcome was recorded in time, so nobody knows how it went.',
};

/** Returns the word of an execution's state in its colour. */
export function stateWord(page: Page, { state }: Pick<Execution, 'state'>): string {
  const word = enumWord(ExecutionState, 'EXECUTION_STATE_', state);
  if (word === 'SUCCEEDED') return page.good(word);
  return word === 'FAILED' || word === 'INTERRUPTED' ? page.bad(word) : word;
}

/** Says how an execution went, and why. */
export function outcomeLines(page: Page, execution: Execution): string[] {
  const { failure, state } = execution;
  const word = enumWord(ExecutionState, 'EXECUTION_STATE_', state);
  const lines: string[] = [];
  if (failure !== undefined) {
    const code = enumWord(FailureCode, 'FAILURE_CODE_', failure.code);
    lines.push(...page.wrap(`${code}: ${plainLine(failure.message)}`).map((line) => page.bad(line)));
    lines.push(SENT[enumWord(Sent, 'SENT_', failure.sent)] ?? '');
  }
  if (STATES[word] !== undefined) lines.push(STATES[word]);
  if (word === 'SUCCEEDED') lines.push(successText(execution));
  return lines.filter((line) => line !== '');
}

function successText({ rejected, missedAssignments }: Execution): string {
  if (rejected) return 'The endpoint answered, and rejected the call.';
  const missed = missedAssignments.length;
  if (missed === 0) return 'The endpoint answered as the webhook expects.';
  return `The endpoint answered, but ${countText(missed, 'assignment')} took no value.`;
}

/** Says what the platform was told to do with the call, and which setting decided. */
export function decisionLines(page: Page, execution: Execution, today: WebhookToday): string[] {
  const { decision, degraded, rejected, failurePolicy } = execution;
  const word = enumWord(CallDecision, 'CALL_DECISION_', decision);
  if (word === 'UNSPECIFIED') return [];
  if (rejected) return page.wrap(`${word}: ${rejectionText(execution, today)}`);
  if (execution.failure === undefined)
    return page.wrap(`${word}: the webhook succeeded and rejected nothing.`);
  const policy = enumWord(FailurePolicy, 'FAILURE_POLICY_', failurePolicy);
  const what = degraded ? `${word}, degraded` : word;
  return page.wrap(
    `${what}: the webhook failed, and its failure_policy was ${policy} when the call started.`,
  );
}

function rejectionText({ rejectReason, response }: Execution, today: WebhookToday): string {
  const reason = rejectReason === '' ? 'It gave no reason.' : `Its reason: ${plainLine(rejectReason)}`;
  const rule = today.state === 'same' ? today.webhook.webhookConfig?.rejection : undefined;
  const says = (why: string) => `the endpoint rejected the call, because ${why}. ${reason}`;
  if (rule === undefined) return says('its answer is one that the rejection of the webhook names');
  const status = response?.status ?? 0;
  return rule.httpStatuses.includes(status)
    ? says(`the status ${status} is in rejection.http_statuses of the webhook`)
    : says(`${plainLine(rule.attributeName)} has a value that is in rejection.equals of the webhook`);
}

/** Says how long the execution was allowed to take, and which setting said so. */
export function timeLimitLines(page: Page, execution: Execution, today: WebhookToday): string[] {
  const { timeLimit, timeLimitSource } = execution;
  if (timeLimit === undefined) return [];
  const limit = `It was allowed ${durationText(timeLimit)}`;
  if (enumWord(TimeLimitSource, 'TIME_LIMIT_SOURCE_', timeLimitSource) !== 'DEADLINE')
    return page.wrap(`${limit}: response_timeout_secs of the webhook.`);
  const configured = today.state === 'same' ? today.webhook.webhookConfig?.responseTimeoutSecs : undefined;
  const own = configured === undefined ? '' : `; the webhook itself would have had ${configured} s`;
  return page.wrap(`${limit}: the deadline of OnCallStart left no more${own}.`);
}

/** Says which revision of the webhook ran, and what became of it. */
export function revisionLines(page: Page, execution: Execution, today: WebhookToday): string[] {
  const { webhookUuid, webhookEtag } = execution;
  if (webhookEtag === '') return [`${webhookUuid}: it has not begun, so no revision has run`];
  return page.wrap(`${webhookUuid}, revision ${plainLine(webhookEtag)}. ${TODAY[today.state](today)}`);
}

const TODAY: { readonly [State in WebhookToday['state']]: (today: WebhookToday) => string } = {
  same: (today) => `It is the same today${isDisabled(today) ? ', but disabled' : ''}.`,
  changed: (today) => {
    const webhook = 'webhook' in today ? today.webhook : undefined;
    const at = webhook?.updatedAt?.toISOString() ?? '';
    return `It was changed later (${at}): its revision today is ${plainLine(webhook?.etag ?? '')}${isDisabled(today) ? ', and it is disabled' : ''}. What ran is not kept; the request shows what it sent.`;
  },
  'webhook deleted': () => 'The webhook was deleted later.',
  'agent deleted': () => 'The agent was deleted later.',
  'not allowed': () =>
    'Whether it is the same today is not known: this token may not read agents (role viewer may).',
};

function isDisabled(today: WebhookToday): boolean {
  return 'webhook' in today && today.webhook.disabled;
}
