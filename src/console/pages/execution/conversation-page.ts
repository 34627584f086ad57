import type { Context } from 'hono';
import { html } from 'hono/html';
import {
  explainConversation,
  NO_EXECUTIONS,
  type ExplainedConversation,
  type ExplainedExecution,
} from '../../../explain/explain-execution.ts';
import type { GrpcTarget } from '../../../explain/copy/as-grpcurl.ts';
import { readConversation, type RecordedExecution } from '../../../explain/read-conversation.ts';
import { capitalized } from '../../layout/capitalized.ts';
import { definitions } from '../../layout/definitions.ts';
import { idText } from '../../layout/ids.ts';
import { emptyState } from '../../layout/notices.ts';
import { executionPath, executionsPath } from '../../layout/paths.ts';
import { shell, type Html } from '../../layout/shell.ts';
import type { ConsoleEnv } from '../../viewer.ts';
import { timeText } from '../../layout/time.ts';
import { agentText } from './agent-text.ts';
import { executionBody } from './execution-body.ts';
import { readingApi } from './reading-api.ts';

/** Answers with the page about a conversation: its start and its end, in the order of what happened. */
export async function conversationPage(
  c: Context<ConsoleEnv, '/console/conversations/:uuid'>,
): Promise<Response> {
  const { api, viewer, agentNames, grpcTarget } = c.var;
  const recorded = await readConversation(readingApi(api), c.req.param('uuid'));
  const conversation = explainConversation(recorded);
  const page = (body: Html, status: 200 | 404): Response | Promise<Response> =>
    c.html(shell(viewer, { title: 'Conversation', section: '/console/executions', body }), status);
  const [first] = recorded;
  if (conversation === undefined || first === undefined) return page(nothing(c.req.param('uuid')), 404);
  const { agentUuid } = conversation;
  const name = (await agentNames.read(viewer, api, [agentUuid])).get(agentUuid);
  const { executions, noPreCall, noPostCall } = conversation;
  const articles: Html[] = [];
  for (const [at, explained] of executions.entries())
    articles.push(await article(recorded[at] as RecordedExecution, explained, grpcTarget));
  return page(
    html`${head(conversation, first, name)} ${missing('Start of the call', noPreCall)} ${articles}
    ${missing('End of the call', noPostCall)}`,
    200,
  );
}

function nothing(conversationUuid: string): Html {
  return emptyState(
    'Nothing is on record.',
    html`<p><code>${conversationUuid}</code></p>
      <p>${capitalized(NO_EXECUTIONS)}</p>
      <p><a href="${executionsPath()}">All executions</a> · <a href="/console/agents">The agents</a></p>`,
  );
}

function head(
  { conversationUuid, agentUuid }: ExplainedConversation,
  { execution, today }: RecordedExecution,
  name: string | undefined,
): Html {
  return definitions([
    ['Conversation', idText('conversation id', conversationUuid)],
    ['Agent', agentText(agentUuid, today, name)],
    ['Accepted', timeText(execution.acceptedAt)],
  ]);
}

async function article(
  recorded: RecordedExecution,
  explained: ExplainedExecution,
  target: GrpcTarget,
): Promise<Html> {
  const { executionUuid, isPostCall, type } = explained;
  const whole = await executionBody(recorded, explained, { level: 3, target });
  return html`<article>
    <h2>${isPostCall ? 'End of the call' : 'Start of the call'}</h2>
    <p>
      ${type} ${idText('execution id', executionUuid)}
      <a href="${executionPath(executionUuid)}">This execution alone</a>
    </p>
    ${whole}
  </article>`;
}

function missing(title: string, why: string | undefined): Html {
  return why === undefined
    ? html``
    : html`<article>
        <h2>${title}</h2>
        <p class="dim">${why}</p>
      </article>`;
}
