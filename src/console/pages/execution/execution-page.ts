import type { Context } from 'hono';
import { html } from 'hono/html';
import { explainExecution, type ExplainedExecution } from '../../../explain/explain-execution.ts';
import { readExecution } from '../../../explain/read-conversation.ts';
import { definitions } from '../../layout/definitions.ts';
import { idText } from '../../layout/ids.ts';
import { agentPath, conversationPath } from '../../layout/paths.ts';
import { shell, type Html } from '../../layout/shell.ts';
import type { ConsoleEnv } from '../../viewer.ts';
import { executionBody } from './execution-body.ts';
import { readingApi } from './reading-api.ts';

/** Answers with the page about an execution. */
export async function executionPage(c: Context<ConsoleEnv, '/console/executions/:uuid'>): Promise<Response> {
  const { api, viewer, agentNames } = c.var;
  const explained = explainExecution(await readExecution(readingApi(api), c.req.param('uuid')));
  const { agentUuid } = explained;
  const name = (await agentNames.read(viewer, api, [agentUuid])).get(agentUuid);
  const body = html`${head(explained, name)} ${executionBody(explained, 2)}`;
  return c.html(
    shell(viewer, { title: `${explained.type} execution`, section: '/console/executions', body }),
  );
}

function head({ executionUuid, conversationUuid, agentUuid }: ExplainedExecution, name = 'The agent'): Html {
  return definitions([
    ['Execution', idText('execution id', executionUuid)],
    [
      'Conversation',
      html`${idText('conversation id', conversationUuid)}
        <a href="${conversationPath(conversationUuid)}">Start and end of the call</a>`,
    ],
    ['Agent', html`${idText('agent id', agentUuid)} <a href="${agentPath(agentUuid)}">${name}</a>`],
  ]);
}
