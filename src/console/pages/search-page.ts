import type { Context } from 'hono';
import { html } from 'hono/html';
import { CallhooksError } from '../../errors.ts';
import {
  AgentAdminService,
  ExecutionLogService,
  ListExecutionsRequest,
  WebhookAdminService,
} from '../../gen/index.callhooks.v1.ts';
import { emptyState } from '../layout/notices.ts';
import { agentPath, conversationPath, executionPath } from '../layout/paths.ts';
import { shell, type Html } from '../layout/shell.ts';
import type { ConsoleEnv, ViewerApi } from '../viewer.ts';

const MAX_CHARS = 1_000;
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i;

/** Leads to the page about the first id in what was typed, with four look-ups at most. */
export async function searchPage(c: Context<ConsoleEnv>): Promise<Response> {
  const typed = (c.req.query('q') ?? '').slice(0, MAX_CHARS);
  const answer = (body: Html, status: 200 | 404): Response | Promise<Response> =>
    c.html(shell(c.var.viewer, { title: 'Find', body }), status);
  const id = UUID.exec(typed)?.[0].toLowerCase();
  if (id === undefined) return answer(noId(typed.trim()), typed.trim() === '' ? 200 : 404);
  const path = await findPath(c.var.api, id);
  return path === undefined ? answer(nothingFound(id), 404) : c.redirect(path, 303);
}

async function findPath(api: ViewerApi, id: string): Promise<string | undefined> {
  const [conversation, execution, agent, webhook] = await Promise.all([
    found(
      api.call(
        ExecutionLogService.listExecutions,
        ListExecutionsRequest.fromPartial({ conversationUuid: id, pageSize: 1 }),
      ),
    ),
    found(api.call(ExecutionLogService.getExecution, { executionUuid: id })),
    found(api.call(AgentAdminService.getAgent, { agentUuid: id })),
    found(api.call(WebhookAdminService.getWebhook, { webhookUuid: id, agentUuid: '' })),
  ]);
  if (conversation !== undefined && conversation.executions.length > 0) return conversationPath(id);
  if (execution !== undefined) return executionPath(id);
  if (agent !== undefined) return agentPath(id);
  const owner = webhook?.webhook?.agentUuid;
  return owner === undefined ? undefined : `${agentPath(owner)}#webhook-${id}`;
}

const NOT_THERE: readonly string[] = [
  'EXECUTION_NOT_FOUND',
  'AGENT_NOT_FOUND',
  'WEBHOOK_NOT_FOUND',
  'ROLE_NOT_ALLOWED',
  'VALIDATION_FAILED',
];

async function found<Reply>(reply: Promise<Reply>): Promise<Reply | undefined> {
  try {
    return await reply;
  } catch (error) {
    if (error instanceof CallhooksError && NOT_THERE.includes(error.reason)) return undefined;
    throw error;
  }
}

function noId(typed: string): Html {
  const title = typed === '' ? 'Type an id to find.' : 'That has no id in it.';
  return emptyState(
    title,
    html`${typed === '' ? '' : html`<p>You typed: <code>${typed}</code></p>`}
      <p>
        An id has 36 characters, such as <code>c0000000-0000-4000-8000-000000000001</code>. It is the id of a
        conversation, an execution, an agent or a webhook, and other text may stand around it.
      </p>
      <p>
        <a href="/console/agents">The agents by name</a> · <a href="/console/executions">All executions</a>
      </p>`,
  );
}

function nothingFound(id: string): Html {
  return emptyState(
    'Nothing has this id.',
    html`<p>
        <code>${id}</code> is no conversation, execution, agent or webhook on this server. Possible causes:
      </p>
      <ul>
        <li>The agent of the conversation had no enabled webhook, so nothing ran.</li>
        <li>
          The platform reported the call with another <code>conversation_uuid</code>, or to another server.
        </li>
        <li>Retention has removed the executions.</li>
        <li>Your role may not read what has this id.</li>
      </ul>
      <p><a href="/console/executions">All executions</a></p>`,
  );
}
