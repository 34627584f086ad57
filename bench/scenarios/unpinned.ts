import { figureOf } from '../rig/figures.ts';
import { measure, type Sample } from '../rig/measured-run.ts';
import { comparePairs } from '../rig/pairs.ts';
import { pin, PINNED, UNPINNED, type Cores } from '../rig/processes.ts';
import type { Rig, Scenario } from '../rig/rig.ts';
import type { Subject } from '../rig/servers.ts';

/** Measures callhooks on all cores, which it shares with generator and endpoint, ÷ callhooks on one core of its own. */
export const unpinned: Scenario = {
  name: 'unpinned',
  run: async (rig) => {
    const { subject } = await rig.stand('sqlite');
    const compared = await comparePairs(
      rig.effort.pairs,
      () => measureOn(rig, subject, UNPINNED),
      () => measureOn(rig, subject, PINNED),
    );
    await measureOn(rig, subject, rig.cores);
    const { subject: free, base } = compared;
    rig.log(`unpinned ${free.perSecond.toFixed(0)}/s, pinned ${base.perSecond.toFixed(0)}/s`);
    return { figures: [figureOf('unpinned', compared.perSecond)], details: compared };
  },
};

async function measureOn(rig: Rig, subject: Subject, cores: Cores): Promise<Sample> {
  pin(subject.pid, cores.server);
  pin(rig.generator.pid, cores.rest);
  const { callers, seconds } = rig.effort;
  return measure(rig.generator, subject, 'start', { callers, seconds });
}
