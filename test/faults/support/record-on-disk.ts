import type { Execution } from '../../../src/domain/execution.ts';
import type { WebhookType } from '../../../src/domain/agent.ts';
import { openTested, type TestedDatabase } from '../../store/support.ts';
import type { World } from './world.ts';

/** Opens a world's database beside its replicas; on SQLite only while none runs. */
export const openRecord = ({ url, dataDir }: Pick<World, 'url' | 'dataDir'>): Promise<TestedDatabase> =>
  openTested(url === null ? { dataDir } : { url });

/** What lies in the database for a conversation, whoever is alive; `(nothing)` without a row. */
export const readRow = async (
  world: Pick<World, 'url' | 'dataDir'>,
  conversationUuid: string,
  type: WebhookType,
): Promise<string> => {
  const database = await openRecord(world);
  try {
    const rows = await database.executions.findConversation(conversationUuid);
    return describeRow(rows.find(({ webhookType }) => webhookType === type));
  } finally {
    await database.close();
  }
};

/** The conversations of the accepted ends that nobody has begun to send, whoever is alive. */
export const listPending = async (world: Pick<World, 'url' | 'dataDir'>): Promise<readonly string[]> => {
  const { executions, close } = await openRecord(world);
  try {
    const webhooks = await executions.listPendingWebhooks();
    const ends = await Promise.all(
      webhooks.map(({ webhookUuid }) => executions.listPendingPostCalls(webhookUuid, 1_000)),
    );
    return ends.flat().map(({ conversationUuid }) => conversationUuid);
  } finally {
    await close();
  }
};

const describeRow = (row: Execution | undefined): string => {
  if (row === undefined) return '(nothing)';
  const { state, failure } = row;
  return failure === undefined
    ? state.toUpperCase()
    : `${state.toUpperCase()} ${failure.code} ${failure.sent.toUpperCase()}`;
};
