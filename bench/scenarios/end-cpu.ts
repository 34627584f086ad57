import { setTimeout as wait } from 'node:timers/promises';
import { figureOf, type Figure } from '../rig/figures.ts';
import { END } from '../rig/agent.ts';
import { beginCounting, measure, prove, untilSent } from '../rig/measured-run.ts';
import { cpuMsOf } from '../rig/processes.ts';
import type { Rig, Scenario, Stand } from '../rig/rig.ts';
import type { Engine } from '../rig/servers.ts';
import { spreadOf } from '../rig/statistics.ts';

const ENDS = 20_000;
const RECORDED_AFTER_MS = 500;

/**
 * Measures the whole cost of a report that is accepted, sent and recorded: the CPU time of callhooks and its database server
 * ÷ the CPU time that bare Node takes for a start with its post.
 */
export const endCpu: Scenario = {
  name: 'end-cpu',
  run: async (rig) => {
    const figures: Figure[] = [];
    const details: Record<string, unknown> = {};
    for (const engine of rig.effort.engines) {
      const stand = await rig.stand(engine);
      const runs: { endUs: number; bareUs: number }[] = [];
      for (let pair = 0; pair < Math.ceil(rig.effort.pairs / 3); pair += 1)
        runs.push({ endUs: await costOfEnd(rig, stand), bareUs: await costOfPost(rig, stand) });
      const ratios = spreadOf(runs.map(({ endUs, bareUs }) => endUs / bareUs));
      rig.log(
        `${engine}: an end costs ${ratios.median.toFixed(2)} × bare's post: ${JSON.stringify(runs[0])}`,
      );
      figures.push(figureOf(`end-cpu-${engine}` satisfies `end-cpu-${Engine}`, ratios));
      details[engine] = runs;
    }
    return { figures, details };
  },
};

/**
 * Returns the microseconds that all processes took for one report. They are read after the last report is sent and
 * before the rows are counted.
 */
async function costOfEnd(rig: Rig, { subject }: Stand): Promise<number> {
  const { generator } = rig;
  const pids = [subject.pid, ...(subject.databasePid === undefined ? [] : [subject.databasePid])];
  const used = (): number => pids.reduce((sum, pid) => sum + cpuMsOf(pid), 0);
  const sinceMs = await beginCounting(generator);
  const beforeMs = used();
  const load = { callers: rig.effort.callers, calls: ENDS };
  const result = await generator.run({ ...END, target: subject.address, ...load });
  // On a busy machine some calls are refused.
  await untilSent(generator, result.ok);
  await wait(RECORDED_AFTER_MS);
  const usedMs = used() - beforeMs;
  await prove(generator, subject, 'end', sinceMs, result);
  return (usedMs * 1000) / result.ok;
}

async function costOfPost(rig: Rig, { bare }: Stand): Promise<number> {
  const { callers, seconds } = rig.effort;
  return (await measure(rig.generator, bare, 'start', { callers, seconds })).cpuUs;
}
