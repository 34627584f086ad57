import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { TOOLS } from './tools.ts';

/** One request as go-httpbin logged it when it had been answered. */
export interface HandledRequest {
  readonly uri: string;
  readonly method: string;
  readonly status: number;
}

/** go-httpbin, an endpoint that nobody here wrote. */
export interface Httpbin {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** The requests that it has handled, once one whose uri ends so is among them. */
  handledWith(end: string): Promise<readonly HandledRequest[]>;
  stop(): Promise<void>;
}

const ATTEMPTS = 5;
const LOG_TIMEOUT_MS = 10_000;

/** Starts one on a free port of 127.0.0.1. */
export async function startHttpbin(): Promise<Httpbin> {
  for (let attempt = 1; ; attempt += 1) {
    const httpbin = await tryStart(await findFreePort());
    if (httpbin !== undefined) return httpbin;
    if (attempt === ATTEMPTS) throw new Error(`go-httpbin did not start in ${ATTEMPTS} attempts`);
  }
}

// It does not tell which port it took, so it is given one; somebody else may be faster.
async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function tryStart(port: number): Promise<Httpbin | undefined> {
  const args = ['-host', '127.0.0.1', '-port', String(port), '-log-format', 'json'];
  const child = spawn(TOOLS['go-httpbin'], args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  const log = followLog(child.stderr);
  if (!(await Promise.race([answers(url), exited.then(() => false)]))) return undefined;
  const stop = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  return { url, handledWith: log.handledWith, stop };
}

async function answers(url: string): Promise<boolean> {
  const giveUpAtMs = Date.now() + LOG_TIMEOUT_MS;
  while (Date.now() < giveUpAtMs) {
    const isUp = await fetch(`${url}/hostname`).then(
      (response) => response.text().then(() => true),
      () => false,
    );
    if (isUp) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${url} does not answer`);
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
