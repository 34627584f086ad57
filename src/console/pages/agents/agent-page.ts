import type { Context } from 'hono';
import { html } from 'hono/html';
import {
  AgentAdminService,
  ExecutionLogService,
  ListExecutionsRequest,
  type Agent,
  type Execution,
} from '../../../gen/index.callhooks.v1.ts';
import { definitions } from '../../layout/definitions.ts';
import { idText } from '../../layout/ids.ts';
import { emptyState } from '../../layout/notices.ts';
import { executionsPath } from '../../layout/paths.ts';
import { scrollable } from '../../layout/scroll.ts';
import { shell, type Html } from '../../layout/shell.ts';
import { timeText } from '../../layout/time.ts';
import { createVariableValues } from '../../layout/variable-value.ts';
import type { ConsoleEnv } from '../../viewer.ts';
import { executionTable } from '../../layout/execution-table.ts';
import { webhookSection } from './webhook-section.ts';

const LATEST = 10;

/** Answers with the page about an agent. */
export async function agentPage(c: Context<ConsoleEnv, '/console/agents/:uuid'>): Promise<Response> {
  const { api, viewer } = c.var;
  const agentUuid = c.req.param('uuid');
  const [{ agent }, { executions }] = await Promise.all([
    api.call(AgentAdminService.getAgent, { agentUuid }),
    api.call(
      ExecutionLogService.listExecutions,
      ListExecutionsRequest.fromPartial({ agentUuid, pageSize: LATEST }),
    ),
  ]);
  if (agent === undefined) return c.notFound();
  const title = agent.displayName === '' ? `Agent ${agent.agentUuid}` : agent.displayName;
  const body = html`${head(agent)} ${variables(agent)} ${webhooks(agent)} ${secrets(agent)}
  ${latest(agent, executions)}`;
  return c.html(shell(viewer, { title, section: '/console/agents', body }));
}

function head({ agentUuid, createdAt, updatedAt, etag }: Agent): Html {
  return definitions([
    ['Agent', idText('agent id', agentUuid)],
    ['Created', timeText(createdAt)],
    ['Changed', timeText(updatedAt)],
    ['Revision', html`<code>${etag}</code>`],
  ]);
}

function variables({ dynamicVariables = {} }: Agent): Html {
  const entries = Object.entries(dynamicVariables);
  const valueView = createVariableValues();
  const table = html`<table class="wide" aria-label="Variables">
    <thead>
      <tr>
        <th scope="col">Name</th>
        <th scope="col">Default</th>
      </tr>
    </thead>
    <tbody>
      ${entries.map(
        ([name, value]) =>
          html`<tr>
            <th scope="row"><code>${name}</code></th>
            <td>${value === null ? html`<span class="dim">no default</span>` : valueView(name, value)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
  const none = emptyState(
    'This agent declares no variables.',
    'Without variables its webhooks can assign nothing. UpdateAgent declares them in dynamic_variables.',
  );
  return html`<h2>Variables</h2>
    ${entries.length === 0 ? none : scrollable('Variables', table)}`;
}

function webhooks(agent: Agent): Html {
  const none = emptyState(
    'This agent has no webhooks.',
    'Its calls proceed with the variables that they bring. CreateWebhook or UpdateAgent adds a webhook.',
  );
  return html`<h2>Webhooks</h2>
    ${agent.webhooks.length === 0 ? none : agent.webhooks.map(webhookSection)}`;
}

function secrets({ secretNames }: Agent): Html {
  return html`<h2>Secrets</h2>
    ${
      secretNames.length === 0
        ? html`<p class="dim">The agent has none.</p>`
        : html`<ul class="words">
              ${secretNames.map((name) => html`<li><code>${name}</code></li>`)}
            </ul>
            <p class="dim">
              Values of secrets can't be read. A webhook uses one as <code>{{secret.NAME}}</code>.
            </p>`
    }`;
}

function latest({ agentUuid }: Agent, executions: readonly Execution[]): Html {
  const none = emptyState(
    'No webhook of this agent has run yet.',
    'It runs when the platform calls OnCallStart or OnCallEnd with the id of this agent.',
  );
  const all = html`<p>
    <a href="${executionsPath({ agent_uuid: agentUuid })}">All executions of this agent</a>
  </p>`;
  return html`<h2>Latest executions</h2>
    ${executions.length === 0 ? none : html`${executionTable(executions, { label: 'Latest executions' })} ${all}`}`;
}
