import { randomUUID } from 'node:crypto';
import * as pb from '../../../src/gen/index.callhooks.v1.ts';
import type { Rpc } from '../../support/rpc.ts';

/** An agent with its webhooks, each pointing at a receiver. */
export interface TestAgent {
  readonly agentUuid: string;
  readonly webhooks: readonly ('pre_call' | 'post_call')[];
  readonly preLimitMs: number;
  readonly postLimitMs: number;
}

/** Where its webhooks point and how long they may take; without `preUrl` or `postUrl` there is no such webhook. */
export interface TestAgentOptions {
  /** Ends in `/pre`. */
  readonly preUrl?: string;
  /** Ends in `/post`. */
  readonly postUrl?: string;
  readonly preLimitMs?: number;
  readonly postLimitMs?: number;
  readonly blocks?: boolean;
}

/** What `customer_name` is before a webhook has brought one. */
export const DEFAULT_NAME = 'nobody';

/** Makes one. */
export const createTestAgent = async (rpc: Rpc, options: TestAgentOptions): Promise<TestAgent> => {
  const { preUrl, postUrl, preLimitMs = 2_000, postLimitMs = 2_000, blocks = false } = options;
  const schemaOf = (url: string) => ({
    url,
    method: 'POST',
    requestHeaders: { 'x-conversation': '{{conversation_uuid}}' },
    requestBody: { customer_name: '{{customer_name}}', phone: '{{caller_phone}}' },
  });
  const pre = preUrl && {
    webhookType: pb.WebhookType.WEBHOOK_TYPE_PRE_CALL,
    webhookConfig: {
      apiSchema: schemaOf(preUrl),
      assignments: [{ attributeName: 'customer_name', dynamicVariable: 'customer_name' }],
      responseTimeoutSecs: preLimitMs / 1000,
      failurePolicy: pb.FailurePolicy[blocks ? 'FAILURE_POLICY_BLOCK' : 'FAILURE_POLICY_PROCEED'],
    },
  };
  const post = postUrl && {
    webhookType: pb.WebhookType.WEBHOOK_TYPE_POST_CALL,
    webhookConfig: { apiSchema: schemaOf(postUrl), responseTimeoutSecs: postLimitMs / 1000 },
  };
  const agentUuid = randomUUID();
  const webhooks = [pre, post].filter((webhook) => typeof webhook === 'object');
  await rpc.agents.createAgent({
    agent: { agentUuid, dynamicVariables: { customer_name: DEFAULT_NAME }, webhooks },
  });
  const types = [preUrl && ('pre_call' as const), postUrl && ('post_call' as const)];
  return {
    agentUuid,
    webhooks: types.filter((type) => type !== undefined && type !== ''),
    preLimitMs,
    postLimitMs,
  };
};
