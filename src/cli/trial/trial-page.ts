import { CallDecision, FailureCode, type TestWebhookResponse } from '../../gen/index.callhooks.v1.ts';
import { plainLine } from '../frame/plain-text.ts';
import { missedLines } from '../pages/assignments.ts';
import { requestLines, responseLines } from '../pages/http-exchange.ts';
import { columns, shortJson, type Page } from '../pages/page.ts';
import { timingLines } from '../pages/timings.ts';
import { enumWord } from '../pages/words.ts';

/** Returns the page that `callhooks try` prints. */
export function trialPage(page: Page, reply: TestWebhookResponse, isSent: boolean): string {
  const { request, response, failure, missedAssignments, assignedVariables } = reply;
  const { section } = page;
  const lines = [
    ...section(
      isSent ? 'Request' : 'Request (rendered, not sent)',
      request ? requestLines(page, request) : [],
    ),
    ...section('Warnings', warningLines(reply)),
    ...section('Response', response ? responseLines(page, response) : []),
    ...section('Assigned', assignedLines(assignedVariables)),
    ...section('Not assigned', missedLines(page, missedAssignments, response)),
    ...section('Failure', failure ? page.wrap(failureText(failure)).map((line) => page.bad(line)) : []),
    ...section('Decision', decisionLines(reply)),
    ...section('Time', timingLines(reply.timings)),
    ...(isSent
      ? []
      : ['', page.dim('Nothing was sent. --send sends it, with the header callhooks-test: true.')]),
  ];
  return `${lines.join('\n').trimStart()}\n`;
}

function warningLines({ missingVariables }: TestWebhookResponse): string[] {
  return missingVariables.map((name) => `{{${plainLine(name)}}} has no value in this call`);
}

function assignedLines(assigned: Readonly<Record<string, unknown>> | undefined): string[] {
  return columns(
    Object.entries(assigned ?? {}).map(
      ([name, value]) => [plainLine(name), `= ${shortJson(value)}`] as const,
    ),
  );
}

function failureText({ code, message }: { code: number; message: string }): string {
  return `${enumWord(FailureCode, 'FAILURE_CODE_', code)}: ${plainLine(message)}`;
}

function decisionLines({ decision, degraded, rejected, rejectReason }: TestWebhookResponse): string[] {
  const word = enumWord(CallDecision, 'CALL_DECISION_', decision);
  if (word === 'UNSPECIFIED') return [];
  if (rejected) {
    const reason = rejectReason === '' ? 'and gives no reason' : `and says: ${plainLine(rejectReason)}`;
    return [`${word}: the endpoint rejects the call, ${reason}`];
  }
  if (degraded) return [`${word}, degraded: the webhook failed, and its failure policy lets the call go on`];
  return [word === 'BLOCK' ? 'BLOCK: the webhook failed, and its failure policy blocks the call' : word];
}
