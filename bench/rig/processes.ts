import { execFileSync, spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/** Two lists of cores, as `taskset` takes them. */
export interface Cores {
  /** The cores of the measured server. */
  readonly server: string;
  /** The cores of everything else: generator, endpoint, database and the bench itself. */
  readonly rest: string;
}

const LAST_CORE = availableParallelism() - 1;

/** The server on one core and everything else on the others. It is read before the bench pins itself. */
export const PINNED: Cores = { server: '0', rest: `1-${LAST_CORE}` };

/** Every process on every core. */
export const UNPINNED: Cores = { server: `0-${LAST_CORE}`, rest: `0-${LAST_CORE}` };

/** Moves a process with all its threads to some cores. The processes that it starts later run there too. */
export function pin(pid: number, cores: string): void {
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', cores, String(pid)], { stdio: 'ignore' });
}

/** A running program. */
export interface Program {
  readonly pid: number;
  readonly child: ChildProcessByStdio<Writable, Readable, null>;
  /** Resolves with the first value that `read` finds in a line of output. Rejects when the program ends before. */
  firstLine<T>(read: (line: string) => T | undefined): Promise<T>;
  /** Ends it, and resolves when it has ended. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

const TICKS_PER_SECOND = 100; // USER_HZ is 100 on every Linux
const KILLED_AFTER_MS = 90_000;

/** Starts a program on these cores. Its environment is `env` and PATH, and nothing else. */
export function startProgram(
  cores: string,
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Program {
  // Its programs end with this process, however it ends.
  const tether = ['--pdeathsig', 'KILL', 'taskset', '--cpu-list', cores];
  const child = spawn('setpriv', [...tether, file, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  return {
    pid: child.pid ?? 0, // setpriv and taskset turn into the program, under the same id
    child,
    firstLine: (read) =>
      new Promise((resolve, reject) => {
        const lines = createInterface(child.stdout);
        lines.on('line', (line) => {
          const value = read(line);
          if (value === undefined) return;
          lines.close();
          child.stdout.resume(); // what follows is read and dropped
          resolve(value);
        });
        void exited.then(() => reject(new Error(`${file} ${args.join(' ')} ended before it was ready`)));
      }),
    end: async (signal = 'SIGTERM') => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      const timer = setTimeout(() => child.kill('SIGKILL'), KILLED_AFTER_MS);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** Returns the resident memory of a process in bytes: now, and its peak so far. */
export function memoryOf(pid: number): { readonly now: number; readonly peak: number } {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const read = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024;
  return { now: read('VmRSS'), peak: read('VmHWM') };
}

/** Makes a process forget the peak of its memory. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** Returns the CPU time that all threads of a process have used so far, in milliseconds. */
export function cpuMsOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in brackets may hold blanks. User and system time are the 12th and the 13th field after it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
}
