import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase, type DatabaseOptions } from '../../src/store/database.ts';
import { readLoopHeld, WATCHED, type LoopHeld } from '../rig/loop-held.ts';
import { memoryOf } from '../rig/processes.ts';
import type { Rig, Scenario } from '../rig/rig.ts';
import { startSubject, type Subject } from '../rig/servers.ts';
import { fill, type Sample, type Size } from '../scale/fill.ts';
import { fillMinutes } from '../scale/fill-minutes.ts';

const SIZE: Size = { executions: 5_000_000, agents: 200_000, hasOpen: false };
const QUICK_SIZE: Size = { executions: 200_000, agents: 10_000, hasOpen: false };
const REQUESTS = 40;
const MB = 1e6;

/** What asking for a page took. */
interface PageTimes {
  readonly page: string;
  readonly p50Ms: number;
  readonly maxMs: number;
  readonly bytes: number;
  readonly held: LoopHeld;
}

/**
 * Measures each page of the console with 5 million executions of 200,000 agents, and the minutes of ten replicas: how long
 * it takes, and how long it holds the event loop. Then it measures how much memory the console takes.
 */
export const consolePages: Scenario = {
  name: 'console',
  run: async (rig) => {
    const size = rig.effort.isQuick ? QUICK_SIZE : SIZE;
    let sample: Sample | undefined;
    const watchFile = join(tmpdir(), `callhooks-loop-${process.pid}.json`);
    const subject = await startSubject({
      cores: rig.cores.server,
      endpoint: rig.generator.endpoint,
      engine: 'sqlite',
      nodeOptions: WATCHED,
      settings: { LOOP_WATCH: watchFile },
      prepare: async (place) => {
        sample = await prepare(place, size);
        rig.log(`filled with ${size.executions} executions`);
      },
    });
    try {
      const pages = await measurePages(rig, subject, watchFile, pathsOf(sample as Sample));
      const memoryMb = await measureMemory(rig);
      return {
        figures: [
          { key: 'console-page', value: Math.max(...pages.map(({ maxMs }) => maxMs)) },
          { key: 'console-loop', value: Math.max(...pages.map(({ held }) => held.maxMs)) },
          { key: 'console-memory', value: memoryMb },
        ],
        details: pages,
      };
    } finally {
      await subject.stop();
    }
  },
};

async function prepare(place: DatabaseOptions, size: Size): Promise<Sample> {
  const database = await openDatabase(place);
  await database.migrate();
  try {
    const sample = await fill(place, size);
    await fillMinutes(place);
    return sample;
  } finally {
    await database.close();
  }
}

/** Returns for each page a function that returns the path of its next request. */
function pathsOf(sample: Sample): Readonly<Record<string, (at: number) => string>> {
  const uuid = (bytes: Buffer | undefined): string =>
    (bytes as Buffer).toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  const next = (all: readonly Buffer[], at: number): string => uuid(all[at % all.length]);
  const largest = uuid(sample.largestAgent);
  return {
    overview: () => '/console',
    'overview of a day': () => '/console?range=day',
    executions: () => '/console/executions',
    'executions of the largest agent': () => `/console/executions?agent_uuid=${largest}`,
    'executions that no row matches': () => '/console/executions?failure_codes=TLS',
    conversation: (at) => `/console/conversations/${next(sample.conversations, at)}`,
    execution: (at) => `/console/executions/${next(sample.executions, at)}`,
    agents: () => '/console/agents',
    agent: (at) => `/console/agents/${next(sample.agents, at)}`,
    'largest agent': () => `/console/agents/${largest}`,
    search: (at) => `/console/search?q=${next(sample.conversations, at)}`,
    try: () => '/console/try',
  };
}

async function measurePages(
  rig: Rig,
  subject: Subject,
  watchFile: string,
  paths: Readonly<Record<string, (at: number) => string>>,
): Promise<readonly PageTimes[]> {
  const found: PageTimes[] = [];
  for (const [page, pathOf] of Object.entries(paths)) {
    // The first requests compile the code of the page.
    for (let at = 0; at < 5; at += 1) await get(subject, pathOf(at));
    await readLoopHeld(subject.pid, watchFile);
    const times: number[] = [];
    let bytes = 0;
    for (let at = 5; at < 5 + REQUESTS; at += 1) {
      const beganAtMs = performance.now();
      bytes = Math.max(bytes, await get(subject, pathOf(at)));
      times.push(performance.now() - beganAtMs);
    }
    const held = await readLoopHeld(subject.pid, watchFile);
    const sorted = times.toSorted((a, b) => a - b);
    const [p50Ms = 0, maxMs = 0] = [sorted[REQUESTS / 2], sorted.at(-1)];
    found.push({ page, p50Ms, maxMs, bytes, held });
    rig.log(
      `${page}: p50 ${p50Ms.toFixed(1)} ms, max ${maxMs.toFixed(1)} ms, ${bytes} bytes, loop held ${held.maxMs.toFixed(1)} ms`,
    );
  }
  return found;
}

async function get(subject: Subject, path: string): Promise<number> {
  const response = await fetch(`http://${subject.opsAddress}${path}`);
  const body = await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`${path} answered ${response.status}`);
  return body.byteLength;
}

/** Returns how much more memory a server has that has shown its pages than one without a console, in MB. */
async function measureMemory(rig: Rig): Promise<number> {
  const start = (console: boolean) =>
    startSubject({
      cores: rig.cores.server,
      endpoint: rig.generator.endpoint,
      engine: 'sqlite',
      settings: { CALLHOOKS_CONSOLE: String(console) },
    });
  const [without, withConsole] = [await start(false), await start(true)];
  try {
    const paths = [
      '/console',
      '/console/executions',
      '/console/agents',
      '/console/try',
      '/console?range=day',
    ];
    for (const path of paths) await get(withConsole, path);
    const [less, more] = [memoryOf(without.pid).now, memoryOf(withConsole.pid).now];
    rig.log(`memory with the console ${(more / MB).toFixed(1)} MB, without ${(less / MB).toFixed(1)} MB`);
    return (more - less) / MB;
  } finally {
    await Promise.all([without.stop(), withConsole.stop()]);
  }
}
