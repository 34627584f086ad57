import type { Agent, Webhook } from '../domain/agent.ts';

// All functions take and give plain data, and reject with DatabaseError (or CallhooksError where said).

/** An agent to be stored: the store stamps the times from the database's clock. */
export type NewAgent = Omit<Agent, 'createdAtMs' | 'updatedAtMs'>;

/**
 * One page of a list. It ends at the page size that was asked for, or where it would pass 1 MiB (one item always fits).
 * `next` is the key after which the next page begins; the last page has none.
 */
export interface Page<T, K> {
  readonly items: readonly T[];
  readonly next?: K;
}

/** Agents with their webhooks and secrets. An agent is read and written as a whole. */
export interface AgentStore {
  /** @throws CallhooksError AGENT_EXISTS */
  insertAgent(agent: NewAgent): Promise<Agent>;
  findAgent(agentUuid: string): Promise<Agent | undefined>;
  /** The agent that has this webhook. */
  findAgentOfWebhook(webhookUuid: string): Promise<Agent | undefined>;
  /** The URL templates of those of these webhooks that are there and enabled. */
  findUrls(webhookUuids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /**
   * Reads an agent that is to be changed; `nowMs` is the database's clock, which the new state's times are taken from.
   * Without `agent` there is none.
   */
  readForChange(agentUuid: string): Promise<{ readonly agent?: Agent; readonly nowMs: number }>;
  /**
   * Brings an agent from the state `before`, as it was read, to `after`; without `after` it is deleted with its webhooks
   * and secrets. `stale`: its etag is not that of `before` any more, or it is gone, and nothing was changed. Each state
   * needs an etag of its own. Sealed values that are the same in both states are not touched.
   */
  replaceAgent(before: Agent, after: Agent | undefined): Promise<'changed' | 'stale'>;
  /** By agent_uuid ascending; `after` is the last agent_uuid of the page before. */
  listAgents(pageSize: number, after?: string): Promise<Page<Agent, string>>;
  /** By webhook_uuid ascending, of one agent or of all. */
  listWebhooks(
    agentUuid: string | undefined,
    pageSize: number,
    after?: string,
  ): Promise<Page<Webhook, string>>;
}
