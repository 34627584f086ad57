import {
  CallDecision,
  FailurePolicy,
  type Execution,
  type TestWebhookResponse,
} from '../gen/index.callhooks.v1.ts';
import type { WebhookToday } from './read-conversation.ts';
import { enumWord, type Tone } from './words.ts';

/** What the platform was told to do with the call, and why. */
export interface ExplainedDecision {
  /** `PROCEED` or `BLOCK`. */
  readonly word: string;
  readonly tone: Tone;
  /** Reports whether the call goes on although the webhook failed. */
  readonly isDegraded: boolean;
  /** Says why. It goes on behind the word and a colon, and may be empty. */
  readonly why: string;
  /** The name of the setting of the webhook that decided, if one did: `failure_policy`. */
  readonly setting: string | undefined;
}

/** Says what the platform was told to do with the call, and which setting decided. Returns undefined without a decision. */
export function explainDecision(execution: Execution, today: WebhookToday): ExplainedDecision | undefined {
  const { decision, degraded, failurePolicy } = execution;
  const word = enumWord(CallDecision, 'CALL_DECISION_', decision);
  if (word === 'UNSPECIFIED') return undefined;
  const made = { word, isDegraded: false, tone: toneOf(word, degraded) };
  if (execution.rejected) return { ...made, ...rejection(execution, today) };
  if (execution.failure === undefined)
    return { ...made, why: 'the webhook succeeded and rejected nothing.', setting: undefined };
  const policy = enumWord(FailurePolicy, 'FAILURE_POLICY_', failurePolicy);
  const why = `the webhook failed, and its failure_policy was ${policy} when the call started.`;
  return { ...made, isDegraded: degraded, why, setting: 'failure_policy' };
}

function toneOf(word: string, isDegraded: boolean): Tone {
  return word === 'PROCEED' && !isDegraded ? 'good' : 'bad';
}

type Why = Pick<ExplainedDecision, 'why' | 'setting'>;

function rejection({ rejectReason, response }: Execution, today: WebhookToday): Why {
  const reason = rejectReason === '' ? 'It gave no reason.' : `Its reason: ${rejectReason}`;
  const rule = today.state === 'same' ? today.webhook.webhookConfig?.rejection : undefined;
  const because = (what: string, setting: string): Why => ({
    why: `the endpoint rejected the call, because ${what}. ${reason}`,
    setting,
  });
  if (rule === undefined)
    return because('its answer is one that the rejection of the webhook names', 'rejection');
  const status = response?.status ?? 0;
  return rule.httpStatuses.includes(status)
    ? because(`the status ${status} is in rejection.http_statuses of the webhook`, 'rejection.http_statuses')
    : because(
        `${rule.attributeName} has a value that is in rejection.equals of the webhook`,
        'rejection.equals',
      );
}

/** Says what the platform would be told after a test. Returns undefined without a decision. */
export function explainTrialDecision(reply: TestWebhookResponse): ExplainedDecision | undefined {
  const { decision, degraded, rejected, rejectReason } = reply;
  const word = enumWord(CallDecision, 'CALL_DECISION_', decision);
  if (word === 'UNSPECIFIED') return undefined;
  const made = { word, isDegraded: false, tone: toneOf(word, degraded) };
  if (rejected) {
    const reason = rejectReason === '' ? 'and gives no reason' : `and says: ${rejectReason}`;
    return { ...made, why: `the endpoint rejects the call, ${reason}`, setting: 'rejection' };
  }
  if (degraded || word === 'BLOCK') {
    const effect = degraded ? 'lets the call go on' : 'blocks the call';
    return {
      ...made,
      isDegraded: degraded,
      why: `the webhook failed, and its failure policy ${effect}`,
      setting: 'failure_policy',
    };
  }
  return { ...made, why: '', setting: undefined };
}
