/**
 * Measures whether claims, takeover, lists and purge keep their speed as tables grow. Each operation of the store runs
 * against a small and a large database, in turn, in one process. The ratio of the two medians is the result.
 *
 *   node bench/scale.ts [--executions 5000000] [--agents 200000] [--rounds 41] [--engine sqlite|mariadb]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { DatabaseOptions } from '../src/store/database.ts';

import { startMariadb } from '../test/support/mariadb.ts';
import { connectDirectly, openTested, type TestedDatabase } from '../test/store/test-database.ts';
import { fill, type Size } from './scale/fill.ts';
import { operations, type Filled } from './scale/operations.ts';
import { medianOf, toTable, type Line } from './scale/report.ts';

const { values: args } = parseArgs({
  options: {
    executions: { type: 'string', default: '5000000' },
    agents: { type: 'string', default: '200000' },
    rounds: { type: 'string', default: '41' },
    engine: { type: 'string' },
  },
});
const LARGE: Size = { executions: Number(args.executions), agents: Number(args.agents) };
const SMALL: Size = { executions: 20_000, agents: 1_000 };
const ROUNDS = Number(args.rounds);
const WARM_UP_ROUNDS = 3;

/** The two databases of one engine; `close` removes them. */
interface Place {
  readonly small: DatabaseOptions;
  readonly large: DatabaseOptions;
  close(): Promise<void>;
}

async function placeOnSqlite(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'callhooks-scale-'));
  return {
    small: { dataDir: join(folder, 'small') },
    large: { dataDir: join(folder, 'large') },
    close: () => rm(folder, { recursive: true }),
  };
}

async function placeOnMariadb(): Promise<Place> {
  const server = await startMariadb(['--innodb-buffer-pool-size=1G', '--innodb-log-file-size=1G']);
  const root = connectDirectly({ url: server.url(''), dataDir: '', cleanup: () => Promise.resolve() });
  for (const name of ['small', 'large'])
    await root.use((session) => session.change(`CREATE DATABASE ${name}`));
  await root.close();
  return { small: { url: server.url('small') }, large: { url: server.url('large') }, close: server.stop };
}

const PLACES = { sqlite: placeOnSqlite, mariadb: placeOnMariadb };

async function prepare(options: DatabaseOptions, size: Size): Promise<Filled & { database: TestedDatabase }> {
  const database = await openTested(options);
  await database.migrate();
  const sample = await fill(options, size);
  return { database, executions: database.executions, agents: database.agents, sample };
}

async function measure(engine: keyof typeof PLACES): Promise<void> {
  const place = await PLACES[engine]();
  const startedAtMs = performance.now();
  const small = await prepare(place.small, SMALL);
  const large = await prepare(place.large, LARGE);
  const seconds = Math.round((performance.now() - startedAtMs) / 1000);
  console.log(`\n${engine}: filled in ${seconds} s`);
  const lines: Line[] = [];
  for (const { title, make } of operations) {
    const times = { small: [] as number[], large: [] as number[] };
    for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
      // The two take turns in going first, so that neither always finds the caches that the other left.
      const order = round % 2 === 0 ? (['small', 'large'] as const) : (['large', 'small'] as const);
      for (const which of order) {
        const run = await make(which === 'small' ? small : large);
        const beganAtMs = performance.now();
        await run();
        if (round >= 0) times[which].push(performance.now() - beganAtMs);
      }
    }
    lines.push({ title, smallMs: medianOf(times.small), largeMs: medianOf(times.large), large: times.large });
  }
  console.log(toTable(lines));
  await small.database.close();
  await large.database.close();
  await place.close();
}

console.log(
  `${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node.js ${process.version}; ` +
    `small: ${JSON.stringify(SMALL)}, large: ${JSON.stringify(LARGE)}, median of ${ROUNDS} pairs`,
);
for (const engine of ['sqlite', 'mariadb'] as const)
  if (args.engine === undefined || args.engine === engine) await measure(engine);
