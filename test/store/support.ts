import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { NewAgent } from '../../src/store/agent-store.ts';
import type { Database } from '../../src/store/database.ts';
import type { ExecutionStore, OverdueExecution } from '../../src/store/execution-store.ts';
import type { NewPostCall, NewStart, Outcome } from '../../src/store/write-batch.ts';
import type { Agent, Webhook } from '../../src/domain/agent.ts';
import type { CallDetails, StartVariables } from '../../src/domain/call.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { openDatabase, type DatabaseOptions } from '../../src/store/database.ts';
import { STATE, TYPE, toBytes } from '../../src/store/sql/column-values.ts';
import type { Connections, Session } from '../../src/store/sql/connections.ts';
import { openMysqlPool } from '../../src/store/sql/mysql.ts';
import { createMysqlConnections } from '../../src/store/sql/mysql-connections.ts';
import { inParts, marks } from '../../src/store/sql/sql.ts';
import { createSqliteConnections, openSqliteFile } from '../../src/store/sql/sqlite-file.ts';
import type { Engine, FreshDatabase } from '../support/engines.ts';
import { byKind, type StoreByKind } from './by-kind.ts';

/** A migrated database of one suite. */
export interface TestDatabase {
  readonly database: TestedDatabase;
  readonly fresh: FreshDatabase;
  close(): Promise<void>;
}

/** A database whose executions have a function for each kind of write. */
export interface TestedDatabase extends Database {
  readonly executions: StoreByKind;
}

/** Opens a database with a function for each kind of write. */
export async function openTested(options: DatabaseOptions): Promise<TestedDatabase> {
  const database = await openDatabase(options);
  return { ...database, executions: byKind(database.executions) };
}

/** Returns the options with which `openDatabase` opens a fresh database. */
export function optionsOf({ url, dataDir }: FreshDatabase): DatabaseOptions {
  return url === null ? { dataDir } : { url };
}

/** Opens a new, migrated database. */
export async function openFresh(engine: Engine, options: DatabaseOptions = {}): Promise<TestDatabase> {
  const fresh = await engine.freshDatabase();
  const database = await openTested({ ...optionsOf(fresh), ...options });
  await database.migrate();
  return {
    database,
    fresh,
    close: async () => {
      await database.close();
      await fresh.cleanup();
    },
  };
}

/** Returns a start as its claim inserts it. */
export function aStart(change: Partial<TestedStart> = {}): TestedStart {
  const start = change.start ?? A_START;
  return { ...startWithout(), ...change, start, startJson: JSON.stringify(start) };
}

/** A start whose variables can be compared. */
export interface TestedStart extends NewStart {
  readonly start: StartVariables;
}

const A_START: StartVariables = {
  callerPhone: '+49301234567',
  variables: { name: 'Ada' },
  sources: { name: 'default' },
};

function startWithout(): Omit<NewStart, 'startJson'> {
  return {
    executionUuid: randomUUID(),
    agentUuid: randomUUID(),
    conversationUuid: randomUUID(),
    webhook: {
      webhookUuid: randomUUID(),
      webhookEtag: 'etag-1',
      failurePolicy: 'proceed',
      timeLimitMs: 10_000,
      timeLimitSource: 'config',
    },
    instance: 'replica-1',
  };
}

/** Returns a start whose webhook has this time limit. With -5,000 it is overdue at once. */
export function aStartWithLimit(timeLimitMs: number, change: Partial<TestedStart> = {}): TestedStart {
  const start = aStart(change);
  return { ...start, webhook: { ...(start.webhook as NonNullable<NewStart['webhook']>), timeLimitMs } };
}

/** Returns a start for which no webhook runs. */
export function aStartWithoutWebhook(change: Partial<TestedStart> = {}): TestedStart {
  const { webhook: _, ...start } = aStart(change);
  return start;
}

/** Returns a post-call as it is accepted. */
export function aPostCall(change: Partial<TestedPostCall> = {}): TestedPostCall {
  const details = change.details ?? DETAILS;
  return { ...postCallWithout(), ...change, details, detailsJson: JSON.stringify(details) };
}

