import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { addAt, addOutcome, addWord, createCounts, type Counts } from '../../../src/engine/minutes/counts.ts';
import { toText } from '../../../src/engine/minutes/counts-text.ts';
import { bucketOf } from '../../../src/engine/minutes/latency-buckets.ts';
import type * as pb from '../../../src/gen/index.callhooks.v1.ts';

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;
// Twenty minutes ago the endpoint was slow and failed for a while.
const TROUBLE = { from: 26, to: 17 };

/** Writes what a replica would have counted in the last day, into the database of a server that does not run. */
export function seedMinutes(dataDir: string, agent: pb.Agent): void {
  const random = createRandom(7);
  const database = new SqliteDatabase(join(dataDir, 'callhooks.db'), { timeout: 5_000 });
  const insert = database.prepare('INSERT INTO execution_minutes (minute, writer, counts) VALUES (?, ?, ?)');
  const writer = randomBytes(16);
  const now = Math.floor(Date.now() / MINUTE_MS);
  database.transaction(() => {
    for (let ago = DAY_MINUTES; ago > 0; ago -= 1)
      insert.run(now - ago, writer, toText(countsOf(ago, agent, random)));
  })();
  database.close();
}

function countsOf(ago: number, { agentUuid, webhooks }: pb.Agent, random: () => number): Counts {
  const counts = createCounts();
  const isTrouble = ago <= TROUBLE.from && ago >= TROUBLE.to;
  const calls = Math.round(30 + 12 * Math.sin(ago / 200) + 10 * random());
  for (let i = 0; i < calls; i += 1) {
    const chance = random();
    const { outcome, code } = outcomeOf(chance, isTrouble);
    addOutcome(counts.byType.pre_call, outcome);
    addAt(counts.byType.pre_call.latency, bucketOf((isTrouble ? 600 : 90) * (0.6 + random() ** 6 * 4)), 1);
    if (code !== undefined) {
      addWord(counts.failures, code);
      counts.webhooks.add(webhooks[0]?.webhookUuid ?? '', agentUuid, 1);
    }
    const isFailed = random() < 0.01;
    addOutcome(counts.byType.post_call, isFailed ? 'failed' : 'succeeded');
    addAt(counts.byType.post_call.latency, bucketOf(140 * (0.6 + random() ** 6 * 6)), 1);
    if (isFailed) {
      addWord(counts.failures, 'HTTP_STATUS');
      counts.webhooks.add(webhooks[1]?.webhookUuid ?? '', agentUuid, 1);
    }
  }
  if (isTrouble) addWord(counts.refusals, 'LIMIT_REACHED', 3);
  if (ago % 97 === 0) addWord(counts.refusals, 'AGENT_NOT_FOUND');
  return counts;
}

function outcomeOf(chance: number, isTrouble: boolean) {
  if (chance < (isTrouble ? 0.35 : 0.012)) return { outcome: 'degraded', code: 'TIMEOUT' } as const;
  if (chance < (isTrouble ? 0.42 : 0.016)) return { outcome: 'blocked', code: 'HTTP_STATUS' } as const;
  if (chance > 0.98) return { outcome: 'rejected', code: undefined } as const;
  return { outcome: 'succeeded', code: undefined } as const;
}

/** Returns a function that returns the same numbers from 0 to 1 in each run (Park and Miller). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}
