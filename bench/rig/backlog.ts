import { setTimeout as wait } from 'node:timers/promises';
import { END } from './agent.ts';
import type { Rig } from './rig.ts';
import type { Subject } from './servers.ts';

// Well below the time limit of a post-call, 5 s: what is sent meanwhile still succeeds.
const SLOW_MS = 3000;

/**
 * Lets reports pile up: the endpoint is slow while they are accepted, so that few are sent. When this resolves, the endpoint is
 * quick again and the rest drains.
 */
export async function pileUp(rig: Rig, subject: Subject, reports: number): Promise<void> {
  const { generator, effort } = rig;
  await generator.reset();
  await generator.setDelay(SLOW_MS);
  const result = await generator.run({
    ...END,
    target: subject.address,
    callers: effort.callers,
    calls: reports,
  });
  await generator.setDelay(0);
  await wait(SLOW_MS);
  const { requests } = await generator.counts();
  rig.log(`${result.ok} reports accepted, ${requests} sent so far: ${JSON.stringify(result.codes)}`);
}
