import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url));

/** A real callhooks process with its own database. */
export interface DemoServer {
  readonly address: string;
  /** Sends SIGTERM, waits for the end of the process, and removes its data. */
  stop(): Promise<void>;
}

/** Starts the built server on a free port. Its webhooks may reach loopback, because the CRM of the demo listens there. */
export async function startServer(env: NodeJS.ProcessEnv): Promise<DemoServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'callhooks-demo-'));
  const child = spawn(process.execPath, [MAIN, 'serve'], {
    env: {
      PATH: env['PATH'],
      CALLHOOKS_LISTEN: '127.0.0.1:0',
      CALLHOOKS_OPS_LISTEN: 'off',
      CALLHOOKS_DATA_DIR: dataDir,
      CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
    await rm(dataDir, { recursive: true, force: true });
  };
  for await (const line of createInterface(child.stdout)) {
    const { msg, grpcAddress } = JSON.parse(line) as { msg: string; grpcAddress?: string };
    if (msg !== 'serving' || grpcAddress === undefined) continue;
    child.stdout.resume();
    return { address: grpcAddress, stop };
  }
  await stop();
  throw new Error('the server ended before it was ready');
}
