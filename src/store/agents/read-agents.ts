import type { Agent, SealedValue, Webhook, WebhookConfig } from '../../domain/agent.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { AgentStore } from '../agent-store.ts';
import { toBytes, toUuid, webhookTypes } from '../sql/column-values.ts';
import type { Connections, Session } from '../sql/connections.ts';
import type { Row } from '../sql/dialect.ts';
import type { Condition } from '../sql/sql.ts';

// Agents, webhooks, secrets and headers are read as rows of one shape by a single statement, so that all of them are of the
// same moment. (Under READ COMMITTED each of several statements would see another moment.) These are the values of columns
// that a part does not have.
const NOTHING = {
  item_uuid: 'NULL',
  name: 'NULL',
  body: 'NULL',
  key_id: 'NULL',
  code: '0',
  flag: '0',
  etag: 'NULL',
  created_at: '0',
  updated_at: '0',
};
const AGENT = 1;
const WEBHOOK = 2;
const SECRET = 3;
const HEADER = 4;

function selectPart(part: number, columns: Partial<typeof NOTHING>, from: string): string {
  const rest = Object.entries({ ...NOTHING, ...columns }).map(([name, sql]) => `${sql} AS ${name}`);
  return `SELECT ${part} AS part, a.agent_uuid AS owner_uuid, ${rest.join(', ')} FROM ${from}`;
}

const TIMES = { created_at: 'a.created_at', updated_at: 'a.updated_at' };
const AGENTS = selectPart(
  AGENT,
  { name: 'a.display_name', body: 'a.dynamic_variables', etag: 'a.etag', ...TIMES },
  'agents a',
);
const WEBHOOKS = selectPart(
  WEBHOOK,
  {
    item_uuid: 'a.webhook_uuid',
    body: 'a.config',
    code: 'a.webhook_type',
    flag: 'a.disabled',
    etag: 'a.etag',
    ...TIMES,
  },
  'webhooks a',
);
const SECRETS = selectPart(
  SECRET,
  { name: 'a.name', body: 'a.sealed', key_id: 'a.key_id' },
  'agent_secrets a',
);
const HEADERS = selectPart(
  HEADER,
  { item_uuid: 'a.webhook_uuid', name: 'h.name', body: 'h.sealed', key_id: 'h.key_id' },
  'webhooks a JOIN webhook_headers h ON h.webhook_uuid = a.webhook_uuid',
);

function readParts(
  session: Session,
  parts: readonly string[],
  { sql, values }: Condition,
): Promise<readonly Row[]> {
  return session.rows(
    parts.map((part) => `${part} WHERE ${sql}`).join(' UNION ALL '),
    parts.flatMap(() => values),
  );
}

/** Makes the reads of agents that calls wait for. */
export function createAgentReads(reads: Connections): Pick<AgentStore, 'findAgent' | 'findAgentOfWebhook'> {
  return {
    findAgent: (agentUuid) => reads.read((session) => findAgent(session, agentUuid)),

    findAgentOfWebhook: (webhookUuid) =>
      reads.read(async (session) => {
        const sql = 'a.agent_uuid = (SELECT w.agent_uuid FROM webhooks w WHERE w.webhook_uuid = ?)';
        return (await loadAgents(session, { sql, values: [toBytes(webhookUuid)] }))[0];
      }),
  };
}

/** Returns an agent with its webhooks and secrets, or undefined when there is none. */
export async function findAgent(session: Session, agentUuid: string): Promise<Agent | undefined> {
  return (await loadAgents(session, { sql: 'a.agent_uuid = ?', values: [toBytes(agentUuid)] }))[0];
}

/** Loads the agents that fulfil a condition on `a.agent_uuid`, by agent_uuid ascending. */
export async function loadAgents(session: Session, where: Condition): Promise<readonly Agent[]> {
  const rows = await readParts(session, [AGENTS, WEBHOOKS, SECRETS, HEADERS], where);
  const webhooks = groupBy(toWebhooks(rows), ({ agentUuid }) => agentUuid);
  const secrets = groupBy(rows.filter(isPart(SECRET)), ownerOf);
  const agents = rows.filter(isPart(AGENT)).map((row): Agent => {
    const agentUuid = ownerOf(row);
    return {
      agentUuid,
      displayName: row.name as string,
      dynamicVariables: JSON.parse(row.body as string) as JsonObject,
      webhooks: webhooks.get(agentUuid) ?? [],
      sealedSecrets: toSealed(secrets.get(agentUuid) ?? []),
      etag: row.etag as string,
      createdAtMs: row.created_at as number,
      updatedAtMs: row.updated_at as number,
    };
  });
  return agents.toSorted((a, b) => (a.agentUuid < b.agentUuid ? -1 : 1));
}

/** Loads the webhooks that fulfil a condition on columns of `webhooks a`, by webhook_uuid ascending. */
export async function loadWebhooks(session: Session, where: Condition): Promise<readonly Webhook[]> {
  const webhooks = toWebhooks(await readParts(session, [WEBHOOKS, HEADERS], where));
  return webhooks.toSorted((a, b) => (a.webhookUuid < b.webhookUuid ? -1 : 1));
}

function ownerOf(row: Row): string {
  return toUuid(row.owner_uuid as Buffer);
}
function itemOf(row: Row): string {
  return toUuid(row.item_uuid as Buffer);
}
function isPart(part: number) {
  return (row: Row): boolean => row.part === part;
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  return Map.groupBy(items, keyOf);
}

// The pre-call webhook comes first.
function toWebhooks(rows: readonly Row[]): readonly Webhook[] {
  const headers = groupBy(rows.filter(isPart(HEADER)), itemOf);
  const webhooks = rows.filter(isPart(WEBHOOK)).toSorted((a, b) => (a.code as number) - (b.code as number));
  return webhooks.map((row) => ({
    webhookUuid: itemOf(row),
    agentUuid: ownerOf(row),
    webhookType: webhookTypes.toWord(row.code as number),
    config: JSON.parse(row.body as string) as WebhookConfig,
    sealedHeaders: toSealed(headers.get(itemOf(row)) ?? []),
    disabled: row.flag === 1,
    etag: row.etag as string,
    createdAtMs: row.created_at as number,
    updatedAtMs: row.updated_at as number,
  }));
}

// Object.fromEntries defines its keys, so even `__proto__` is an ordinary name.
function toSealed(rows: readonly Row[]): Readonly<Record<string, SealedValue>> {
  return Object.fromEntries(
    rows
      .toSorted((a, b) => ((a.name as string) < (b.name as string) ? -1 : 1))
      .map((row) => [row.name as string, { keyId: row.key_id as string, sealed: row.body as string }]),
  );
}
