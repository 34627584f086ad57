import type { Agent, Webhook } from '../domain/agent.ts';

// All functions take and return plain data, and reject with DatabaseError, or with CallhooksError where the comment says so.

/** An agent that is to be stored. The store takes its times from the database's clock. */
export type NewAgent = Omit<Agent, 'createdAtMs' | 'updatedAtMs'>;

/**
 * One page of a list. It ends at the page size that was asked for, or where it would pass 1 MiB (one item always fits).
 * `next` is the key after which the next page begins; the last page has none.
 */
export interface Page<T, K> {
  readonly items: readonly T[];
  readonly next?: K;
}

/** Stores agents with their webhooks and secrets. An agent is read and written as a whole. */
export interface AgentStore {
  /** @throws CallhooksError AGENT_EXISTS */
  insertAgent(agent: NewAgent): Promise<Agent>;
  findAgent(agentUuid: string): Promise<Agent | undefined>;
  /** Finds the agent that has this webhook. */
  findAgentOfWebhook(webhookUuid: string): Promise<Agent | undefined>;
  /** Returns the URL templates of the webhooks that exist and are enabled. */
  findUrls(webhookUuids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /**
   * Reads an agent that is to be changed. `nowMs` is the time of the database's clock, for the times of the new state.
   * `agent` is absent when there is none.
   */
  readForChange(agentUuid: string): Promise<{ readonly agent?: Agent; readonly nowMs: number }>;
  /**
   * Brings an agent from the state `before`, as it was read, to `after`. Without `after` the agent is deleted with its
   * webhooks and secrets. Returns `stale`, and changes nothing, when the agent has another etag than `before` by now or is
   * gone. Each state needs an etag of its own. A sealed value that is the same in both states is not written.
   */
  replaceAgent(before: Agent, after: Agent | undefined): Promise<'changed' | 'stale'>;
  /** Lists agents by agent_uuid ascending. `after` is the last agent_uuid of the page before. */
  listAgents(pageSize: number, after?: string): Promise<Page<Agent, string>>;
  /** Lists the webhooks of one agent or of all, by webhook_uuid ascending. */
  listWebhooks(
    agentUuid: string | undefined,
    pageSize: number,
    after?: string,
  ): Promise<Page<Webhook, string>>;
}
