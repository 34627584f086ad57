import { spawnSync } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';

/** How a tool ended, and what it wrote. */
interface ToolResult {
  readonly status: number;
  readonly stdout: Buffer;
  /** Standard output and standard error, as a person reads them. */
  readonly text: string;
}

/** Runs a program in the folder `root`. The tools of node_modules and this Node.js come first in its path. */
export function runTool(root: string, program: string, ...args: readonly string[]): ToolResult {
  const path = [dirname(process.execPath), join(root, 'node_modules/.bin'), process.env['PATH'] ?? ''];
  // Inside of a make, another make prints the folders that it enters and leaves, unless it knows of no outer one.
  const env = { ...process.env, PATH: path.join(delimiter), MAKELEVEL: undefined, MAKEFLAGS: undefined };
  const result = spawnSync(program, args, { cwd: root, env, maxBuffer: 64 << 20 });
  if (result.error) throw result.error;
  const text = `${String(result.stdout)}${String(result.stderr)}`.trim();
  return { status: result.status ?? 1, stdout: result.stdout, text };
}

/** Runs git, and returns what it prints. Throws when it fails. */
export function git(root: string, ...args: readonly string[]): string {
  const { status, stdout, text } = runTool(root, 'git', ...args);
  if (status !== 0) throw new Error(`git ${args.join(' ')} failed:\n${text}`);
  return String(stdout).trim();
}
