import type { Commands } from '../../commands/bind-commands.ts';
import { ExecutionLogService } from '../../gen/index.callhooks.v1.ts';
import { bindService, type BoundService } from '../bound-service.ts';
import { variableSourcesMessage } from '../messages/call-lifecycle.ts';
import { detailedExecutionMessage, endedUpdateMessage, executionMessage } from '../messages/execution.ts';
import { executionTokens } from '../page-tokens.ts';
import { parseGetExecution, parseListExecutions, parseWatchExecutions } from '../requests/execution-log.ts';

/** The commands that serve `callhooks.v1.ExecutionLog`. */
type ExecutionLogCommands = Pick<Commands, 'getExecution' | 'listExecutions' | 'watchExecutions'>;

/** Returns the service `callhooks.v1.ExecutionLog`, bound to its commands. */
export function createExecutionLogService(commands: ExecutionLogCommands): BoundService {
  return bindService(ExecutionLogService, {
    getExecution: async (message, { log }) => {
      const request = parseGetExecution(message);
      log({ execution_uuid: request.executionUuid });
      const { execution, record, variables } = await commands.getExecution(request);
      return {
        execution: detailedExecutionMessage(execution, record),
        dynamicVariables: variables?.variables,
        variableSources: variableSourcesMessage(variables?.sources ?? {}),
      };
    },
    listExecutions: async (message, { log }) => {
      const request = parseListExecutions(message);
      const { agentUuid, conversationUuid, webhookUuid } = request.filter;
      log({ agent_uuid: agentUuid, conversation_uuid: conversationUuid, webhook_uuid: webhookUuid });
      const { items, next } = await commands.listExecutions(request);
      const nextPageToken = executionTokens(request.filter).write(next);
      return { executions: items.map(executionMessage), nextPageToken };
    },
    async *watchExecutions(message, { log, signal }) {
      const request = parseWatchExecutions(message);
      const { agentUuid, conversationUuid, webhookUuid } = request.filter;
      const counts = { messages: 0, executions: 0, dropped: 0 };
      log({ agent_uuid: agentUuid, conversation_uuid: conversationUuid, webhook_uuid: webhookUuid });
      for await (const update of commands.watchExecutions(request, { signal })) {
        counts.messages += 1;
        counts.executions += update.executions.length;
        counts.dropped += update.dropped;
        log(counts);
        yield endedUpdateMessage(update);
      }
    },
  });
}
