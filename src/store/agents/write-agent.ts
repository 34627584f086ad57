import type { Agent, SealedValue, Webhook } from '../../domain/agent.ts';
import { webhookTypes, toBytes } from '../sql/column-values.ts';
import type { Session } from '../sql/connections.ts';
import type { Value } from '../sql/dialect.ts';

/** Inserts the row of an agent, without its webhooks and secrets. */
export async function insertAgentRow(session: Session, agent: Agent): Promise<void> {
  await session.change(
    'INSERT INTO agents (display_name, dynamic_variables, etag, created_at, updated_at, agent_uuid) ' +
      'VALUES (?, ?, ?, ?, ?, ?)',
    agentValues(agent),
  );
}

/** Brings the webhooks and secrets of an agent from one state to another. A part that did not change is not written. */
export async function writeChildren(
  session: Session,
  before: Agent | undefined,
  after: Agent,
): Promise<void> {
  const kept = new Set(after.webhooks.map(({ webhookUuid }) => webhookUuid));
  // Webhooks are deleted before others are inserted: a webhook may be replaced by another of its type.
  for (const webhook of before?.webhooks ?? [])
    if (!kept.has(webhook.webhookUuid)) await deleteWebhook(session, webhook);
  for (const webhook of after.webhooks) {
    const stored = before?.webhooks.find(({ webhookUuid }) => webhookUuid === webhook.webhookUuid);
    await writeWebhook(session, stored, webhook);
  }
  await writeSealed(session, SECRETS, after.agentUuid, before?.sealedSecrets ?? {}, after.sealedSecrets);
}

/** Brings a stored agent from one state to another. */
export async function updateAgent(session: Session, before: Agent, after: Agent): Promise<void> {
  await session.change(
    'UPDATE agents SET display_name = ?, dynamic_variables = ?, etag = ?, created_at = ?, updated_at = ? ' +
      'WHERE agent_uuid = ?',
    agentValues(after),
  );
  await writeChildren(session, before, after);
}

/** Deletes an agent with its webhooks and all sealed values. Its executions stay. */
export async function deleteAgent(session: Session, agent: Agent): Promise<void> {
  for (const webhook of agent.webhooks) await deleteWebhook(session, webhook);
  for (const table of ['agent_secrets', 'agents'])
    await session.change(`DELETE FROM ${table} WHERE agent_uuid = ?`, [toBytes(agent.agentUuid)]);
}

function agentValues(agent: Agent): Value[] {
  return [
    agent.displayName,
    JSON.stringify(agent.dynamicVariables),
    agent.etag,
    agent.createdAtMs,
    agent.updatedAtMs,
    toBytes(agent.agentUuid),
  ];
}

async function deleteWebhook(session: Session, { webhookUuid }: Webhook): Promise<void> {
  for (const table of ['webhook_headers', 'webhooks'])
    await session.change(`DELETE FROM ${table} WHERE webhook_uuid = ?`, [toBytes(webhookUuid)]);
}

async function writeWebhook(session: Session, before: Webhook | undefined, after: Webhook): Promise<void> {
  const values: Value[] = [
    toBytes(after.agentUuid),
    webhookTypes.toNumber(after.webhookType),
    JSON.stringify(after.config),
    after.disabled ? 1 : 0,
    after.etag,
    after.createdAtMs,
    after.updatedAtMs,
    toBytes(after.webhookUuid),
  ];
  if (before === undefined) await session.change(INSERT_WEBHOOK, values);
  else if (JSON.stringify(before) !== JSON.stringify(after)) await session.change(UPDATE_WEBHOOK, values);
  await writeSealed(session, HEADERS, after.webhookUuid, before?.sealedHeaders ?? {}, after.sealedHeaders);
}

const INSERT_WEBHOOK =
  'INSERT INTO webhooks (agent_uuid, webhook_type, config, disabled, etag, created_at, updated_at, webhook_uuid) ' +
  'VALUES (?, ?, ?, ?, ?, ?, ?, ?)';
const UPDATE_WEBHOOK =
  'UPDATE webhooks SET agent_uuid = ?, webhook_type = ?, config = ?, disabled = ?, etag = ?, created_at = ?, ' +
  'updated_at = ? WHERE webhook_uuid = ?';

interface SealedTable {
  readonly table: string;
  readonly owner: string;
}
const SECRETS: SealedTable = { table: 'agent_secrets', owner: 'agent_uuid' };
const HEADERS: SealedTable = { table: 'webhook_headers', owner: 'webhook_uuid' };

type SealedByName = Readonly<Record<string, SealedValue>>;

// A value that did not change is not written: a rotation of keys may be sealing it anew at this moment.
async function writeSealed(
  session: Session,
  { table, owner }: SealedTable,
  ownerUuid: string,
  before: SealedByName,
  after: SealedByName,
): Promise<void> {
  const stored = new Map(Object.entries(before));
  const wanted = new Map(Object.entries(after));
  const isSame = (name: string): boolean =>
    stored.get(name)?.sealed === wanted.get(name)?.sealed &&
    stored.get(name)?.keyId === wanted.get(name)?.keyId;
  for (const name of stored.keys())
    if (!isSame(name))
      await session.change(`DELETE FROM ${table} WHERE ${owner} = ? AND name = ?`, [
        toBytes(ownerUuid),
        name,
      ]);
  for (const [name, { keyId, sealed }] of wanted)
    if (!isSame(name))
      await session.change(`INSERT INTO ${table} (${owner}, name, key_id, sealed) VALUES (?, ?, ?, ?)`, [
        toBytes(ownerUuid),
        name,
        keyId,
        sealed,
      ]);
}
