import { html } from 'hono/html';
import type { OverviewPeriod, WordCount } from '../../../commands/overview.ts';
import { agentPath, executionsPath, tryPath } from '../../layout/paths.ts';
import { scrollable } from '../../layout/scroll.ts';
import type { Html } from '../../layout/shell.ts';

/** Returns the webhooks that failed most. `names` has the display names of their agents. */
export function failingTable(
  { failingWebhooks, otherWebhookFailures }: OverviewPeriod,
  names: ReadonlyMap<string, string>,
): Html {
  if (failingWebhooks.length === 0) return html`<p class="dim">None.</p>`;
  const label = 'Webhooks that fail most';
  const rows = failingWebhooks.map(({ webhookUuid, agentUuid, failures }) => {
    const failed = executionsPath({ webhook_uuid: webhookUuid, states: 'FAILED' });
    return html`<tr>
      <td><a class="name" href="${agentPath(agentUuid)}">${names.get(agentUuid) ?? agentUuid}</a></td>
      <td><span class="id mono" title="${webhookUuid}">${webhookUuid}</span></td>
      <td class="number">${failures}</td>
      <td class="links">
        <a href="${failed}">Failed executions</a> <a href="${tryPath(webhookUuid)}">Try</a>
      </td>
    </tr>`;
  });
  const table = html`<table aria-label="${label}">
    <thead>
      <tr>
        <th scope="col">Agent</th>
        <th scope="col">Webhook</th>
        <th scope="col" class="number">Failures</th>
        <th scope="col">See</th>
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`;
  const others =
    otherWebhookFailures === 0 ? '' : html`<p class="dim">Other webhooks: ${otherWebhookFailures}</p>`;
  return html`${scrollable(label, table)} ${others}`;
}

/** Returns the failure codes of executions, with links to the executions. */
export function failureTable({ failures }: OverviewPeriod): Html {
  const link = (word: string): Html => {
    const code = word.toUpperCase();
    return html`<a href="${executionsPath({ failure_codes: code })}"><code>${code}</code></a>`;
  };
  return wordTable('Failure codes', 'Code', failures, link);
}

/** Returns the reasons that RPCs were refused with. */
export function refusalTable({ refusals }: OverviewPeriod): Html {
  return wordTable('Refused RPCs by reason', 'Reason', refusals, (word) => html`<code>${word}</code>`);
}

function wordTable(
  label: string,
  column: string,
  words: readonly WordCount[],
  cell: (word: string) => Html,
): Html {
  if (words.length === 0) return html`<p class="dim">None.</p>`;
  return scrollable(
    label,
    html`<table aria-label="${label}">
      <thead>
        <tr>
          <th scope="col">${column}</th>
          <th scope="col" class="number">Count</th>
        </tr>
      </thead>
      <tbody>
        ${words.map(
          ({ word, count }) =>
            html`<tr>
              <th scope="row">${cell(word)}</th>
              <td class="number">${count}</td>
            </tr>`,
        )}
      </tbody>
    </table>`,
  );
}
