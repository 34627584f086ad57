import type { Sample } from './measured-run.ts';
import { spreadOf, type Spread } from './statistics.ts';

/** The result of several pairs of runs: medians with quartiles over the pairs. */
export interface Comparison {
  readonly pairs: number;
  /** The calls a second of the subject ÷ those of the base. */
  readonly perSecond: Spread;
  /** The CPU time of one call on the subject ÷ that on the base. */
  readonly cpu: Spread;
  readonly subject: Side;
  readonly base: Side;
}

/** The medians of one side. */
export interface Side {
  readonly perSecond: number;
  readonly cpuUs: number;
  readonly share: number;
  readonly generatorUs: number;
  /** The share of calls that were not answered OK. Those cost CPU time too. */
  readonly refused: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const LEAST_SHARE = 0.9;

/**
 * Measures two servers in turn, `pairs` times, and compares each pair. The order changes from pair to pair.
 */
export async function comparePairs(
  pairs: number,
  subject: () => Promise<Sample>,
  base: () => Promise<Sample>,
): Promise<Comparison> {
  const samples: { subject: Sample; base: Sample }[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    if (pair % 2 === 0) samples.push({ subject: await subject(), base: await base() });
    else {
      const first = await base();
      samples.push({ subject: await subject(), base: first });
    }
  }
  return {
    pairs,
    perSecond: spreadOf(samples.map((pair) => pair.subject.perSecond / pair.base.perSecond)),
    cpu: spreadOf(samples.map((pair) => pair.subject.cpuUs / pair.base.cpuUs)),
    subject: sideOf(samples.map((pair) => pair.subject)),
    base: sideOf(samples.map((pair) => pair.base)),
  };
}

function sideOf(samples: readonly Sample[]): Side {
  const median = (read: (sample: Sample) => number): number => spreadOf(samples.map(read)).median;
  return {
    perSecond: median(({ perSecond }) => perSecond),
    cpuUs: median(({ cpuUs }) => cpuUs),
    share: median(({ share }) => share),
    generatorUs: median(({ generatorUs }) => generatorUs),
    refused: median(({ result }) => 1 - result.ok / result.issued),
    p50Ms: median(({ result }) => result.latency.p50),
    p99Ms: median(({ result }) => result.latency.p99),
  };
}

/** Returns the reason not to trust a comparison, or undefined. The base waits for nothing, so it must fill its core. */
export function doubtOf({ base }: Comparison): string | undefined {
  if (base.share >= LEAST_SHARE) return undefined;
  return `bare had only ${base.share.toFixed(2)} of its core: something else was running, or the generator was too slow`;
}
