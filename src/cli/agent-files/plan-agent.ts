import { sameJson, type JsonObject } from '../../domain/json.ts';
import type * as pb from '../../gen/index.callhooks.v1.ts';
import { compareDocuments, type FieldChange } from './compare.ts';
import type { AgentFile } from './parse-agent-file.ts';
import type { SecretSource } from './secret-sources.ts';
import { toDocument } from './to-document.ts';

/** A secret that is going to be written. */
export interface SecretToWrite {
  readonly name: string;
  readonly source: SecretSource;
  /** Says that the server has no secret of this name. Otherwise nobody knows whether the value differs. */
  readonly isNew: boolean;
}

/** What has to be done so that an agent of the server is as its file says. */
export interface AgentPlan {
  readonly kind: 'create' | 'change' | 'none';
  readonly file: AgentFile;
  /** The agent as the server has it. */
  readonly stored: pb.Agent | undefined;
  readonly changes: readonly FieldChange[];
  /** The webhooks to write, by their index in the file. */
  readonly webhooks: ReadonlyMap<number, pb.Webhook>;
  /** The fields to write. */
  readonly mask: readonly string[];
  readonly secrets: readonly SecretToWrite[];
  /** What only the server has, and what is deleted. */
  readonly removedWebhooks: readonly pb.Webhook[];
  readonly removedSecrets: readonly string[];
  /** What only the server has, and what stays. */
  readonly keptWebhooks: readonly pb.Webhook[];
  readonly keptSecrets: readonly string[];
}

/** Says what may be done beside writing what differs. */
export interface PlanRules {
  /** Delete webhooks and secrets that the file does not have. */
  readonly prune: boolean;
  /** Write secrets that the server has already. */
  readonly secrets: boolean;
}

/** Returns what has to be done so that an agent is as its file says. It is pure. */
export function planAgent(file: AgentFile, stored: pb.Agent | undefined, rules: PlanRules): AgentPlan {
  const types = new Set(file.agent.webhooks.map(({ webhookType }) => webhookType));
  const extra = stored?.webhooks.filter(({ webhookType }) => !types.has(webhookType)) ?? [];
  const extraSecrets = stored?.secretNames.filter((name) => !file.secrets.has(name)) ?? [];
  const before = documentBefore(stored, rules.prune ? [] : extra);
  const after = toDocument(file.agent);
  const changes = compareDocuments(before, after);
  const webhooks = changedWebhooks(file.agent, before);
  const secrets = secretsToWrite(file, stored, rules);
  const removed = rules.prune ? { removedWebhooks: extra, removedSecrets: extraSecrets } : NOTHING_REMOVED;
  const kept = rules.prune ? NOTHING_KEPT : { keptWebhooks: extra, keptSecrets: extraSecrets };
  const isDifferent = changes.length + secrets.length + removed.removedSecrets.length > 0;
  return {
    kind: stored === undefined ? 'create' : isDifferent ? 'change' : 'none',
    file,
    stored,
    changes,
    webhooks,
    mask: maskOf(before, after, webhooks.size > 0),
    secrets,
    ...removed,
    ...kept,
  };
}

const NOTHING_REMOVED = { removedWebhooks: [], removedSecrets: [] };
const NOTHING_KEPT = { keptWebhooks: [], keptSecrets: [] };

function documentBefore(stored: pb.Agent | undefined, leftOut: readonly pb.Webhook[]): JsonObject {
  if (stored === undefined) return {};
  return toDocument({ ...stored, webhooks: stored.webhooks.filter((webhook) => !leftOut.includes(webhook)) });
}

function changedWebhooks(agent: pb.Agent, before: JsonObject): ReadonlyMap<number, pb.Webhook> {
  const stored = webhooksOf(before);
  const changed = [...agent.webhooks.entries()].filter(([, webhook]) => {
    const [document] = webhooksOf(toDocument({ ...agent, webhooks: [webhook] }));
    return !stored.some((other) => sameJson(other, document));
  });
  return new Map(changed);
}

function webhooksOf({ webhooks = [] }: JsonObject): readonly JsonObject[] {
  return webhooks as JsonObject[];
}

function maskOf(before: JsonObject, after: JsonObject, hasWebhooks: boolean): string[] {
  const fields = ['display_name', 'dynamic_variables'].filter((name) => !sameJson(before[name], after[name]));
  return hasWebhooks ? [...fields, 'webhooks'] : fields;
}

function secretsToWrite(
  { secrets }: AgentFile,
  stored: pb.Agent | undefined,
  rules: PlanRules,
): SecretToWrite[] {
  const names = new Set(stored?.secretNames);
  return [...secrets]
    .map(([name, source]) => ({ name, source, isNew: !names.has(name) }))
    .filter(({ isNew }) => isNew || rules.secrets)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
