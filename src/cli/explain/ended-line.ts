import { explainState } from '../../explain/outcome.ts';
import { durationText, enumWord } from '../../explain/words.ts';
import { CallDecision, FailureCode, WebhookType, type Execution } from '../../gen/index.callhooks.v1.ts';
import { toned, type Page } from '../pages/page.ts';

/** Returns the line of an execution that has ended. */
export function endedLine(page: Page, execution: Execution): string {
  const { state, tone } = explainState(execution);
  const { failure, finishedAt, timings, degraded, rejected } = execution;
  const decision = enumWord(CallDecision, 'CALL_DECISION_', execution.decision);
  return [
    finishedAt?.toISOString() ?? '',
    enumWord(WebhookType, 'WEBHOOK_TYPE_', execution.webhookType).toLowerCase(),
    toned(page, tone, state),
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
