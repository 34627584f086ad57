import type { Connections, Session } from '../../src/store/sql/connections.ts';
import type { Row } from '../../src/store/sql/dialect.ts';
import type { DatabaseOptions } from '../../src/store/database.ts';
import { aWebhook } from '../../test/store/samples.ts';
import { connectDirectly } from '../../test/store/test-database.ts';

/** The amount of data in a database. */
export interface Size {
  readonly executions: number;
  readonly agents: number;
  /** Whether some rows are pending or being sent, which is the default. A running callhooks would take those over. */
  readonly hasOpen?: boolean;
}

/** Existing keys that operations look for. */
export interface Sample {
  readonly conversations: readonly Buffer[];
  readonly executions: readonly Buffer[];
  readonly agents: readonly Buffer[];
  readonly largestAgent: Buffer;
}

/** The SQL of one engine that filling needs. */
interface Words {
  /** Returns a table `n` with one column `i`, which counts from one number to another. */
  readonly numbers: (from: number, to: number) => string;
  readonly random: (bytes: number) => string;
  readonly unhex: (digits: string) => string;
  readonly hexOf: (number: string, digits: number) => string;
  readonly concat: (...texts: string[]) => string;
}

const SQLITE: Words = {
  numbers: (from, to) =>
    `(WITH RECURSIVE c (i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM c WHERE i < ${to}) SELECT i FROM c) AS n`,
  random: (bytes) => `randomblob(${bytes})`,
  unhex: (digits) => `unhex(${digits})`,
  hexOf: (number, digits) => `printf('%0${digits}x', ${number})`,
  concat: (...texts) => texts.join(' || '),
};

const MARIADB: Words = {
  numbers: (from, to) => `(SELECT seq AS i FROM seq_${from}_to_${to}) AS n`,
  random: (bytes) => `RANDOM_BYTES(${bytes})`,
  unhex: (digits) => `UNHEX(${digits})`,
  hexOf: (number, digits) => `LPAD(HEX(${number}), ${digits}, '0')`,
  concat: (...texts) => `CONCAT(${texts.join(', ')})`,
};

const ROWS_A_STEP = 50_000;
const DAYS_30_MS = 30 * 86_400_000;
/** The number of webhooks with pending post-calls. It does not grow with the size. */
const WAITING_WEBHOOKS = 50;
const SAMPLED = 500;

/**
 * Fills a migrated, empty database with finished executions of the last 30 days, in the order of time. One in a hundred is
 * pending (in the small database one in four), some are being sent, and one in fifty belongs to the largest agent. The
 * database also holds as many purged keys.
 */
export async function fill(options: DatabaseOptions, size: Size): Promise<Sample> {
  const beside = connectDirectly({
    url: options.url ?? null,
    dataDir: options.dataDir ?? '',
    cleanup: async () => {},
  });
  const words = options.url === undefined ? SQLITE : MARIADB;
  if (options.url === undefined)
    await beside.use(async (session) => {
      for (const setting of ['cache_size = -2097152', 'synchronous = OFF'])
        await session.change(`PRAGMA ${setting}`);
    });
  const uuids = (number: string): string => words.unhex(words.hexOf(number, 32));
  await inSteps(beside, size.agents, (session, from, to) => insertAgents(session, words, uuids, from, to));
  await inSteps(beside, size.executions, (session, from, to) =>
    insertExecutions(session, words, uuids, size, from, to),
  );
  if (options.url !== undefined)
    for (const table of ['executions', 'agents', 'webhooks', 'purged_keys'])
      await beside.use((session) => session.rows(`ANALYZE TABLE ${table}`));
  const sample = await readSample(beside, size);
  await beside.close();
  return sample;
}

async function inSteps(
  beside: Connections,
  count: number,
  insert: (session: Session, from: number, to: number) => Promise<unknown>,
): Promise<void> {
  for (let from = 1; from <= count; from += ROWS_A_STEP)
    await beside.transaction((session) => insert(session, from, Math.min(count, from + ROWS_A_STEP - 1)));
}

