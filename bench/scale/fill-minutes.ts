import { randomBytes } from 'node:crypto';
import type { DatabaseOptions } from '../../src/store/database.ts';
import { connectDirectly } from '../../test/store/test-database.ts';

const WRITERS = 10;
const SPANS = [
  { span: 1, minutes: 120 },
  { span: 15, minutes: 25 * 60 },
] as const;
const MINUTE_MS = 60_000;
const WEBHOOKS = 20;

/** Fills `execution_minutes` with all rows of ten busy replicas: the minutes of two hours, and the quarters of a day. */
export async function fillMinutes(options: DatabaseOptions): Promise<void> {
  const beside = connectDirectly({
    url: options.url ?? null,
    dataDir: options.dataDir ?? '',
    cleanup: async () => {},
  });
  const writers = Array.from({ length: WRITERS }, () => randomBytes(16));
  const text = busyCounts();
  const now = Math.floor(Date.now() / MINUTE_MS);
  const marks = writers.map(() => '(?, ?, ?, ?)').join(', ');
  await beside.transaction(async (session) => {
    for (const { span, minutes } of SPANS)
      for (let minute = now - minutes - (now % span); minute <= now; minute += span)
        await session.change(
          `INSERT INTO execution_minutes (span, minute, writer, counts) VALUES ${marks}`,
          writers.flatMap((writer) => [span, minute, writer, text]),
        );
  });
  await beside.close();
}

/** Returns the counts of a minute in which everything happened that a row can tell. */
function busyCounts(): string {
  const latency = Array.from({ length: 60 }, (_, at) => [at, 7]).flat();
  const uuid = (at: number): string => `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`;
  return JSON.stringify({
    pre_call: { outcomes: { succeeded: 5_000, failed: 50, rejected: 10, interrupted: 1 }, latency },
    post_call: { outcomes: { succeeded: 5_000, failed: 40 }, latency },
    failures: { TIMEOUT: 50, CONNECT: 40 },
    refusals: { LIMIT_REACHED: 12, VALIDATION_FAILED: 3 },
    webhooks: Array.from({ length: WEBHOOKS }, (_, at) => [uuid(at), uuid(at), 5]),
    otherWebhooks: 7,
  });
}
