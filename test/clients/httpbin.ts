import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';
import { TOOLS } from './tools.ts';

/** A request as go-httpbin logs it after its answer. */
export interface HandledRequest {
  readonly uri: string;
  readonly method: string;
  readonly status: number;
}

/** A go-httpbin, which is an endpoint of another project. */
export interface Httpbin {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** Waits until a request whose URI ends so is among the handled ones, and returns them all. */
  handledWith(end: string): Promise<readonly HandledRequest[]>;
  stop(): Promise<void>;
}

const ATTEMPTS = 5;
const START_TIMEOUT_MS = 10_000;
const LOG_TIMEOUT_MS = 10_000;

/** Starts go-httpbin on a free port of 127.0.0.1. */
export async function startHttpbin(): Promise<Httpbin> {
  for (let attempt = 1; ; attempt += 1) {
    // It does not say which port it took, so it is given one, which another program may take first.
    const httpbin = await tryStart(await freePort());
    if (httpbin !== undefined) return httpbin;
    if (attempt === ATTEMPTS) throw new Error(`go-httpbin did not start in ${ATTEMPTS} attempts`);
  }
}

async function tryStart(port: number): Promise<Httpbin | undefined> {
  const args = ['-host', '127.0.0.1', '-port', String(port), '-log-format', 'json'];
  const child = spawn(TOOLS['go-httpbin'], args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  const log = followLog(child.stderr);
  const hasExited = () => child.exitCode !== null || child.signalCode !== null;
  await until('go-httpbin to answer', async () => hasExited() || answers(url), {
    timeoutMs: START_TIMEOUT_MS,
  });
  if (hasExited()) return undefined;
  const stop = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  return { url, handledWith: log.handledWith, stop };
}

function answers(url: string): Promise<boolean> {
  return fetch(`${url}/hostname`).then(
    (response) => response.text().then(() => true),
    () => false,
  );
}

function followLog(stream: NodeJS.ReadableStream): Pick<Httpbin, 'handledWith'> {
  const handled: HandledRequest[] = [];
  const watchers = new Set<() => void>();
  createInterface(stream).on('line', (line) => {
    const entry = JSON.parse(line) as Partial<HandledRequest>;
    if (entry.uri === undefined) return;
    handled.push(entry as HandledRequest);
    for (const watch of watchers) watch();
  });
  return {
    handledWith: (end) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`no …${end} among ${handled.length}, the last is ${handled.at(-1)?.uri}`)),
          LOG_TIMEOUT_MS,
        );
        const watch = () => {
          if (!handled.some((request) => request.uri.endsWith(end))) return;
          clearTimeout(timer);
          watchers.delete(watch);
          resolve([...handled]);
        };
        watchers.add(watch);
        watch();
      }),
  };
}
