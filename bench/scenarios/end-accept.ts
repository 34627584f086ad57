import { figureOf, type Figure } from '../rig/figures.ts';
import { measure } from '../rig/measured-run.ts';
import { comparePairs, doubtOf } from '../rig/pairs.ts';
import type { Scenario } from '../rig/rig.ts';

const BURST_SECONDS = 10;

/**
 * Measures OnCallEnd in a burst of 10 s: how many are durably accepted a second ÷ the starts that bare Node answers without a
 * post, and how long the slowest accepts take. Reports are sent meanwhile, and the scenario waits until all of them are
 * recorded.
 */
export const endAccept: Scenario = {
  name: 'end-accept',
  run: async (rig) => {
    const { subject, echo } = await rig.stand('sqlite');
    const { callers, isQuick, pairs } = rig.effort;
    const burst = { callers, seconds: isQuick ? rig.effort.seconds : BURST_SECONDS };
    await measure(rig.generator, subject, 'end', { callers, calls: rig.effort.warmUpCalls / 4 });
    const compared = await comparePairs(
      Math.ceil(pairs / 3),
      () => measure(rig.generator, subject, 'end', burst),
      () => measure(rig.generator, echo, 'start', burst),
    );
    const { subject: mine, base } = compared;
    rig.log(
      `${mine.perSecond.toFixed(0)} ends/s accepted, p99 ${mine.p99Ms.toFixed(0)} ms; echo: ${base.perSecond.toFixed(0)}/s`,
    );
    const figures: Figure[] = [
      figureOf('end-accept', compared.perSecond, doubtOf(compared)),
      { key: 'end-accept-p99', value: mine.p99Ms },
    ];
    return { figures, details: compared };
  },
};
