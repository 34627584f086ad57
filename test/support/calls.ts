import { randomUUID } from 'node:crypto';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import type { Partially, Rpc } from './rpc.ts';
import { until } from './until.ts';

/** What an agent of a test has; its webhooks are given by their configurations. */
export interface AgentParts {
  readonly variables?: Record<string, unknown>;
  readonly pre?: Partially<pb.WebhookConfig> | undefined;
  readonly post?: Partially<pb.WebhookConfig> | undefined;
  readonly disabled?: boolean;
  readonly secrets?: Record<string, string>;
}

/** An agent with its webhooks at hand. */
export interface CallAgent {
  readonly agentUuid: string;
  readonly pre: pb.Webhook | undefined;
  readonly post: pb.Webhook | undefined;
}

/** A configuration that posts `body` to `url`. */
export const postTo = (
  url: string,
  requestBody?: unknown,
  more: Partially<pb.WebhookConfig> = {},
): Partially<pb.WebhookConfig> => ({ apiSchema: { url, method: 'POST', requestBody }, ...more });

/** Creates an agent. */
export const makeAgent = async (rpc: Rpc, parts: AgentParts): Promise<CallAgent> => {
  const { WEBHOOK_TYPE_PRE_CALL: preCall, WEBHOOK_TYPE_POST_CALL: postCall } = pb.WebhookType;
  const { pre, post, disabled = false, variables = {}, secrets = {} } = parts;
  const { agent } = await rpc.agents.createAgent({
    agent: {
      dynamicVariables: variables,
      webhooks: [
        ...(pre ? [{ webhookType: preCall, webhookConfig: pre, disabled }] : []),
        ...(post ? [{ webhookType: postCall, webhookConfig: post, disabled }] : []),
      ],
    },
    secrets,
  });
  const of = (type: pb.WebhookType) => agent?.webhooks.find(({ webhookType }) => webhookType === type);
  return { agentUuid: agent?.agentUuid ?? '', pre: of(preCall), post: of(postCall) };
};

/** A new conversation with an agent. */
export const newCall = ({ agentUuid }: CallAgent) => ({ agentUuid, conversationUuid: randomUUID() });

/** An execution as GetExecution tells it. */
export const readExecution = async (rpc: Rpc, executionUuid: string | undefined): Promise<pb.Execution> =>
  (await rpc.executions.getExecution({ executionUuid: executionUuid ?? '' })).execution as pb.Execution;

/** An execution once it has ended. */
export const untilEnded = (
  rpc: Rpc,
  executionUuid: string | undefined,
  timeoutMs = 10_000,
): Promise<pb.Execution> =>
  until(
    `${executionUuid} to finish`,
    async () => {
      const execution = await readExecution(rpc, executionUuid);
      return execution.finishedAt !== undefined && execution;
    },
    { timeoutMs },
  );

/** The state and the failure of an execution in words, for comparing: `FAILED TIMEOUT MAYBE`. */
export const outcomeOf = ({ state, failure }: Pick<pb.Execution, 'state' | 'failure'>): string =>
  [
    nameOf('EXECUTION_STATE_', pb.ExecutionState, state),
    ...(failure
      ? [nameOf('FAILURE_CODE_', pb.FailureCode, failure.code), nameOf('SENT_', pb.Sent, failure.sent)]
      : []),
  ].join(' ');

const nameOf = (prefix: string, numbers: Readonly<Record<string, number>>, value: number): string =>
  Object.keys(numbers)
    .find((name) => numbers[name] === value)
    ?.slice(prefix.length) ?? String(value);
