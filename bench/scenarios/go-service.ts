import { figureOf } from '../rig/figures.ts';
import { measure } from '../rig/measured-run.ts';
import { comparePairs } from '../rig/pairs.ts';
import { warmUp, type Scenario } from '../rig/rig.ts';
import { startGoService } from '../rig/servers.ts';

/** Measures OnCallStart/s ÷ that of a straightforward Go service on the same MariaDB. */
export const goService: Scenario = {
  name: 'go',
  run: async (rig) => {
    const { subject } = await rig.stand('mariadb');
    const { pairs, seconds, callers } = rig.effort;
    if (subject.createDatabase === undefined) throw new Error('there is no MariaDB');
    const url = await subject.createDatabase('go_service');
    const service = await startGoService(rig.cores.server, rig.generator.endpoint, url);
    try {
      await warmUp(rig, service);
      const compared = await comparePairs(
        pairs,
        () => measure(rig.generator, subject, 'start', { callers, seconds }),
        () => measure(rig.generator, service, 'start', { callers, seconds }),
      );
      const { subject: mine, base } = compared;
      rig.log(`${subject.title}: ${mine.perSecond.toFixed(0)}/s; Go: ${base.perSecond.toFixed(0)}/s`);
      return { figures: [figureOf('start-go', compared.perSecond)], details: compared };
    } finally {
      await service.stop();
    }
  },
};
