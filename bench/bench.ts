/**
 * Measures what callhooks costs and how much load it takes, side by side with a bare server; see bench/README.md.
 *
 *   node bench/bench.ts [--only start,overload] [--engine sqlite] [--pairs 15] [--seconds 5] [--save last] [--unpinned] [--quick]
 */
import { parseArgs } from 'node:util';
import type { Figure } from './rig/figures.ts';
import { describeMachine } from './rig/machine.ts';
import { readResults, toLines, worseThan, writeResults } from './rig/results.ts';
import { createRig, type Effort, type Rig } from './rig/rig.ts';
import type { Engine } from './rig/servers.ts';
import { QUICK, SCENARIOS } from './scenarios/scenarios.ts';

const { values: args } = parseArgs({
  options: {
    only: { type: 'string' },
    engine: { type: 'string' },
    pairs: { type: 'string' },
    seconds: { type: 'string' },
    callers: { type: 'string', default: '128' },
    'warm-up': { type: 'string', default: '20000' },
    overload: { type: 'string' },
    minutes: { type: 'string', default: '10' },
    save: { type: 'string' },
    unpinned: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
  },
});

const effort: Effort = {
  pairs: Number(args.pairs ?? (args.quick ? 5 : 15)),
  seconds: Number(args.seconds ?? (args.quick ? 3 : 5)),
  callers: Number(args.callers),
  warmUpCalls: Number(args['warm-up']),
  engines: args.engine ? [args.engine as Engine] : args.quick ? ['sqlite'] : ['sqlite', 'mariadb'],
  overloadSeconds: Number(args.overload ?? (args.quick ? 10 : 30)),
  minutes: Number(args.minutes),
  isQuick: args.quick,
};
const names = args.only?.split(',') ?? (args.quick ? QUICK : SCENARIOS.map(({ name }) => name));
const unknown = names.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
if (unknown.length > 0)
  throw new Error(
    `no scenario ${unknown.join(', ')}; there are: ${SCENARIOS.map(({ name }) => name).join(', ')}`,
  );

/** Runs the chosen scenarios, one after the other. When one fails, the others still run. */
async function runAll(rig: Rig): Promise<{ figures: Figure[]; details: Record<string, unknown> }> {
  const figures: Figure[] = [];
  const details: Record<string, unknown> = {};
  for (const { name, run } of SCENARIOS.filter((scenario) => names.includes(scenario.name))) {
    rig.log(`--- ${name}`);
    try {
      const found = await run(rig);
      figures.push(...found.figures);
      details[name] = found.details;
    } catch (error) {
      console.error(`${name} failed:`, error);
      process.exitCode = 1;
    }
  }
  return { figures, details };
}

const machine = describeMachine();
console.log(
  `${machine.cores} × ${machine.cpu}, ${machine.memoryGib} GiB, Linux ${machine.kernel}; Node.js ${machine.node}, ` +
    `MariaDB ${machine.mariadb}, ${machine.go}; fdatasync p50 ${machine.fdatasyncMs.p50.toFixed(2)} ms, ` +
    `p99 ${machine.fdatasyncMs.p99.toFixed(2)} ms; callhooks ${machine.commit}`,
);
const rig = await createRig(effort, !args.unpinned);
const { figures, details } = await runAll(rig);
await rig.close();

const before = readResults('last') ?? readResults('before');
console.log(toLines(figures, before).join('\n'));
if (args.save !== undefined)
  writeResults(args.save, { takenAt: new Date().toISOString(), machine, figures, details });
if (args.quick) {
  const worse = worseThan(before, figures);
  for (const { key } of worse) console.log(`worse than the committed result by over 10 %: ${key}`);
  if (worse.length > 0) process.exitCode = 1;
}
