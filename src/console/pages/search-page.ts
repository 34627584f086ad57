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
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;
/** A line of a log has the ids of an RPC, an agent, a conversation, an execution and a webhook. Each id takes four look-ups. */
const MAX_IDS = 5;

/**
 * Leads to the page about the ids in what was typed. Of several, a conversation is wanted most, because its page shows all
 * about a call; then an execution, an agent and a webhook.
 */
export async function searchPage(c: Context<ConsoleEnv>): Promise<Response> {
  const typed = (c.req.query('q') ?? '').slice(0, MAX_CHARS);
  const answer = (body: Html, status: 200 | 404): Response | Promise<Response> =>
    c.html(shell(c.var.viewer, { title: 'Find', body }), status);
  const ids = [...new Set(typed.toLowerCase().match(UUID))].slice(0, MAX_IDS);
  if (ids.length === 0) return answer(noId(typed.trim()), typed.trim() === '' ? 200 : 404);
  const pages = await Promise.all(ids.map((id) => findPages(c.var.api, id)));
  const path = KINDS.flatMap((kind) => pages.map((page) => page[kind])).find((each) => each !== undefined);
  return path === undefined ? answer(nothingFound(ids), 404) : c.redirect(path, 303);
}

/** What an id may be of, in the order in which it is wanted. */
const KINDS = ['conversation', 'execution', 'agent', 'webhook'] as const;

/** Returns the paths of the pages about an id. */
async function findPages(
  api: ViewerApi,
  id: string,
): Promise<Partial<Record<(typeof KINDS)[number], string | undefined>>> {
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
  const owner = webhook?.webhook?.agentUuid;
  return {
    conversation: (conversation?.executions.length ?? 0) > 0 ? conversationPath(id) : undefined,
    execution: execution && executionPath(id),
    agent: agent && agentPath(id),
    webhook: owner === undefined ? undefined : `${agentPath(owner)}#webhook-${id}`,
  };
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

function nothingFound(ids: readonly string[]): Html {
  const isOne = ids.length === 1;
  return emptyState(
    isOne ? 'Nothing has this id.' : 'Nothing has one of these ids.',
    html`<p>
        ${ids.map((id) => html`<code>${id}</code> `)} ${isOne ? 'is' : 'are'} no conversation, execution,
        agent or webhook on this server. Possible causes:
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
