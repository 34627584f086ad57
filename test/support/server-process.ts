import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { until } from './until.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const READY_TIMEOUT_MS = 20_000;

/** Says how a process ended and what it wrote. */
export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Is a real callhooks process. */
export interface ServerProcess {
  readonly pid: number;
  /** Resolves with the address once it serves. Rejects when it ends before. */
  serving(): Promise<string>;
  /** Resolves with the first log line that `matches`. */
  logged(matches: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>;
  /** Resolves when standard output holds a text that matches. */
  printed(pattern: RegExp): Promise<true>;
  kill(signal: NodeJS.Signals): void;
  ended(): Promise<Ended>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Starts `callhooks <args>` with these variables and no others of the test. `main` is its entry point. */
export function startProcess(args: readonly string[], env: Environment = {}, main = MAIN): ServerProcess {
  const child = spawn(process.execPath, [main, ...args], {
    env: { PATH: process.env['PATH'], CALLHOOKS_OPS_LISTEN: '127.0.0.1:0', ...env },
  });
  const output = collect(child);
  const ended = once(child, 'close').then(([exitCode, signal]) => ({
    exitCode: exitCode as number | null,
    signal: signal as NodeJS.Signals | null,
    stdout: output.stdout(),
    stderr: output.stderr(),
  }));
  const logged = (matches: (line: Record<string, unknown>) => boolean) =>
    Promise.race([
      output.line(matches),
      ended.then((end) => Promise.reject(new Error(`ended before: ${JSON.stringify(end)}`))),
    ]);
  return {
    pid: child.pid ?? 0,
    logged,
    serving: async () => String((await logged((line) => line['msg'] === 'serving'))['grpcAddress']),
    printed: (pattern) =>
      until(`the process to print ${pattern}`, () => {
        if (child.exitCode !== null && !pattern.test(output.stdout()))
          throw new Error(`ended before: ${output.stdout()}${output.stderr()}`);
        return pattern.test(output.stdout());
      }),
    kill: (signal) => child.kill(signal),
    ended: () => ended,
  };
}

function collect(child: ChildProcess) {
  const text = { stdout: '', stderr: '' };
  const watchers = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
      for (const watch of watchers) watch();
    });
  }
  const lines = () =>
    text.stdout
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const line = (matches: (line: Record<string, unknown>) => boolean) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no such line in:\n${text.stdout}${text.stderr}`)),
        READY_TIMEOUT_MS,
      );
      const watch = () => {
        const found = lines().find(matches);
        if (found === undefined) return;
        clearTimeout(timer);
        watchers.delete(watch);
        resolve(found);
      };
      watchers.add(watch);
      watch();
    });
  return { stdout: () => text.stdout, stderr: () => text.stderr, line };
}
