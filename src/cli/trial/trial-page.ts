import type { ExplainedDecision } from '../../explain/decision.ts';
import { explainTrial } from '../../explain/explain-trial.ts';
import type { TestWebhookResponse } from '../../gen/index.callhooks.v1.ts';
import { plainLine } from '../frame/plain-text.ts';
import { missedLines } from '../pages/assignments.ts';
import { requestLines, responseLines } from '../pages/http-exchange.ts';
import { columns, plainShortJson, type Page } from '../pages/page.ts';
import { timingLines } from '../pages/timings.ts';

/** Returns the page that `callhooks try` prints. */
export function trialPage(page: Page, reply: TestWebhookResponse, isSent: boolean): string {
  const { request, response, failure, assigned, misses, missingVariables, decision, timings } =
    explainTrial(reply);
  const { section } = page;
  const failureText = failure && plainLine(`${failure.code}: ${failure.message}`);
  const lines = [
    ...section(
      isSent ? 'Request' : 'Request (rendered, not sent)',
      request ? requestLines(page, request) : [],
    ),
    ...section('Warnings', missingVariables.map(warningLine)),
    ...section('Response', response ? responseLines(page, response) : []),
    ...section('Assigned', assignedLines(assigned)),
    ...section('Not assigned', missedLines(page, misses)),
    ...section('Failure', failureText ? page.wrap(failureText).map((line) => page.bad(line)) : []),
    ...section('Decision', decision ? [decisionLine(decision)] : []),
    ...section('Time', timingLines(timings)),
    ...(isSent
      ? []
      : ['', page.dim('Nothing was sent. --send sends it, with the header callhooks-test: true.')]),
  ];
  return `${lines.join('\n').trimStart()}\n`;
}

function warningLine(name: string): string {
  return `{{${plainLine(name)}}} has no value in this call`;
}

function assignedLines(assigned: readonly (readonly [string, unknown])[]): string[] {
  return columns(assigned.map(([name, value]) => [plainLine(name), `= ${plainShortJson(value)}`] as const));
}

function decisionLine({ word, isDegraded, why }: ExplainedDecision): string {
  return `${word}${isDegraded ? ', degraded' : ''}${why === '' ? '' : `: ${plainLine(why)}`}`;
}
