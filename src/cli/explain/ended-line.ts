import { CallDecision, FailureCode, WebhookType, type Execution } from '../../gen/index.callhooks.v1.ts';
import type { Page } from '../pages/page.ts';
import { durationText, enumWord } from '../pages/words.ts';
import { stateWord } from './outcome-lines.ts';

/** Returns the line of an execution that has ended. */
export function endedLine(page: Page, execution: Execution): string {
  const { failure, finishedAt, timings, degraded, rejected } = execution;
  const decision = enumWord(CallDecision, 'CALL_DECISION_', execution.decision);
  return [
    finishedAt?.toISOString() ?? '',
    enumWord(WebhookType, 'WEBHOOK_TYPE_', execution.webhookType).toLowerCase(),
    stateWord(page, execution),
    failure === undefined ? '' : page.bad(enumWord(FailureCode, 'FAILURE_CODE_', failure.code)),
    decision === 'UNSPECIFIED' ? '' : decision,
    degraded ? 'degraded' : '',
    rejected ? 'rejected' : '',
    timings?.total === undefined ? '' : durationText(timings.total),
    `conversation=${execution.conversationUuid}`,
    `execution=${execution.executionUuid}`,
    `agent=${execution.agentUuid}`,
  ]
    .filter((part) => part !== '')
    .join(' ');
}
