import { setTimeout as wait } from 'node:timers/promises';
import { END } from './agent.ts';
import type { Rig } from './rig.ts';
import type { Subject } from './servers.ts';

// This is well below the 5 s that a post-call may take, so reports that are sent meanwhile still succeed.
const SLOW_MS = 3000;

/**
 * Builds a backlog of reports: the endpoint is slow while they are accepted, so that few are sent. When this resolves, the
 * endpoint is quick again and the backlog drains.
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
