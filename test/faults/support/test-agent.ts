import { randomUUID } from 'node:crypto';
import * as pb from '../../../src/gen/index.callhooks.v1.ts';
import type { Rpc } from '../../support/rpc.ts';

/** An agent whose webhooks point at a recorder. */
export interface TestAgent {
  readonly agentUuid: string;
  readonly webhooks: readonly ('pre_call' | 'post_call')[];
}

/** Says where the webhooks of an agent point and how long they may take. A webhook without its URL does not exist. */
export interface TestAgentOptions {
  /** Ends in `/pre`. */
  readonly preUrl?: string;
  /** Ends in `/post`. */
  readonly postUrl?: string;
  /** Is 2,000 where it is absent. */
  readonly preLimitMs?: number;
  /** Is 2,000 where it is absent. */
  readonly postLimitMs?: number;
  /** Says whether the failure policy is BLOCK. It is PROCEED where this is absent. */
  readonly blocks?: boolean;
}

/** The default of `customer_name`, which the pre-call webhook assigns. */
export const DEFAULT_NAME = 'nobody';

/** The status with which the endpoint rejects a call. */
export const REJECTING_STATUS = 403;

/** Creates an agent. */
export async function createTestAgent(rpc: Rpc, options: TestAgentOptions): Promise<TestAgent> {
  const { preUrl, postUrl } = options;
  const agentUuid = randomUUID();
  const webhooks = [
    ...(preUrl === undefined ? [] : [preCallWebhook(preUrl, options)]),
    ...(postUrl === undefined ? [] : [postCallWebhook(postUrl, options)]),
  ];
  const dynamicVariables = { customer_name: DEFAULT_NAME };
  await rpc.agents.createAgent({ agent: { agentUuid, dynamicVariables, webhooks } });
  return {
    agentUuid,
    webhooks: [
      ...(preUrl === undefined ? [] : ['pre_call' as const]),
      ...(postUrl === undefined ? [] : ['post_call' as const]),
    ],
  };
}

function preCallWebhook(url: string, { preLimitMs = 2_000, blocks = false }: TestAgentOptions) {
  return {
    webhookType: pb.WebhookType.WEBHOOK_TYPE_PRE_CALL,
    webhookConfig: {
      apiSchema: apiSchemaOf(url),
      assignments: [{ attributeName: 'customer_name', dynamicVariable: 'customer_name' }],
      responseTimeoutSecs: preLimitMs / 1000,
      // The reason names the execution, as the assigned name does.
      rejection: { httpStatuses: [REJECTING_STATUS], reasonAttributeName: 'customer_name' },
      failurePolicy: pb.FailurePolicy[blocks ? 'FAILURE_POLICY_BLOCK' : 'FAILURE_POLICY_PROCEED'],
    },
  };
}

function postCallWebhook(url: string, { postLimitMs = 2_000 }: TestAgentOptions) {
  return {
    webhookType: pb.WebhookType.WEBHOOK_TYPE_POST_CALL,
    webhookConfig: { apiSchema: apiSchemaOf(url), responseTimeoutSecs: postLimitMs / 1000 },
  };
}

function apiSchemaOf(url: string) {
  return {
    url,
    method: 'POST',
    requestHeaders: { 'x-conversation': '{{conversation_uuid}}' },
    requestBody: { customer_name: '{{customer_name}}', phone: '{{caller_phone}}' },
  };
}
