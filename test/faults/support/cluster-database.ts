import type { Execution } from '../../../src/domain/execution.ts';
import type { WebhookType } from '../../../src/domain/agent.ts';
import { openTested, type TestedDatabase } from '../../store/test-database.ts';
import type { Cluster } from './cluster.ts';

type Place = Pick<Cluster, 'url' | 'dataDir'>;

/** Opens the database of a cluster beside its replicas; on SQLite only while none runs. */
export function openClusterDatabase({ url, dataDir }: Place): Promise<TestedDatabase> {
  return openTested(url === null ? { dataDir } : { url });
}

/** Reads the row of a conversation past all replicas: `SENDING`, `FAILED EXPIRED NO`; `(nothing)` without a row. */
export async function readRow(cluster: Place, conversationUuid: string, type: WebhookType): Promise<string> {
  const database = await openClusterDatabase(cluster);
  try {
    const rows = await database.executions.findConversation(conversationUuid);
    return describeRow(rows.find(({ webhookType }) => webhookType === type));
  } finally {
    await database.close();
  }
}

/** Lists the conversations of all pending post-calls, past all replicas. */
export async function listPending(cluster: Place): Promise<readonly string[]> {
  const { executions, close } = await openClusterDatabase(cluster);
  try {
    const webhooks = await executions.listPendingWebhooks();
    const postCalls = await Promise.all(
      webhooks.map(({ webhookUuid }) => executions.listPendingPostCalls(webhookUuid, 1_000)),
    );
    return postCalls.flat().map(({ conversationUuid }) => conversationUuid);
  } finally {
    await close();
  }
}

function describeRow(row: Execution | undefined): string {
  if (row === undefined) return '(nothing)';
  const { state, failure } = row;
  return failure === undefined
    ? state.toUpperCase()
    : `${state.toUpperCase()} ${failure.code} ${failure.sent.toUpperCase()}`;
}
