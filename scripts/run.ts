import { spawnSync } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';

/** Runs a program in a folder. This Node.js and the installed plugins come first in its path. Throws when it fails. */
export function run(folder: string, program: string, args: readonly string[]): void {
  const path = [dirname(process.execPath), join(folder, 'node_modules', '.bin'), process.env.PATH ?? ''];
  const result = spawnSync(program, args, {
    cwd: folder,
    env: { ...process.env, PATH: path.join(delimiter) },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (result.error) throw result.error;
  if (result.status !== 0)
    throw new Error(`${program} ${args.join(' ')} failed with exit code ${result.status}`);
}

/** Runs the installed buf in the folder of the project. Throws when buf fails. */
export function runBuf(root: string, ...args: string[]): void {
  run(root, 'buf', args);
}
