import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, type Rpc } from '../support/rpc.ts';
import { startProcess } from '../support/server-process.ts';

const MAIN = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url));

/** A server that `make build` has built, in a process and with a database of its own. */
export interface BuiltServer {
  /** `127.0.0.1:port` */
  readonly address: string;
  /** `127.0.0.1:port` of the metrics page, or `off`. */
  readonly opsAddress: string;
  readonly rpc: Rpc;
  /** Ends it with SIGTERM; throws unless it exits with 0. */
  stop(): Promise<void>;
  /** Ends it with SIGKILL. */
  kill(): Promise<void>;
}

/** Starts a built server whose webhooks may reach loopback. */
export async function startBuiltServer(env: Readonly<Record<string, string>> = {}): Promise<BuiltServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'callhooks-clients-'));
  const settings = {
    CALLHOOKS_LISTEN: '127.0.0.1:0',
    CALLHOOKS_OPS_LISTEN: 'off',
    CALLHOOKS_DATA_DIR: dataDir,
    CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8',
    ...env,
  };
  const server = startProcess(['serve'], settings, MAIN);
  const { grpcAddress, opsAddress = 'off' } = await server.logged(({ msg }) => msg === 'serving');
  const address = String(grpcAddress);
  const rpc = connect(Number(address.split(':').at(-1)));
  const stop = async () => {
    rpc.close();
    server.kill('SIGTERM');
    const { exitCode, stderr } = await server.ended();
    await rm(dataDir, { recursive: true, force: true });
    if (exitCode !== 0) throw new Error(`the server ended with ${exitCode}: ${stderr}`);
  };
  const kill = async () => {
    rpc.close();
    server.kill('SIGKILL');
    await server.ended();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { address, opsAddress: String(opsAddress), rpc, stop, kill };
}
