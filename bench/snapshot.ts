/**
 * Measures what a long read view (a dump in one transaction, say) costs on MariaDB. The view keeps the entries that rows
 * leave behind in the indexes as they go through their states, and every query walks over those entries.
 *
 *   node bench/snapshot.ts [--executions 400000] [--step 100000]
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createConnection } from 'mysql2/promise';

import type { StoreByKind } from '../test/store/by-kind.ts';
import { startMariadb } from '../test/support/mariadb.ts';
import { aClaim, aPostCall, aPostCallOutcome } from '../test/store/samples.ts';
import { openTested, times } from '../test/store/test-database.ts';
import { medianOf } from './scale/report.ts';

const { values: args } = parseArgs({
  options: {
    executions: { type: 'string', default: '400000' },
    step: { type: 'string', default: '100000' },
  },
});
const EXECUTIONS = Number(args.executions);
const STEP = Number(args.step);
const BATCH = 200;
const ROUNDS = 5;
const PURGED_AFTER_MS = 10_000;
const START_BY_MS = 86_400_000;

const webhookUuids = times(20, () => randomUUID());

const LOOKS: readonly [string, (executions: StoreByKind) => Promise<unknown>][] = [
  ['what is overdue, for its label', (executions) => executions.findOverdue(100)],
  ['webhooks that wait', (executions) => executions.listPendingWebhooks()],
  ['rows of a webhook', (executions) => executions.listPendingPostCalls(webhookUuids[0] ?? '', 100)],
  ['count of the waiting', (executions) => executions.countPending(100_000)],
  ['count of the overdue', (executions) => executions.countOverdue(START_BY_MS)],
];

/** Accepts, claims and finishes post-calls. */
async function passThrough(executions: StoreByKind, count: number): Promise<void> {
  for (let done = 0; done < count; done += BATCH) {
    const ends = webhookUuids.flatMap((webhookUuid) =>
      times(BATCH / webhookUuids.length, () => aPostCall({ webhookUuid })),
    );
    await executions.insertPostCalls(ends);
    const claimed = ends.map((end) => ({ end, claim: aClaim(end) }));
    await executions.claimPostCalls(claimed.map(({ claim }) => claim));
    await executions.recordOutcomes(claimed.map(({ end, claim }) => aPostCallOutcome(end, claim.claim)));
  }
}

async function measure(title: string, executions: StoreByKind): Promise<void> {
  const cells = [];
  for (const [, look] of LOOKS) {
    const timings = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const beganAtMs = performance.now();
      await look(executions);
      timings.push(performance.now() - beganAtMs);
    }
    cells.push(medianOf(timings).toFixed(1));
  }
  console.log(`| ${[title, ...cells].join(' | ')} |`);
}

const server = await startMariadb();
const root = await createConnection(server.url(''));
await root.query('CREATE DATABASE callhooks');
const database = await openTested({ url: server.url('callhooks') });
await database.migrate();
const reader = await createConnection(server.url('callhooks'));

console.log(`| finished under the view, ms | ${LOOKS.map(([title]) => title).join(' | ')} |`);
console.log(`| ---: |${' ---: |'.repeat(LOOKS.length)}`);
await passThrough(database.executions, BATCH * 10);
await measure('no view', database.executions);
await reader.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
await reader.query('SELECT COUNT(*) FROM executions');
for (let ended = STEP; ended <= EXECUTIONS; ended += STEP) {
  await passThrough(database.executions, STEP);
  await measure(ended.toLocaleString('en'), database.executions);
}
await reader.query('COMMIT');
await wait(PURGED_AFTER_MS);
await measure(`${PURGED_AFTER_MS / 1000} s after it`, database.executions);

await Promise.all([database.close(), reader.end(), root.end()]);
await server.stop();
