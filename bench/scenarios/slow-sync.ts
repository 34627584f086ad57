import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { figureOf } from '../rig/figures.ts';
import { measure } from '../rig/measured-run.ts';
import { comparePairs, doubtOf } from '../rig/pairs.ts';
import { warmUp, type Scenario } from '../rig/rig.ts';
import { startSubject } from '../rig/servers.ts';

const SOURCE = fileURLToPath(new URL('../slow-sync.c', import.meta.url));
const LIBRARY = fileURLToPath(new URL('../../.cache/bench/slow-sync.so', import.meta.url));
const DELAY_US = 3000;

/** Measures OnCallStart/s ÷ bare Node on SQLite when every sync of callhooks takes 3 ms more, as on a network volume. */
export const slowSync: Scenario = {
  name: 'slow-sync',
  run: async (rig) => {
    execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', LIBRARY, SOURCE, '-ldl']);
    const { bare } = await rig.stand('sqlite');
    const subject = await startSubject({
      cores: rig.cores.server,
      endpoint: rig.generator.endpoint,
      engine: 'sqlite',
      settings: { LD_PRELOAD: LIBRARY, SLOW_SYNC_US: String(DELAY_US) },
    });
    try {
      await warmUp(rig, subject);
      const { callers, pairs, seconds } = rig.effort;
      const compared = await comparePairs(
        Math.ceil(pairs / 2),
        () => measure(rig.generator, subject, 'start', { callers, seconds }),
        () => measure(rig.generator, bare, 'start', { callers, seconds }),
      );
      const { subject: mine } = compared;
      rig.log(
        `slow syncs: ${mine.perSecond.toFixed(0)}/s, ${mine.cpuUs.toFixed(0)} µs, p50 ${mine.p50Ms.toFixed(1)} ms`,
      );
      return { figures: [figureOf('slow-sync', compared.perSecond, doubtOf(compared))], details: compared };
    } finally {
      await subject.stop();
    }
  },
};
