import { originOfTemplate } from '../../domain/template/url-template.ts';
import type { AgentStore } from '../../store/agent-store.ts';

/** Knows the origins that webhooks send to. A changed origin is known a few polls later. */
export interface WebhookOrigins {
  /** Reads the unknown origins of these webhooks, and again those that were read longest ago. Forgets all others. */
  refresh(webhookUuids: readonly string[]): Promise<void>;
  /** Returns the origin of a webhook, or {@link NO_ORIGIN} when the webhook is gone or disabled. */
  of(webhookUuid: string): string;
}

/** The origin of webhooks that are gone or disabled. Their post-calls need no slot. */
export const NO_ORIGIN = '';

const URLS_A_STEP = 200;
// How many cached origins are read again at each poll. With more pending webhooks, a changed URL takes several polls to be
// noticed.
const READ_AGAIN_A_POLL = 1_000;

/** Makes an empty cache of origins. */
export function createWebhookOrigins(agentStore: Pick<AgentStore, 'findUrls'>): WebhookOrigins {
  // In the order in which they were read.
  const origins = new Map<string, string>();
  return {
    refresh: async (webhookUuids) => {
      const wanted = new Set(webhookUuids);
      const outdated = [...origins.keys()].filter((uuid, at) => at < READ_AGAIN_A_POLL || !wanted.has(uuid));
      for (const uuid of outdated) origins.delete(uuid);
      const unknown = webhookUuids.filter((uuid) => !origins.has(uuid));
      for (let from = 0; from < unknown.length; from += URLS_A_STEP) {
        const step = unknown.slice(from, from + URLS_A_STEP);
        const urls = await agentStore.findUrls(step);
        for (const uuid of step) {
          const url = urls.get(uuid);
          origins.set(uuid, (url && originOfTemplate(url)) ?? NO_ORIGIN);
        }
      }
    },
    of: (webhookUuid) => origins.get(webhookUuid) ?? NO_ORIGIN,
  };
}
