import { figureOf, type Figure } from '../rig/figures.ts';
import { measure } from '../rig/measured-run.ts';
import { comparePairs, doubtOf, type Comparison } from '../rig/pairs.ts';
import type { Rig, Scenario } from '../rig/rig.ts';
import type { Engine } from '../rig/servers.ts';

/** Measures OnCallStart in a closed loop: calls a second and CPU time for one call ÷ bare Node, on each engine. */
export const start: Scenario = {
  name: 'start',
  run: async (rig) => {
    const figures: Figure[] = [];
    const details: Record<string, Comparison> = {};
    for (const engine of rig.effort.engines) {
      const compared = await compareStarts(rig, engine);
      const doubt = doubtOf(compared);
      details[engine] = compared;
      figures.push(
        figureOf(`start-${engine}`, compared.perSecond, doubt),
        figureOf(`start-cpu-${engine}`, compared.cpu),
      );
    }
    return { figures, details };
  },
};

async function compareStarts(rig: Rig, engine: Engine): Promise<Comparison> {
  const { subject, bare } = await rig.stand(engine);
  const { pairs, seconds, callers } = rig.effort;
  const compared = await comparePairs(
    pairs,
    () => measure(rig.generator, subject, 'start', { callers, seconds }),
    () => measure(rig.generator, bare, 'start', { callers, seconds }),
  );
  const { subject: mine, base } = compared;
  const refused = mine.refused > 0 ? `, ${(mine.refused * 100).toFixed(2)} % refused` : '';
  rig.log(
    `${subject.title}: ${mine.perSecond.toFixed(0)}/s, ${mine.cpuUs.toFixed(0)} µs, p99 ${mine.p99Ms.toFixed(0)} ms${refused}; ` +
      `bare: ${base.perSecond.toFixed(0)}/s, ${base.cpuUs.toFixed(0)} µs, ${base.share.toFixed(2)} of its core, generator ${base.generatorUs.toFixed(0)} µs`,
  );
  return compared;
}
