import { explainConversation, explainExecution, NO_EXECUTIONS } from '../../explain/explain-execution.ts';
import { readConversation, readExecution, type RecordedExecution } from '../../explain/read-conversation.ts';
import { Execution, GetExecutionResponse } from '../../gen/index.callhooks.v1.ts';
import { connect, type Api } from '../client/connect.ts';
import { loadProtoJson } from '../../proto-json/proto-json.ts';
import { CommandError } from '../frame/command.ts';
import { EXIT } from '../frame/exit-codes.ts';
import { plainJson, plainLine } from '../frame/plain-text.ts';
import type { Shell } from '../frame/shell.ts';
import { createPage } from '../pages/page.ts';
import { conversationPage, executionPage } from './conversation-page.ts';
import { endedExecutions } from './ended-executions.ts';
import { endedLine } from './ended-line.ts';
import type { ExplainOptions } from './explain-options.ts';
import { followRequest } from './follow-request.ts';

/** Runs `callhooks explain`. Returns its exit code. */
export async function runExplain(options: ExplainOptions, shell: Shell): Promise<number> {
  const api = connect({ options, env: shell.env });
  try {
    return options.follow ? await follow(api, options, shell) : await explainOnce(api, options, shell);
  } finally {
    api.close();
  }
}

async function explainOnce(
  api: Api,
  { conversation, execution, json }: ExplainOptions,
  shell: Shell,
): Promise<number> {
  const page = createPage(shell);
  if (execution !== undefined) {
    const recorded = await readExecution(api, execution);
    shell.print(json ? jsonText(asJson([recorded])[0]) : executionPage(page, explainExecution(recorded)));
    return EXIT.done;
  }
  const executions = await readConversation(api, conversation ?? '');
  const explained = explainConversation(executions);
  if (explained === undefined) throw new CommandError(NO_EXECUTIONS, EXIT.no);
  shell.print(
    json
      ? jsonText({ conversation_uuid: conversation, executions: asJson(executions) })
      : conversationPage(page, explained),
  );
  return EXIT.done;
}

/** Returns for each execution the reply of GetExecution as JSON, with what is known of the webhook today. */
function asJson(executions: readonly RecordedExecution[]): object[] {
  const protoJson = loadProtoJson();
  return executions.map(({ reply, today }) => {
    const json = protoJson.write('GetExecutionResponse', GetExecutionResponse, reply) as object;
    const etag = 'webhook' in today ? { etag: today.webhook.etag } : {};
    return { ...json, webhook_today: { state: today.state, ...etag } };
  });
}

function jsonText(value: unknown): string {
  return `${plainJson(value, 2)}\n`;
}

async function follow(api: Api, options: ExplainOptions, shell: Shell): Promise<number> {
  const page = createPage(shell);
  const protoJson = options.json ? loadProtoJson() : undefined;
  const warn = (text: string): void => shell.say(`callhooks explain: ${plainLine(text)}\n`);
  for await (const execution of endedExecutions(api, followRequest(options, Date.now()), warn)) {
    const line =
      protoJson === undefined
        ? endedLine(page, execution)
        : plainJson(protoJson.write('Execution', Execution, execution));
    shell.print(`${line}\n`);
  }
  return EXIT.done;
}
