import type { Webhook } from '../../domain/agent.ts';
import type { Page } from '../../store/agent-store.ts';
import type { AdminDeps } from './admin-commands.ts';
import { fillPage } from '../collect-page.ts';

/** A page of the webhooks of one agent, or of all, by UUID; `after` is the last UUID of the page before. */
export interface ListWebhooksRequest {
  readonly agentUuid: string | undefined;
  readonly pageSize: number;
  readonly after: string | undefined;
}

/** A webhook can have a megabyte of configuration. */
const CHUNK_SIZE = 50;

/** Webhooks in the order of their UUIDs, a page at a time. An unknown agent has none. */
export function listWebhooks(
  { agents }: Pick<AdminDeps, 'agents'>,
  { agentUuid, pageSize, after }: ListWebhooksRequest,
): Promise<Page<Webhook, string>> {
  return fillPage(
    {
      read: (limit, start) => agents.listWebhooks(agentUuid, limit, start),
      keyOf: (webhook) => webhook.webhookUuid,
      chunkSize: CHUNK_SIZE,
    },
    pageSize,
    after,
  );
}
