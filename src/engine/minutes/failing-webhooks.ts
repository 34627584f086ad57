/** How often a webhook failed. */
export interface WebhookFailures {
  readonly webhookUuid: string;
  readonly agentUuid: string;
  readonly failures: number;
}

/** How often each webhook failed, for a bounded number of webhooks. */
export interface FailingWebhooks {
  /** Counts failures of a webhook. */
  add(webhookUuid: string, agentUuid: string, failures: number): void;
  /** Counts failures of webhooks that nobody knows any more. */
  addOthers(failures: number): void;
  /** Returns the webhooks that failed most, the worst first. */
  worst(limit: number): readonly WebhookFailures[];
  /** Returns the failures of all webhooks that are not known by name beside the worst. */
  others(limit: number): number;
  /** Forgets all but the worst by name. Their failures stay in the count of the others. */
  cutTo(limit: number): void;
  /** Returns all webhooks that are known by name, in any order. */
  named(): Iterable<WebhookFailures>;
  /** Adds all of another count. */
  merge(more: FailingWebhooks): void;
}

type Mutable = { -readonly [Key in keyof WebhookFailures]: WebhookFailures[Key] };

// Who fails most shows among so many, also when thousands of webhooks fail at once.
const MAX_WEBHOOKS = 200;
const KEPT_WEBHOOKS = 100;

/** Makes a count of failures. It keeps at most 200 webhooks by name. */
export function createFailingWebhooks(): FailingWebhooks {
  const known = new Map<string, Mutable>();
  let total = 0;
  const worst = (limit: number): readonly WebhookFailures[] =>
    [...known.values()]
      .toSorted((a, b) => b.failures - a.failures || (a.webhookUuid < b.webhookUuid ? -1 : 1))
      .slice(0, limit);
  const cutTo = (limit: number): void => {
    if (known.size <= limit) return;
    const kept = worst(limit);
    known.clear();
    for (const webhook of kept) known.set(webhook.webhookUuid, { ...webhook });
  };
  const add = (webhookUuid: string, agentUuid: string, failures: number): void => {
    total += failures;
    const found = known.get(webhookUuid);
    if (found !== undefined) {
      found.failures += failures;
      return;
    }
    if (known.size === MAX_WEBHOOKS) cutTo(KEPT_WEBHOOKS);
    known.set(webhookUuid, { webhookUuid, agentUuid, failures });
  };
  const addOthers = (failures: number): void => {
    total += failures;
  };
  const others = (limit: number): number =>
    worst(limit).reduce((rest, { failures }) => rest - failures, total);
  return {
    ...{ add, addOthers, worst, others, cutTo },
    named: () => known.values(),
    merge: (more) => {
      for (const { webhookUuid, agentUuid, failures } of more.named()) add(webhookUuid, agentUuid, failures);
      addOthers(more.others(MAX_WEBHOOKS));
    },
  };
}
