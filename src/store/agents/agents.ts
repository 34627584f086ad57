import type { Agent } from '../../domain/agent.ts';
import { CallhooksError, DatabaseError } from '../../errors.ts';
import { createAgentReads, findAgent, loadAgents, loadWebhooks } from './read-agents.ts';
import type { Connections, Session } from '../sql/connections.ts';
import type { Dialect, Row } from '../sql/dialect.ts';
import { cutPage } from '../sql/cut-page.ts';
import { marks } from '../sql/sql.ts';
import type { AgentStore, NewAgent } from '../agent-store.ts';
import { toBytes, toUuid } from '../sql/column-values.ts';
import { deleteAgent, insertAgentRow, updateAgent, writeChildren } from './write-agent.ts';

/** Makes the store of agents. Calls use the connections `reads`, and everything else uses `admin`. */
export function createAgentStore(reads: Connections, admin: Connections, dialect: Dialect): AgentStore {
  const nowMs = async (session: Session): Promise<number> =>
    (await session.rows(`SELECT ${dialect.now} AS now_ms`))[0]?.now_ms as number;

  return {
    ...createAgentReads(reads),

    insertAgent: (newAgent) =>
      admin.transaction(async (session) => {
        const agent = stampAgent(newAgent, await nowMs(session));
        await insertAgentRow(session, agent).catch((error: unknown) => {
          throw isDuplicate(dialect, error) ? agentExists(agent.agentUuid) : error;
        });
        await writeChildren(session, undefined, agent);
        return agent;
      }),

    findUrls: (webhookUuids) =>
      admin.read(async (session) => {
        const rows = await session.rows(
          `SELECT webhook_uuid, ${dialect.jsonText('config', '$.apiSchema.url')} AS url FROM webhooks ` +
            `WHERE webhook_uuid IN (${marks(webhookUuids.length)}) AND disabled = 0`,
          webhookUuids.map(toBytes),
        );
        return new Map(rows.map((row) => [toUuid(row.webhook_uuid as Buffer), row.url as string]));
      }),

    readForChange: (agentUuid) =>
      admin.read(async (session) => {
        const agent = await findAgent(session, agentUuid);
        return { ...(agent === undefined ? {} : { agent }), nowMs: await nowMs(session) };
      }),

    replaceAgent: (before, after) =>
      admin.transaction(async (session) => {
        const lock = `SELECT etag FROM agents WHERE agent_uuid = ? ${dialect.forUpdate}`;
        const [stored] = await session.rows(lock, [toBytes(before.agentUuid)]);
        if (stored?.etag !== before.etag) return 'stale';
        if (after === undefined) await deleteAgent(session, before);
        else await updateAgent(session, before, after);
        return 'changed';
      }),

    listAgents: (pageSize, after) =>
      admin.read(async (session) => {
        // The sizes are read first: a page of the largest agents would be 200 MiB.
        const sizes = await session.rows(
          `SELECT agent_uuid, ${AGENT_BYTES} AS bytes FROM agents ` +
            `${after === undefined ? '' : 'WHERE agent_uuid > ? '}ORDER BY agent_uuid LIMIT ?`,
          [...(after === undefined ? [] : [toBytes(after)]), pageSize + 1],
        );
        const { items, isCut } = cutPage(sizes, pageSize, bytesOf);
        const where = uuidsIn('a.agent_uuid', items, 'agent_uuid');
        const agents = items.length === 0 ? [] : await loadAgents(session, where);
        return pageOf(agents, isCut, items, 'agent_uuid');
      }),

    listWebhooks: (agentUuid, pageSize, after) =>
      admin.read(async (session) => {
        const conditions = [
          ...(agentUuid === undefined ? [] : ['agent_uuid = ?']),
          ...(after === undefined ? [] : ['webhook_uuid > ?']),
        ];
        const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')} `;
        const uuids = [agentUuid, after].filter((uuid) => uuid !== undefined).map(toBytes);
        const sizes = await session.rows(
          `SELECT webhook_uuid, ${WEBHOOK_BYTES} AS bytes FROM webhooks ${where}ORDER BY webhook_uuid LIMIT ?`,
          [...uuids, pageSize + 1],
        );
        const { items, isCut } = cutPage(sizes, pageSize, bytesOf);
        const found = uuidsIn('a.webhook_uuid', items, 'webhook_uuid');
        const webhooks = items.length === 0 ? [] : await loadWebhooks(session, found);
        return pageOf(webhooks, isCut, items, 'webhook_uuid');
      }),
  };
}

function stampAgent(agent: NewAgent, nowMs: number): Agent {
  return {
    ...agent,
    webhooks: agent.webhooks.map((webhook) => ({ ...webhook, createdAtMs: nowMs, updatedAtMs: nowMs })),
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
}

function isDuplicate(dialect: Dialect, error: unknown): boolean {
  return error instanceof DatabaseError && dialect.isDuplicateKey(error.cause);
}

function agentExists(name: string): CallhooksError {
  return new CallhooksError('AGENT_EXISTS', 'there is an agent with this agent_uuid', {
    resource: { type: 'agent', name },
  });
}

// The bytes of all that is read of a webhook, and of an agent: a page has to fit into memory, not only into its reply.
const WEBHOOK_BYTES =
  'LENGTH(config) + COALESCE((SELECT SUM(LENGTH(h.sealed)) FROM webhook_headers h ' +
  'WHERE h.webhook_uuid = webhooks.webhook_uuid), 0)';
const AGENT_BYTES =
  `LENGTH(dynamic_variables) + COALESCE((SELECT SUM(${WEBHOOK_BYTES}) FROM webhooks ` +
  'WHERE webhooks.agent_uuid = agents.agent_uuid), 0) + COALESCE((SELECT SUM(LENGTH(s.sealed)) FROM agent_secrets s ' +
  'WHERE s.agent_uuid = agents.agent_uuid), 0)';

// MySQL answers a sum as a text.
function bytesOf(row: Row): number {
  return Number(row.bytes);
}

function uuidsIn(column: string, rows: readonly Row[], name: string) {
  return {
    sql: `${column} IN (${marks(rows.length)})`,
    values: rows.map((row) => row[name] as Buffer),
  };
}

function pageOf<T>(items: readonly T[], isCut: boolean, rows: readonly Row[], name: string) {
  const last = rows.at(-1);
  return { items, ...(isCut && last !== undefined ? { next: toUuid(last[name] as Buffer) } : {}) };
}
