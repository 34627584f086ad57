import { html } from 'hono/html';
import type { ExplainedExecution } from '../../../explain/explain-execution.ts';
import type { Html } from '../../layout/shell.ts';
import { requestPart, responsePart } from './http-part.ts';
import { missesPart } from './misses-part.ts';
import { outcomePart } from './outcome-part.ts';
import { revisionPart } from './revision-part.ts';
import { timePart } from './time-part.ts';
import { variablesPart } from './variables-part.ts';

/** Returns all that is known of an execution, the answer first. Its headings have this level. */
export function executionBody(explained: ExplainedExecution, level: 2 | 3): Html {
  const part = (title: string, content: Html | undefined): Html =>
    content === undefined
      ? html``
      : html`<section>
          <h${level}>${title}</h${level}>
          ${content}
        </section>`;
  return html`${outcomePart(explained)} ${part('Variables', variablesPart(explained.variables))}
    ${part('Not assigned', missesPart(explained.misses))}
    <div class="side-by-side">
      ${part('Request', requestPart(explained.request))} ${part('Response', responsePart(explained.response))}
    </div>
    ${part('Time', timePart(explained))} ${part('Webhook', revisionPart(explained))}`;
}
