import type { Context } from 'hono';
import { html } from 'hono/html';
import { explainExecution } from '../../../explain/explain-execution.ts';
import { readExecution, type RecordedExecution } from '../../../explain/read-conversation.ts';
import { definitions } from '../../layout/definitions.ts';
import { idText } from '../../layout/ids.ts';
import { conversationPath } from '../../layout/paths.ts';
import { shell, type Html } from '../../layout/shell.ts';
import type { ConsoleEnv } from '../../viewer.ts';
import { timeText } from '../../layout/time.ts';
import { agentText } from './agent-text.ts';
import { executionBody } from './execution-body.ts';
import { readingApi } from './reading-api.ts';

/** Answers with the page about an execution. */
export async function executionPage(c: Context<ConsoleEnv, '/console/executions/:uuid'>): Promise<Response> {
  const { api, viewer, agentNames, grpcTarget: target } = c.var;
  const recorded = await readExecution(readingApi(api), c.req.param('uuid'));
  const { agentUuid } = recorded.execution;
  const explained = explainExecution(recorded);
  const name = (await agentNames.read(viewer, api, [agentUuid])).get(agentUuid);
  const whole = await executionBody(recorded, explained, { level: 2, target });
  const body = html`${head(recorded, name)} ${whole}`;
  return c.html(
    shell(viewer, { title: `${explained.type} execution`, section: '/console/executions', body }),
  );
}

function head({ execution, today }: RecordedExecution, name: string | undefined): Html {
  const { executionUuid, conversationUuid, agentUuid, acceptedAt } = execution;
  return definitions([
    ['Execution', idText('execution id', executionUuid)],
    [
      'Conversation',
      html`${idText('conversation id', conversationUuid)}
        <a href="${conversationPath(conversationUuid)}">Start and end of the call</a>`,
    ],
    ['Agent', agentText(agentUuid, today, name)],
    ['Accepted', timeText(acceptedAt)],
  ]);
}
