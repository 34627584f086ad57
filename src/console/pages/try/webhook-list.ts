import { html } from 'hono/html';
import { AgentAdminService, type Agent } from '../../../gen/index.callhooks.v1.ts';
import { emptyState } from '../../layout/notices.ts';
import { agentPath, tryPath } from '../../layout/paths.ts';
import { scrollable } from '../../layout/scroll.ts';
import type { Html } from '../../layout/shell.ts';
import type { ViewerApi } from '../../viewer.ts';
import { typeName } from './tried-webhook.ts';

const MAX_AGENTS = 20;

/** Returns the webhooks of the first agents, as links to the form that tries them. */
export async function webhookList(api: ViewerApi): Promise<Html> {
  const { agents, nextPageToken } = await api.call(AgentAdminService.listAgents, {
    pageSize: MAX_AGENTS,
    pageToken: '',
  });
  if (agents.length === 0)
    return emptyState(
      'There is no agent yet.',
      html`<p>
        A test uses the variables and secrets of an agent. <a href="/console/agents">Agents</a> says how to
        make one.
      </p>`,
    );
  const more =
    nextPageToken === ''
      ? ''
      : html`<p>
          These are the first ${MAX_AGENTS} agents. <a href="/console/agents">Agents</a> lists all, and the
          page of each leads here.
        </p>`;
  const table = html`<table>
    <thead>
      <tr>
        <th scope="col">Agent</th>
        <th scope="col">Webhooks</th>
      </tr>
    </thead>
    <tbody>
      ${agents.map(agentRow)}
    </tbody>
  </table>`;
  return html`<h2>Choose a webhook</h2>
    ${scrollable('Webhooks to choose from', table)} ${more}`;
}

function agentRow({ agentUuid, displayName, webhooks }: Agent): Html {
  const links = webhooks.map(
    ({ webhookUuid, webhookType }) =>
      html`<a href="${tryPath(webhookUuid)}">${typeName(webhookType).replace('_', '-')}</a> `,
  );
  return html`<tr>
    <th scope="row"><a href="${agentPath(agentUuid)}">${displayName || agentUuid}</a></th>
    <td class="links">${links.length === 0 ? html`<span class="dim">none</span>` : links}</td>
  </tr>`;
}
