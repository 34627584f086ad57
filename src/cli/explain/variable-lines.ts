import { VariableSource, WebhookType, type Execution } from '../../gen/index.callhooks.v1.ts';
import { plainLine } from '../frame/plain-text.ts';
import { columns, shortJson, type Page } from '../pages/page.ts';
import { countText, enumWord } from '../pages/words.ts';
import type { ExplainedExecution, WebhookToday } from './read-conversation.ts';

const MAX_SHOWN = 128;

const SOURCES: Readonly<Record<string, string>> = {
  DEFAULT: 'the default of the agent',
  REQUEST: 'OnCallStart',
  ASSIGNMENT: 'the response',
  ASSIGNMENT_DEFAULT: 'the default_value of its assignment',
};

/** Returns each variable with its value, where that comes from, and why it does not come from the response. */
export function variableLines(page: Page, { execution, reply, today }: ExplainedExecution): string[] {
  if (execution.webhookType !== WebhookType.WEBHOOK_TYPE_PRE_CALL)
    return [page.dim('The variables of a post-call are not kept. The request has those that it needs.')];
  const { dynamicVariables, variableSources } = reply;
  if (dynamicVariables === undefined)
    return execution.finishedAt === undefined
      ? []
      : [page.dim('This server does not tell the variables (it is older).')];
  const entries = Object.entries(dynamicVariables);
  if (entries.length === 0) return [page.dim('The agent declares no variables.')];
  const rows = entries.slice(0, MAX_SHOWN).map(([name, value]) => {
    const source = enumWord(VariableSource, 'VARIABLE_SOURCE_', variableSources[name] ?? 0);
    return [
      plainLine(name),
      `= ${shortJson(value)}`,
      `from ${sourceText(name, source, execution, today)}`,
    ] as const;
  });
  const values = columns(rows.map(([name, value]) => [name, value] as const));
  const lines = columns(rows.map(([, , source], index) => [values[index] as string, source] as const));
  const hidden = entries.length - rows.length;
  return hidden > 0
    ? [...lines, page.dim(`(${countText(hidden, 'more variable')}: --json shows them)`)]
    : lines;
}

function sourceText(name: string, source: string, execution: Execution, today: WebhookToday): string {
  const rules = rulesOf(today);
  const own = rules?.filter(({ dynamicVariable }) => dynamicVariable === name || dynamicVariable === '*');
  if (source === 'ASSIGNMENT' && own?.length === 1 && own[0]?.dynamicVariable === name)
    return `the response: ${plainLine(own[0].attributeName)}`;
  const why = whyNotAssigned(name, source, execution, own);
  return `${SOURCES[source] ?? source}${why === '' ? '' : ` (${why})`}`;
}

// The rules that ran are known only while the webhook is the same.
function rulesOf(today: WebhookToday) {
  return today.state === 'same' ? today.webhook.webhookConfig?.assignments : undefined;
}

function whyNotAssigned(
  name: string,
  source: string,
  { failure, rejected, missedAssignments }: Execution,
  own: readonly unknown[] | undefined,
): string {
  if (source !== 'DEFAULT' && source !== 'REQUEST') return '';
  if (own?.length === 0) return 'no assignment sets it';
  if (missedAssignments.some(({ dynamicVariable }) => dynamicVariable === name))
    return 'its assignment found nothing';
  if (failure !== undefined) return 'the webhook failed, so nothing was assigned';
  return rejected ? 'the call was rejected, so nothing was assigned' : '';
}
