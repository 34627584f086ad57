import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { until } from '../support/until.ts';

/** A program of an example that serves until the test ends it. */
export interface RunningProgram {
  /** Resolves with the first match in standard output. Rejects when the program ends before. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** Ends it with SIGTERM. */
  stop(): Promise<void>;
}

/** Starts a program with these variables and no others of the test, but PATH. */
export function startProgram(
  [file, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
): RunningProgram {
  const child = spawn(file, args, { env: { PATH: process.env['PATH'], ...env } });
  const closed = once(child, 'close');
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return {
    printed: (pattern) =>
      until(`the program to print ${pattern}`, () => {
        const found = pattern.exec(stdout);
        if (found === null && child.exitCode !== null) throw new Error(`it ended before: ${stdout}${stderr}`);
        return found ?? false;
      }),
    stop: async () => {
      child.kill('SIGTERM');
      await closed;
    },
  };
}
