import { WebhookType, type Execution } from '../../gen/index.callhooks.v1.ts';
import { plainLine } from '../frame/plain-text.ts';
import { missedLines } from '../pages/assignments.ts';
import { requestLines, responseLines } from '../pages/http-exchange.ts';
import { columns, type Page } from '../pages/page.ts';
import { timingLines } from '../pages/timings.ts';
import { decisionLines, outcomeLines, revisionLines, stateWord, timeLimitLines } from './outcome-lines.ts';
import type { ExplainedExecution } from './read-conversation.ts';
import { variableLines } from './variable-lines.ts';

const NO_PRE_CALL =
  'There is no pre-call on record: the agent had no enabled pre-call webhook, or OnCallStart was called with another conversation_uuid, or retention has removed the execution.';
const NO_POST_CALL =
  'There is no post-call on record: OnCallEnd was not called for this conversation, or the agent had no enabled post-call webhook, or retention has removed the execution.';

/** Returns the page about all executions of a conversation, in the order in which they were accepted. */
export function conversationPage(page: Page, executions: readonly ExplainedExecution[]): string {
  const types = new Set(executions.map(({ execution }) => execution.webhookType));
  const missing = [
    ...(types.has(WebhookType.WEBHOOK_TYPE_PRE_CALL) ? [] : ['', ...page.wrap(NO_PRE_CALL)]),
    ...executions.flatMap((each) => ['', ...executionLines(page, each)]),
    ...(types.has(WebhookType.WEBHOOK_TYPE_POST_CALL) ? [] : ['', ...page.wrap(NO_POST_CALL)]),
  ];
  const [{ execution } = {}] = executions;
  const head = `Conversation ${execution?.conversationUuid ?? ''} of agent ${execution?.agentUuid ?? ''}`;
  return `${[page.bold(head), ...missing].join('\n')}\n`;
}

/** Returns the page about one execution. */
export function executionPage(page: Page, explained: ExplainedExecution): string {
  return `${executionLines(page, explained).join('\n')}\n`;
}

function executionLines(page: Page, explained: ExplainedExecution): string[] {
  const { execution, today } = explained;
  const { request, response, missedAssignments, missingVariables } = execution;
  const type = execution.webhookType === WebhookType.WEBHOOK_TYPE_PRE_CALL ? 'Pre-call' : 'Post-call';
  const { section } = page;
  return [
    `${page.bold(`== ${type} ${execution.executionUuid}:`)} ${stateWord(page, execution)}`,
    ...section('Why', outcomeLines(page, execution)),
    ...section('Decision', decisionLines(page, execution, today)),
    ...section('Variables', variableLines(page, explained)),
    ...section('Not assigned', missedLines(page, missedAssignments, response)),
    ...section(
      'Placeholders without a value',
      missingVariables.map((name) => `{{${plainLine(name)}}}`),
    ),
    ...section('Request', request ? requestLines(page, request) : [page.dim('(none is on record)')]),
    ...section('Response', response ? responseLines(page, response) : [page.dim('(none is on record)')]),
    ...section('Webhook', revisionLines(page, execution, today)),
    ...section('Time', [
      ...whenLines(execution),
      ...timeLimitLines(page, execution, today),
      ...timingLines(execution.timings),
    ]),
  ];
}

function whenLines({ acceptedAt, sendingAt, finishedAt, instance }: Execution): string[] {
  const by = instance === '' ? '' : ` by replica ${plainLine(instance)}`;
  const moments = [
    ['accepted', acceptedAt, ''],
    ['begun', sendingAt, by],
    ['finished', finishedAt, ''],
  ] as const;
  return columns(
    moments.flatMap(([name, at, more]) =>
      at === undefined ? [] : [[name, `${at.toISOString()}${more}`] as const],
    ),
  );
}
