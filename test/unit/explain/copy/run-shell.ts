import { spawnSync } from 'node:child_process';

/** Runs a script in a POSIX shell. Returns what it prints. Throws when it fails. */
function runShell(script: string, env: Readonly<Record<string, string>> = {}): string {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', script], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], ...env },
    timeout: 10_000,
  });
  if (status !== 0) throw new Error(`the shell exits with ${status}: ${stderr}`);
  return stdout;
}

/**
 * Runs a script in which a command of this name prints its arguments instead. Returns the arguments of each call.
 */
export function argumentsOf(
  command: string,
  script: string,
  env: Readonly<Record<string, string>> = {},
): string[][] {
  const printed = runShell(`${command}() { printf '%s\\0' "$#" "$@"; }\n${script}`, env).split('\0');
  const calls: string[][] = [];
  for (let at = 0; at < printed.length - 1;) {
    const count = Number(printed[at]);
    calls.push(printed.slice(at + 1, at + 1 + count));
    at += 1 + count;
  }
  return calls;
}