/** A post-call whose details can be compared. */
export interface TestedPostCall extends NewPostCall {
  readonly details: CallDetails;
}

const DETAILS: CallDetails = {
  callerPhone: '+49301234567',
  metadata: {},
  dynamicVariables: {},
  callDurationSecs: 12.5,
  callSummary: 'ok',
};

function postCallWithout(): Omit<NewPostCall, 'detailsJson'> {
  return {
    executionUuid: randomUUID(),
    agentUuid: randomUUID(),
    conversationUuid: randomUUID(),
    webhookUuid: randomUUID(),
    instance: 'replica-1',
  };
}

/** Returns a successful outcome of a start. Its claim is its uuid. */
export function anOutcome(start: { executionUuid: string }, change: Partial<Outcome> = {}): Outcome {
  return {
    executionUuid: start.executionUuid,
    webhookType: 'pre_call',
    claim: start.executionUuid,
    state: 'succeeded',
    webhookEtag: 'etag-1',
    timings: { queuedMs: 0.25, totalMs: 12.125 },
    missingVariables: [],
    missedAssignments: [],
    durationMs: 250,
    ...change,
  };
}

/** Returns a successful outcome of a claimed post-call. */
export function aPostCallOutcome(
  postCall: NewPostCall,
  claim: string,
  change: Partial<Outcome> = {},
): Outcome {
  return anOutcome(postCall, { webhookType: 'post_call', claim, ...change });
}

/** Returns the claim of a pending post-call. */
export function aClaim(
  postCall: { executionUuid: string },
  claim: string = randomUUID(),
  timeLimitMs = 5_000,
) {
  return {
    executionUuid: postCall.executionUuid,
    claim,
    webhookEtag: 'etag-2',
    timeLimitMs,
    instance: 'replica-2',
  };
}

/** Returns a webhook of an agent. */
export function aWebhook(agentUuid: string, change: Partial<Webhook> = {}): Webhook {
  return {
    webhookUuid: randomUUID(),
    agentUuid,
    webhookType: 'pre_call',
    config: {
      apiSchema: {
        url: 'https://api.example.com/',
        method: 'POST',
        requestHeaders: { 'X-B': '1', 'X-a': '2' },
      },
      assignments: [],
      responseTimeoutSecs: 10,
      failurePolicy: 'proceed',
      signingSecretNames: [],
    },
    sealedHeaders: {},
    disabled: false,
    etag: 'w-1',
    createdAtMs: 0,
    updatedAtMs: 0,
    ...change,
  };
}

/** Returns an agent without webhooks. */
export function anAgent(change: Partial<Agent> = {}): NewAgent {
  return {
    agentUuid: randomUUID(),
    displayName: 'Support bot',
    dynamicVariables: {} as JsonObject,
    webhooks: [],
    sealedSecrets: {},
    etag: 'a-1',
    ...change,
  };
}

/** Opens connections of the test's own, to read and change rows past the store. Close them before the database. */
export function connectDirectly({ url, dataDir }: FreshDatabase): Connections {
  return url === null
    ? createSqliteConnections(openSqliteFile(join(dataDir, 'callhooks.db'))).background
    : createMysqlConnections(openMysqlPool({ url, poolSize: 4, limitMs: 20_000, causal: false }));
}

/** Marks overdue executions interrupted, as the engine does when it runs none of them. Returns the marked ones. */
export async function interruptOverdue(
  store: Pick<ExecutionStore, 'findOverdue' | 'interruptOverdue'>,
  limit = 100,
): Promise<readonly OverdueExecution[]> {
  const overdue = await store.findOverdue(limit);
  const interrupted = await store.interruptOverdue(overdue.map(({ executionUuid }) => executionUuid));
  return overdue.filter(({ executionUuid }) => interrupted.includes(executionUuid));
}

/** Makes so many of something. */
export function times<T>(count: number, make: (at: number) => T): T[] {
  return Array.from({ length: count }, (_, at) => make(at));
}

/** Returns what a promise is rejected with, and fails when it is not rejected. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const [result] = await Promise.allSettled([promise]);
  if (result.status === 'fulfilled') throw new Error('it was not rejected');
  return result.reason;
}

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
