import { openDatabase } from '../../src/store/database.ts';
import { figureOf } from '../rig/figures.ts';
import { measure } from '../rig/measured-run.ts';
import { comparePairs } from '../rig/pairs.ts';
import { warmUp, type Scenario } from '../rig/rig.ts';
import { startSubject } from '../rig/servers.ts';
import { fill, type Size } from '../scale/fill.ts';

const SIZE: Size = { executions: 5_000_000, agents: 200_000, hasOpen: false };

/** Measures OnCallStart/s with 5 million executions of 200,000 agents ÷ that of an empty database, on SQLite. */
export const filled: Scenario = {
  name: 'filled',
  run: async (rig) => {
    const { subject: empty } = await rig.stand('sqlite');
    const full = await startSubject({
      cores: rig.cores.server,
      endpoint: rig.generator.endpoint,
      engine: 'sqlite',
      prepare: async (place) => {
        const database = await openDatabase(place);
        await database.migrate();
        try {
          await fill(place, SIZE);
        } finally {
          await database.close();
        }
        rig.log(`filled with ${SIZE.executions} executions`);
      },
    });
    try {
      await warmUp(rig, full);
      const { callers, pairs, seconds } = rig.effort;
      const compared = await comparePairs(
        pairs,
        () => measure(rig.generator, full, 'start', { callers, seconds }),
        () => measure(rig.generator, empty, 'start', { callers, seconds }),
      );
      rig.log(
        `full ${compared.subject.perSecond.toFixed(0)}/s, empty ${compared.base.perSecond.toFixed(0)}/s`,
      );
      return { figures: [figureOf('filled', compared.perSecond)], details: compared };
    } finally {
      await full.stop();
    }
  },
};
