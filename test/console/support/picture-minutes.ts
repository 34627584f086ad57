import { randomUUID } from 'node:crypto';
import {
  addAt,
  addOutcome,
  addWord,
  createCounts,
  sumOf,
  type Counts,
} from '../../../src/engine/minutes/counts.ts';
import { toText } from '../../../src/engine/minutes/counts-text.ts';
import { bucketOf } from '../../../src/engine/minutes/latency-buckets.ts';
import { openDatabase } from '../../../src/store/database.ts';
import type * as pb from '../../../src/gen/index.callhooks.v1.ts';

const MINUTE_MS = 60_000;
const QUARTER = 15;
const DAY_MINUTES = 24 * 60;
// Twenty minutes ago the endpoint was slow and failed for a while.
const TROUBLE = { from: 26, to: 17 };

/** Writes what a replica would have counted in the last day, into the database of a server that does not run. */
export async function seedMinutes(dataDir: string, agent: pb.Agent): Promise<void> {
  const random = createRandom(7);
  const writer = randomUUID();
  const now = Math.floor(Date.now() / MINUTE_MS);
  const minutes = Array.from({ length: DAY_MINUTES }, (_, i) => {
    const ago = DAY_MINUTES - i;
    return { minute: now - ago, counts: countsOf(ago, agent, random) };
  });
  const quarters = Map.groupBy(minutes, ({ minute }) => minute - (minute % QUARTER));
  const database = await openDatabase({ dataDir });
  await database.minutes.writeMinutes([
    ...minutes.map(({ minute, counts }) => ({ span: 1, minute, writer, counts: toText(counts) }) as const),
    ...Array.from(quarters, ([minute, parts]) => {
      const counts = toText(sumOf(parts.map((part) => part.counts)));
      return { span: QUARTER, minute, writer, counts } as const;
    }),
  ]);
  await database.close();
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
