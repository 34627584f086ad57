/**
 * Is loaded into a measured server (`--import`). At each SIGUSR2 it writes how long its event loop was held since the signal
 * before, in milliseconds, to the file that LOOP_WATCH names.
 */
import { writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const file = process.env['LOOP_WATCH'];
if (isMainThread && file !== undefined) {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  process.on('SIGUSR2', () => {
    writeFileSync(file, JSON.stringify({ maxMs: delays.max / 1e6, p99Ms: delays.percentile(99) / 1e6 }));
    delays.reset();
  });
}
