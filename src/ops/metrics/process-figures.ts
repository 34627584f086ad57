import { readdir, readFile } from 'node:fs/promises';
import { cpuUsage, memoryUsage } from 'node:process';

/** What the process uses of its machine. */
export interface ProcessFigures {
  readonly startTimeSeconds: number;
  readonly userSeconds: number;
  readonly systemSeconds: number;
  readonly residentBytes: number;
  readonly heapBytes: number;
  readonly usedHeapBytes: number;
  readonly externalBytes: number;
  /** NaN where the system does not tell. */
  readonly openFds: number;
  /** NaN where the system does not tell. */
  readonly maxFds: number;
}

const MICROS = 1e6;

/** Reads what the process uses. Nothing of it blocks the event loop for longer than a few microseconds. */
export async function readProcessFigures(): Promise<ProcessFigures> {
  const [openFds, maxFds] = await Promise.all([countOpenFds(), readMaxFds()]);
  const { user, system } = cpuUsage();
  const { rss, heapTotal, heapUsed, external } = memoryUsage();
  return {
    startTimeSeconds: performance.timeOrigin / 1_000,
    ...{ userSeconds: user / MICROS, systemSeconds: system / MICROS },
    ...{ residentBytes: rss, heapBytes: heapTotal, usedHeapBytes: heapUsed, externalBytes: external },
    ...{ openFds, maxFds },
  };
}

async function countOpenFds(): Promise<number> {
  try {
    return (await readdir('/proc/self/fd')).length;
  } catch {
    return NaN;
  }
}

async function readMaxFds(): Promise<number> {
  try {
    const [, max = ''] = /^Max open files +(\d+)/m.exec(await readFile('/proc/self/limits', 'utf8')) ?? [];
    return max === '' ? NaN : Number(max);
  } catch {
    return NaN;
  }
}
