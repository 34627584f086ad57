import { existsSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const WATCH = pathToFileURL(new URL('loop-watch.ts', import.meta.url).pathname).href;

/** The options of Node.js that load the watch into a server. */
export const WATCHED: readonly string[] = ['--import', WATCH];

/** How long an event loop was held at a time. */
export interface LoopHeld {
  readonly maxMs: number;
  readonly p99Ms: number;
}

/** Returns how long the event loop of a watched server was held since it was last asked. */
export async function readLoopHeld(pid: number, file: string): Promise<LoopHeld> {
  rmSync(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  while (!existsSync(file) || readFileSync(file).length === 0) await wait(10);
  return JSON.parse(readFileSync(file, 'utf8')) as LoopHeld;
}
