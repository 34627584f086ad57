import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../support/free-port.ts';
import { until } from '../../support/until.ts';

/** A program that serves HTTP on a free port of 127.0.0.1, in a folder of its own. */
export interface WebProgram {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** Ends it at once, and removes its folder. */
  stop(): Promise<void>;
}

/**
 * Starts a program of the Prometheus project, and waits until it says that it is ready.
 * @param prepare writes the files of the program into its folder, and returns its arguments
 */
export async function startWebProgram(
  program: string,
  prepare: (folder: string) => Promise<readonly string[]>,
): Promise<WebProgram> {
  const folder = await mkdtemp(join(tmpdir(), 'callhooks-deploy-'));
  const args = await prepare(folder);
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(program, [...args, `--web.listen-address=${address}`, '--log.level=warn'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const url = `http://${address}`;
  await until(`${program} to be ready`, async () => {
    if (child.exitCode !== null) throw new Error(`${program} did not start: ${errors}`);
    return fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  });
  return {
    url,
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
