import type { Context } from 'hono';
import { html } from 'hono/html';
import type { GrpcTarget } from '../../../explain/copy/as-grpcurl.ts';
import { countText } from '../../../explain/words.ts';
import { AgentAdminService, WebhookType, type Agent } from '../../../gen/index.callhooks.v1.ts';
import { firstAgent } from '../../layout/first-steps.ts';
import { idLink } from '../../layout/ids.ts';
import { commandText, emptyState } from '../../layout/notices.ts';
import { agentPath } from '../../layout/paths.ts';
import { scrollable } from '../../layout/scroll.ts';
import { shell, type Html } from '../../layout/shell.ts';
import { timeText } from '../../layout/time.ts';
import type { ConsoleEnv } from '../../viewer.ts';

/** Answers with a page of the agents, in the order of their ids. */
export async function agentsPage(c: Context<ConsoleEnv>): Promise<Response> {
  const pageToken = c.req.query('page_token') ?? '';
  const { agents, nextPageToken } = await c.var.api.call(AgentAdminService.listAgents, {
    pageSize: 0,
    pageToken,
  });
  const body = agents.length === 0 ? noAgents(pageToken, c.var.grpcTarget) : agentTable(agents);
  const next = `/console/agents?${new URLSearchParams({ page_token: nextPageToken }).toString()}`;
  const pager = html`<nav class="pager" aria-label="Pages">
    ${pageToken === '' ? '' : html`<a href="/console/agents">The first agents</a>`}
    ${nextPageToken === '' ? '' : html`<a class="next" href="${next}" rel="next">More agents</a>`}
  </nav>`;
  return c.html(
    shell(c.var.viewer, { title: 'Agents', section: '/console/agents', body: html`${body} ${pager}` }),
  );
}

function noAgents(pageToken: string, grpcTarget: GrpcTarget): Html {
  if (pageToken !== '')
    return emptyState('There are no more agents.', 'The first ones are on the first page.');
  return emptyState(
    'There is no agent yet.',
    html`<p>
        Agents are made with gRPC, or from files with <code>callhooks apply</code>. This call makes a first
        one:
      </p>
      ${commandText('grpcurl call that makes a first agent', firstAgent(grpcTarget))}`,
  );
}

function agentTable(agents: readonly Agent[]): Html {
  const label = 'Agents';
  return scrollable(
    label,
    html`<table aria-label="${label}">
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Id</th>
          <th scope="col">Pre-call webhook</th>
          <th scope="col">Post-call webhook</th>
          <th scope="col">Variables</th>
          <th scope="col">Changed</th>
        </tr>
      </thead>
      <tbody>
        ${agents.map(agentRow)}
      </tbody>
    </table>`,
  );
}

function agentRow(agent: Agent): Html {
  const { agentUuid, displayName, dynamicVariables = {}, updatedAt } = agent;
  const path = agentPath(agentUuid);
  return html`<tr>
    <td>
      ${displayName === '' ? html`<span class="dim">(no name)</span>` : html`<a class="name" href="${path}">${displayName}</a>`}
    </td>
    <td>${idLink(path, agentUuid)}</td>
    <td>${webhookWord(agent, WebhookType.WEBHOOK_TYPE_PRE_CALL)}</td>
    <td>${webhookWord(agent, WebhookType.WEBHOOK_TYPE_POST_CALL)}</td>
    <td>${countText(Object.keys(dynamicVariables).length, 'variable')}</td>
    <td class="time">${timeText(updatedAt)}</td>
  </tr>`;
}

function webhookWord({ webhooks }: Agent, type: WebhookType): Html {
  const webhook = webhooks.find(({ webhookType }) => webhookType === type);
  if (webhook === undefined) return html`<span class="dim">none</span>`;
  return webhook.disabled
    ? html`<span class="badge neutral">disabled</span>`
    : html`<span class="badge good">enabled</span>`;
}
