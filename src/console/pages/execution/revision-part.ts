import { html } from 'hono/html';
import type { ExplainedExecution } from '../../../explain/explain-execution.ts';
import { badge } from '../../layout/badges.ts';
import { definitions } from '../../layout/definitions.ts';
import { idText } from '../../layout/ids.ts';
import { agentPath, executionsPath, tryPath } from '../../layout/paths.ts';
import type { Html } from '../../layout/shell.ts';

/** Returns which revision of the webhook ran, and what became of it. */
export function revisionPart({ revision, agentUuid }: ExplainedExecution): Html {
  const { webhookUuid, etag, etagToday, state, sentence } = revision;
  const isThere = etagToday !== undefined;
  const today = isThere
    ? html`<code>${etagToday}</code> ${state === 'same' ? badge('good', 'the same') : ''}
        ${state === 'changed' ? badge('warn', 'changed since') : ''}`
    : undefined;
  return html`${definitions([
      ['Webhook', idText('webhook id', webhookUuid)],
      ['Revision that ran', etag === '' ? undefined : html`<code>${etag}</code>`],
      ['Revision today', today],
    ])}
    <p>${sentence}</p>
    <p class="actions">
      ${
        isThere
          ? html`<a href="${agentPath(agentUuid)}#webhook-${encodeURIComponent(webhookUuid)}"
                >The webhook today</a
              >
              <a href="${tryPath(webhookUuid)}">Try it</a>`
          : ''
      }
      <a href="${executionsPath({ webhook_uuid: webhookUuid })}">Its executions</a>
    </p>`;
}