async function insertAgents(
  session: Session,
  { numbers }: Words,
  uuids: (number: string) => string,
  from: number,
  to: number,
): Promise<void> {
  const config = JSON.stringify(aWebhook('').config);
  await session.change(
    'INSERT INTO agents (agent_uuid, display_name, dynamic_variables, etag, created_at, updated_at) ' +
      `SELECT ${uuids('n.i')}, 'bot', '{}', 'e', 0, 0 FROM ${numbers(from, to)}`,
  );
  for (const type of [1, 2])
    await session.change(
      'INSERT INTO webhooks (webhook_uuid, agent_uuid, webhook_type, config, disabled, etag, created_at, updated_at) ' +
        `SELECT ${uuids(`2 * n.i + ${type} - 1`)}, ${uuids('n.i')}, ${type}, ?, 0, 'e', 0, 0 FROM ${numbers(from, to)}`,
      [config],
    );
}

async function insertExecutions(
  session: Session,
  words: Words,
  uuids: (number: string) => string,
  { executions, agents, hasOpen = true }: Size,
  from: number,
  to: number,
): Promise<void> {
  const waitsEach = executions > 1_000_000 ? 100 : 4;
  const isWaiting = hasOpen ? `n.i % ${waitsEach} = 0` : '0 = 1';
  const isSending = hasOpen ? `n.i % 2500 = 1` : '0 = 1';
  const at = `(${Date.now()} - CAST((${executions} - n.i) * ${DAYS_30_MS / executions} AS ${words === SQLITE ? 'INTEGER' : 'SIGNED'}))`;
  const agent = uuids(
    `CASE WHEN ${isWaiting} THEN 1 + (n.i / ${waitsEach}) % ${WAITING_WEBHOOKS} WHEN n.i % 50 = 7 THEN ${agents} ELSE 1 + (n.i * 7919) % ${agents} END`,
  );
  // UUIDs begin with the time, as those of the service do.
  const v7 = words.unhex(words.concat(words.hexOf(at, 12), `hex(${words.random(10)})`));
  await session.change(
    'INSERT INTO executions (execution_uuid, conversation_uuid, webhook_type, state, state_at, accepted_at, sending_at, ' +
      'agent_uuid, webhook_uuid, waiting_webhook_uuid, claim, webhook_etag, instance, detail) ' +
      `SELECT ${v7}, ${words.random(16)}, CASE WHEN ${isWaiting} THEN 2 ELSE 1 + n.i % 2 END, ` +
      `CASE WHEN ${isWaiting} THEN 1 WHEN ${isSending} THEN 2 WHEN n.i % 20 = 3 THEN 4 ELSE 3 END, ` +
      `CASE WHEN ${isSending} THEN ${Date.now() + 10 * DAYS_30_MS} ELSE ${at} END, ${at}, ` +
      `CASE WHEN ${isWaiting} THEN NULL ELSE ${at} END, ${agent}, ${agent}, ` +
      `CASE WHEN ${isWaiting} THEN ${agent} ELSE NULL END, CASE WHEN ${isWaiting} THEN NULL ELSE ${words.random(16)} END, ` +
      `'e', 'replica-1', '{"timings":{"totalMs":12.5}}' FROM ${words.numbers(from, to)}`,
  );
  await session.change(
    'INSERT INTO purged_keys (conversation_uuid, webhook_type, purged_day) ' +
      `SELECT ${words.random(16)}, 1, 20000 FROM ${words.numbers(from, to)}`,
  );
}

// The samples are from all over the 30 days. The first rows lie together and would be in memory after a few rounds.
async function readSample(beside: Connections, { agents }: Size): Promise<Sample> {
  const rows: Row[] = [];
  while (rows.length < SAMPLED) {
    const from = Buffer.alloc(16);
    from.writeUIntBE(Date.now() - Math.floor((0.05 + Math.random() * 0.9) * DAYS_30_MS), 0, 6);
    const found = await beside.use((session) =>
      session.rows(
        'SELECT execution_uuid, conversation_uuid, agent_uuid FROM executions ' +
          'WHERE execution_uuid > ? AND +state = 3 ORDER BY execution_uuid LIMIT 1',
        [from],
      ),
    );
    rows.push(...found);
  }
  return {
    conversations: rows.map((row) => row.conversation_uuid as Buffer),
    executions: rows.map((row) => row.execution_uuid as Buffer),
    agents: rows.map((row) => row.agent_uuid as Buffer),
    largestAgent: Buffer.from(agents.toString(16).padStart(32, '0'), 'hex'),
  };
}
