import { randomUUID } from 'node:crypto';
import { openClusterDatabase } from './cluster-database.ts';
import type { Cluster } from './cluster.ts';
import type { TestAgent } from './test-agent.ts';

const ROWS_AT_ONCE = 500;
const COPIES_AT_ONCE = 50;

/** A post-call webhook and its agent. */
export interface WebhookIds {
  readonly agentUuid: string;
  readonly webhookUuid: string;
}

/**
 * Copies the post-call webhook of an agent to new agents, past all replicas, until there are `count` of it. Returns the
 * original and the copies.
 */
export async function copyWebhook(
  cluster: Cluster,
  { agentUuid }: TestAgent,
  count: number,
): Promise<readonly WebhookIds[]> {
  const { agents, close } = await openClusterDatabase(cluster);
  try {
    const agent = await agents.findAgent(agentUuid);
    const webhook = agent?.webhooks.find(({ webhookType }) => webhookType === 'post_call');
    if (agent === undefined || webhook === undefined) throw new Error('the agent has no post-call webhook');
    const copies = Array.from({ length: count - 1 }, () => ({
      agentUuid: randomUUID(),
      webhookUuid: randomUUID(),
    }));
    const insertCopy = (ids: WebhookIds) =>
      agents.insertAgent({ ...agent, ...ids, webhooks: [{ ...webhook, ...ids }] });
    for (let from = 0; from < copies.length; from += COPIES_AT_ONCE)
      await Promise.all(copies.slice(from, from + COPIES_AT_ONCE).map(insertCopy));
    return [{ agentUuid, webhookUuid: webhook.webhookUuid }, ...copies];
  } finally {
    await close();
  }
}

/** Inserts `count` pending post-calls of these webhooks in turn, as a replica that is gone. Returns their conversations. */
export async function insertPending(
  cluster: Cluster,
  count: number,
  webhooks: readonly WebhookIds[],
): Promise<readonly string[]> {
  const { executions, close } = await openClusterDatabase(cluster);
  const postCalls = Array.from({ length: count }, (_, at) => ({
    ...(webhooks[at % webhooks.length] as WebhookIds),
    conversationUuid: randomUUID(),
    executionUuid: randomUUID(),
    instance: 'a replica that is gone',
    detailsJson: JSON.stringify({ callerPhone: '', metadata: {}, dynamicVariables: {} }),
  }));
  try {
    for (let inserted = 0; inserted < count; inserted += ROWS_AT_ONCE)
      await executions.insertPostCalls(postCalls.slice(inserted, inserted + ROWS_AT_ONCE));
  } finally {
    await close();
  }
  return postCalls.map(({ conversationUuid }) => conversationUuid);
}
