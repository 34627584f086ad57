import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Records what slowed tests down for about a second. Instants are epoch milliseconds. */
export interface LoadSample {
  readonly fromMs: number;
  readonly toMs: number;
  /** The share of the machine's CPU time that went to programs that are no part of the tests, and to other machines. */
  readonly othersShare: number;
  /** The longest time for which this process got no turn, in milliseconds. */
  readonly stalledMs: number;
  /** Says how long the disk took for the slowest small write in it, in milliseconds. */
  readonly diskMs: number;
}

const SAMPLE_MS = 1_000;
const KEPT = 3_600;

/** Samples how busy the machine is, once a second. */
export interface LoadWatch {
  /** Returns the samples of the last hour that overlap an interval; the newest ends now. */
  between(fromMs: number, toMs: number): readonly LoadSample[];
}

/** Begins to sample. Never keeps the process alive; needs Linux, elsewhere `othersShare` is 0. */
export function watchLoad(): LoadWatch {
  const samples: LoadSample[] = [];
  const loop = monitorEventLoopDelay({ resolution: 20 });
  loop.enable();
  const disk = probeDisk();
  let last = { atMs: Date.now(), cpu: readCpu() };
  const sample = (): void => {
    const next = { atMs: Date.now(), cpu: readCpu() };
    samples.push({
      fromMs: last.atMs,
      toMs: next.atMs,
      othersShare: othersShareOf(last.cpu, next.cpu),
      stalledMs: loop.max / 1e6,
      diskMs: disk.slowestMs(),
    });
    if (samples.length > KEPT) samples.shift();
    loop.reset();
    last = next;
  };
  setInterval(() => {
    sample();
    disk.probe();
  }, SAMPLE_MS).unref();
  return {
    between: (fromMs, toMs) => {
      // Too short a sample would be all noise: the kernel counts in steps of 10 ms.
      if (Date.now() - last.atMs > SAMPLE_MS / 2) sample();
      return samples.filter((one) => one.toMs >= fromMs && one.fromMs <= toMs);
    },
  };
}

/** Times in clock ticks since the machine started. */
interface CpuTimes {
  /** Counts the time of all CPUs, also idle. */
  readonly total: number;
  /** Counts the time of programs, and the time that the host has stolen for other machines. */
  readonly busy: number;
  /** Counts the time of this process and of the processes that it has started. */
  readonly own: number;
}

function othersShareOf(before: CpuTimes, after: CpuTimes): number {
  const total = after.total - before.total;
  const others = after.busy - before.busy - (after.own - before.own);
  return total > 0 ? Math.max(0, others / total) : 0;
}

// proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal; guests are part of user.
function readCpu(): CpuTimes {
  try {
    const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1);
    const times = line.split(/\s+/).slice(1, 9).map(Number);
    const [user = 0, nice = 0, system = 0, , , , , steal = 0] = times;
    const total = times.reduce((sum, time) => sum + time, 0);
    return { total, busy: user + nice + system + steal, own: readOwnTime() };
  } catch {
    return { total: 0, busy: 0, own: 0 };
  }
}

interface ProcessTimes {
  readonly parent: number;
  /** Includes the time of its children that have ended. */
  readonly time: number;
}

function readOwnTime(): number {
  const all = new Map<number, ProcessTimes>();
  for (const name of readdirSync('/proc')) {
    const times = /^\d+$/.test(name) ? readProcess(name) : undefined;
    if (times !== undefined) all.set(Number(name), times);
  }
  const isOwn = (pid: number): boolean => {
    if (pid === process.pid) return true;
    const { parent = 0 } = all.get(pid) ?? {};
    return parent !== 0 && isOwn(parent);
  };
  return [...all].filter(([pid]) => isOwn(pid)).reduce((sum, [, { time }]) => sum + time, 0);
}

// proc_pid_stat(5): ppid is field 4, utime, stime, cutime and cstime are 14 to 17. The name in brackets is any text.
function readProcess(pid: string): ProcessTimes | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
      .map(Number);
    return { parent: fields[1] ?? 0, time: fields.slice(11, 15).reduce((sum, time) => sum + time, 0) };
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}

/** Writes a few bytes durably now and then, where the tests have their databases. */
function probeDisk() {
  const folder = mkdtempSync(join(tmpdir(), 'callhooks-load-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const file = open(join(folder, 'probe'), 'w');
  let beganAtMs: number | undefined;
  let slowestMs = 0;
  const write = async (): Promise<void> => {
    const handle = await file;
    beganAtMs = performance.now();
    await handle.write('probe', 0);
    await handle.datasync();
    slowestMs = Math.max(slowestMs, performance.now() - beganAtMs);
    beganAtMs = undefined;
  };
  return {
    probe: (): void => {
      // A full disk is no slow disk.
      if (beganAtMs === undefined) write().catch(() => (beganAtMs = undefined));
    },
    /** Returns the longest since the last call; a write that is under way counts with its time so far. */
    slowestMs: (): number => {
      const ms = Math.max(slowestMs, beganAtMs === undefined ? 0 : performance.now() - beganAtMs);
      slowestMs = 0;
      return ms;
    },
  };
}
