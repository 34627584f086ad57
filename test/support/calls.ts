import { randomUUID } from 'node:crypto';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import type { Partially, Rpc } from './rpc.ts';
import { until } from './until.ts';

/** Describes an agent of a test. Its webhooks are given by their configurations. */
export interface AgentParts {
  readonly variables?: Record<string, unknown>;
  readonly pre?: Partially<pb.WebhookConfig> | undefined;
  readonly post?: Partially<pb.WebhookConfig> | undefined;
  readonly disabled?: boolean;
  readonly secrets?: Record<string, string>;
}

/** An agent with its webhooks. */
export interface CallAgent {
  readonly agentUuid: string;
  readonly pre: pb.Webhook | undefined;
  readonly post: pb.Webhook | undefined;
}

/** Returns a configuration that posts `requestBody` to `url`. */
export function postTo(
  url: string,
  requestBody?: unknown,
  more: Partially<pb.WebhookConfig> = {},
): Partially<pb.WebhookConfig> {
  return { apiSchema: { url, method: 'POST', requestBody }, ...more };
}

/** Creates an agent. */
export async function makeAgent(rpc: Rpc, parts: AgentParts): Promise<CallAgent> {
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
}

/** Returns the ids of a new conversation with an agent. */
export function newCall({ agentUuid }: Pick<CallAgent, 'agentUuid'>) {
  return { agentUuid, conversationUuid: randomUUID() };
}

/** Reads an execution with GetExecution. */
export async function readExecution(rpc: Rpc, executionUuid = ''): Promise<pb.Execution> {
  return (await rpc.executions.getExecution({ executionUuid })).execution as pb.Execution;
}

/** Waits until an execution is finished, and returns it. */
export function untilFinished(
  rpc: Rpc,
  executionUuid: string | undefined,
  timeoutMs = 10_000,
): Promise<pb.Execution> {
  return until(
    `${executionUuid} to be finished`,
    async () => {
      const execution = await readExecution(rpc, executionUuid);
      return execution.finishedAt !== undefined && execution;
    },
    { timeoutMs },
  );
}
