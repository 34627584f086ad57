import { randomUUID } from 'node:crypto';
import { STATE, TYPE, toBytes } from '../../src/store/sql/column-values.ts';
import type { Connections, Session } from '../../src/store/sql/connections.ts';
import { inParts, marks } from '../../src/store/sql/sql.ts';
import type { FreshDatabase } from '../support/engines.ts';

import { connectDirectly, times } from './test-database.ts';

/** Fills the tables of agents past the store: so many agents, each with two webhooks, a secret and a header of each webhook. */
export async function fillAgents(fresh: FreshDatabase, count: number): Promise<void> {
  const direct = connectDirectly(fresh);
  const agents = times(count, () => ({ agent: randomBytes16(), webhooks: times(2, randomBytes16) }));
  const webhooks = agents.flatMap(({ agent, webhooks }) =>
    webhooks.map((webhook, at) => ({ webhook, agent, type: at + 1 })),
  );
  await direct.transaction(async (session) => {
    const fill = async (into: string, rows: readonly (string | number | Buffer)[][]): Promise<void> => {
      for (const part of inParts(rows, 500)) {
        const tuples = part.map((row) => `(${marks(row.length)})`).join(', ');
        await session.change(`INSERT INTO ${into} VALUES ${tuples}`, part.flat());
      }
    };
    await fill(
      'agents (agent_uuid, display_name, dynamic_variables, etag, created_at, updated_at)',
      agents.map(({ agent }) => [agent, 'Support bot', '{}', 'e', 1, 1]),
    );
    await fill(
      'webhooks (webhook_uuid, agent_uuid, webhook_type, config, disabled, etag, created_at, updated_at)',
      webhooks.map(({ webhook, agent, type }) => [webhook, agent, type, '{}', 0, 'e', 1, 1]),
    );
    await fill(
      'agent_secrets (agent_uuid, name, key_id, sealed)',
      agents.map(({ agent }) => [agent, 'token', 'k', 's']),
    );
    await fill(
      'webhook_headers (webhook_uuid, name, key_id, sealed)',
      webhooks.map(({ webhook }) => [webhook, 'authorization', 'k', 's']),
    );
  });
  await analyze(direct, fresh, ['agents', 'webhooks', 'agent_secrets', 'webhook_headers']);
  await direct.close();
}

/** Fills `executions` past the store with so many rows of each state in turn, of a few agents and webhooks. */
export async function fillExecutions(fresh: FreshDatabase, count: number): Promise<void> {
  const direct = connectDirectly(fresh);
  const agents = times(20, randomBytes16);
  const nowMs = Date.now();
  for (let from = 0; from < count; from += 500)
    await direct.transaction(async (session) => {
      const rows = times(Math.min(500, count - from), (at) => toFilling(from + at, nowMs, agents));
      const tuples = rows.map((row) => `(${marks(row.length)})`).join(', ');
      await session.change(`INSERT INTO executions (${FILLING}) VALUES ${tuples}`, rows.flat());
      const keys = rows.map(([uuid]) => uuid ?? null);
      const lists: [string, string][] = [
        ['execution_starts (start_json, execution_uuid)', "('{}', ?)"],
        ['execution_details (details, execution_uuid)', "('{}', ?)"],
        ['execution_records (execution_uuid)', '(?)'],
        ['purged_keys (webhook_type, purged_day, conversation_uuid)', '(1, 1, ?)'],
      ];
      for (const [into, tuple] of lists)
        await session.change(`INSERT INTO ${into} VALUES ${keys.map(() => tuple).join(', ')}`, keys);
    });
  await analyze(direct, fresh, ['executions', 'purged_keys']);
  await direct.close();
}

// SQLite never runs ANALYZE in production. InnoDB keeps its statistics by itself.
async function analyze(
  direct: Connections,
  { url }: FreshDatabase,
  tables: readonly string[],
): Promise<void> {
  if (url !== null) await direct.use((session) => session.rows(`ANALYZE TABLE ${tables.join(', ')}`));
}

/**
 * Inserts a row past the store whose time (see `state_at`) was over so long ago, and returns its execution_uuid. With
 * `isHidden` no sender finds the accepted row.
 */
export async function insertOpenRow(
  session: Session,
  state: 'accepted' | 'sending',
  agoMs: number,
  isHidden = false,
): Promise<Buffer> {
  const [uuid, webhook] = [randomBytes16(), randomBytes16()];
  const atMs = Date.now() - agoMs;
  const isPostCall = state === 'accepted';
  const values = [
    ...[uuid, randomBytes16(), isPostCall ? TYPE.post_call : TYPE.pre_call, STATE[state], atMs, atMs],
    ...[isPostCall ? null : atMs, randomBytes16(), webhook, isPostCall && !isHidden ? webhook : null],
    ...[isPostCall ? null : uuid, 'e', 'i'],
  ];
  await session.change(`INSERT INTO executions (${FILLING}) VALUES (${marks(values.length)})`, values);
  return uuid;
}

function randomBytes16(): Buffer {
  return toBytes(randomUUID());
}

const FILLING =
  'execution_uuid, conversation_uuid, webhook_type, state, state_at, accepted_at, sending_at, agent_uuid, ' +
  'webhook_uuid, waiting_webhook_uuid, claim, webhook_etag, instance';

// Half of the rows are open: accepted and sending in turn, in time and overdue.
function toFilling(
  at: number,
  nowMs: number,
  agents: readonly Buffer[],
): (number | string | Buffer | null)[] {
  const state = [1, 2, 3, 4][at % 4] as number;
  const isPostCall = state === 1 || at % 8 === 3;
  const agent = agents[at % agents.length] as Buffer;
  const acceptedAtMs = nowMs + Math.floor(at / 3);
  const stateAtMs = state === 2 ? acceptedAtMs + 3_600_000 : acceptedAtMs;
  const claim = state === 1 ? null : randomBytes16();
  return [
    randomBytes16(),
    randomBytes16(),
    isPostCall ? 2 : 1,
    state,
    stateAtMs,
    acceptedAtMs,
    state === 1 ? null : acceptedAtMs,
    agent,
    agent,
    state === 1 ? agent : null,
    claim,
    'e',
    'i',
  ];
}
