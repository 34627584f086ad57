import { html } from 'hono/html';
import type { GrpcTarget } from '../../../explain/copy/as-grpcurl.ts';
import type { ExplainedExecution } from '../../../explain/explain-execution.ts';
import type { RecordedExecution } from '../../../explain/read-conversation.ts';
import { Sent } from '../../../gen/index.callhooks.v1.ts';
import { nextTurn } from '../../layout/next-turn.ts';
import type { Html } from '../../layout/shell.ts';
import { copyPart } from './copy-part.ts';
import { requestPart, responsePart } from './http-part.ts';
import { missesPart } from './misses-part.ts';
import { outcomePart } from './outcome-part.ts';
import { revisionPart } from './revision-part.ts';
import { timePart } from './time-part.ts';
import { variablesPart } from './variables-part.ts';

/** Says how a body is written. */
interface BodyParts {
  /** The level of its headings. */
  readonly level: 2 | 3;
  /** The server that copied commands call. */
  readonly target: GrpcTarget;
}

/** Returns all that is known of an execution, the answer first. Parts that may be large are made in turns of their own. */
export async function executionBody(
  recorded: RecordedExecution,
  explained: ExplainedExecution,
  { level, target }: BodyParts,
): Promise<Html> {
  const part = (title: string, content: Html | undefined): Html =>
    content === undefined
      ? html``
      : html`<section>
          <h${level}>${title}</h${level}>
          ${content}
        </section>`;
  const variables = part('Variables', variablesPart(explained.variables));
  const misses = part('Not assigned', missesPart(explained));
  await nextTurn();
  const request = part(isUnsent(recorded) ? 'Request (not sent)' : 'Request', requestPart(explained.request));
  await nextTurn();
  const response = part('Response', responsePart(explained.response));
  await nextTurn();
  const copy = part('Copy', copyPart(recorded, explained, target));
  await nextTurn();
  return html`${outcomePart(explained)} ${variables} ${misses}
    <div class="side-by-side">${request} ${response}</div>
    ${part('Time', timePart(explained))} ${part('Webhook', revisionPart(explained))} ${copy}`;
}

// What was ready to be sent is on record, too.
function isUnsent({ execution: { failure, request } }: RecordedExecution): boolean {
  return request !== undefined && failure?.sent === Sent.SENT_NO;
}
