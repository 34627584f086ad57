import type { ExplainedDecision } from '../../explain/decision.ts';
import type { ExplainedExecution } from '../../explain/explain-execution.ts';
import type { Outcome } from '../../explain/outcome.ts';
import type { ExplainedRevision } from '../../explain/revision.ts';
import type { Moment } from '../../explain/times.ts';
import type { ExplainedVariables } from '../../explain/variables.ts';
import { countText } from '../../explain/words.ts';
import { plainLine } from '../frame/plain-text.ts';
import { missedLines } from '../pages/assignments.ts';
import { requestLines, responseLines } from '../pages/http-exchange.ts';
import { columns, plainShortJson, toned, type Page } from '../pages/page.ts';
import { timingLines } from '../pages/timings.ts';

/** Returns the lines about one execution. */
export function executionLines(page: Page, explained: ExplainedExecution): string[] {
  const { type, executionUuid, outcome, request, response, timeLimit } = explained;
  const { section } = page;
  const none = [page.dim('(none is on record)')];
  return [
    `${page.bold(`== ${type} ${executionUuid}:`)} ${toned(page, outcome.tone, outcome.state)}`,
    ...section('Why', outcomeLines(page, outcome)),
    ...section('Decision', decisionLines(page, explained.decision)),
    ...section('Variables', variableLines(page, explained.variables)),
    ...section('Not assigned', missedLines(page, explained.misses)),
    ...section(
      'Placeholders without a value',
      explained.missingVariables.map((name) => `{{${plainLine(name)}}}`),
    ),
    ...section('Request', request ? requestLines(page, request) : none),
    ...section('Response', response ? responseLines(page, response) : none),
    ...section('Webhook', revisionLines(page, explained.revision)),
    ...section('Time', [
      ...momentLines(explained.moments),
      ...(timeLimit ? page.wrap(timeLimit.sentence) : []),
      ...timingLines(explained.timings),
    ]),
  ];
}

function outcomeLines(page: Page, { failure, sentences }: Outcome): string[] {
  const text = failure && page.wrap(plainLine(`${failure.code}: ${failure.message}`));
  return [...(text ?? []).map((line) => page.bad(line)), ...sentences];
}

function decisionLines(page: Page, decision: ExplainedDecision | undefined): string[] {
  if (decision === undefined) return [];
  const { word, isDegraded, why } = decision;
  return page.wrap(plainLine(`${word}${isDegraded ? ', degraded' : ''}: ${why}`));
}

const MAX_VARIABLES = 128;

function variableLines(page: Page, { list, absence }: ExplainedVariables): string[] {
  if (absence !== undefined) return [page.dim(absence)];
  const shown = list.slice(0, MAX_VARIABLES);
  const values = columns(
    shown.map(({ name, value }) => [plainLine(name), `= ${plainShortJson(value)}`] as const),
  );
  const lines = columns(
    shown.map(({ sourceText, why }, index) => {
      const source = `from ${sourceText}${why === '' ? '' : ` (${why})`}`;
      return [values[index] as string, plainLine(source)] as const;
    }),
  );
  const hidden = list.length - shown.length;
  return hidden > 0
    ? [...lines, page.dim(`(${countText(hidden, 'more variable')}: --json shows them)`)]
    : lines;
}

function revisionLines(page: Page, { webhookUuid, etag, sentence }: ExplainedRevision): string[] {
  if (etag === '') return [`${webhookUuid}. ${sentence}`];
  return page.wrap(plainLine(`${webhookUuid}, revision ${etag}. ${sentence}`));
}

function momentLines(moments: readonly Moment[]): string[] {
  return columns(
    moments.map(({ name, at, replica }) => {
      const by = replica === '' ? '' : ` by replica ${plainLine(replica)}`;
      return [name, `${at.toISOString()}${by}`] as const;
    }),
  );
}
