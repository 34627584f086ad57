import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type Rpc } from '../support/rpc.ts';
import { startProcess, type Ended, type ServerProcess } from '../support/server-process.ts';

/** Is a real server on SQLite that may call loopback. */
export interface TracedServer {
  readonly rpc: Rpc;
  readonly port: number;
  readonly process: ServerProcess;
  /** Returns the text of the metrics page. */
  metrics(): Promise<string>;
  /** Ends it with SIGTERM, and removes its data. Returns how it ended. */
  stop(): Promise<Ended>;
}

/** Starts a server with these variables besides the usual ones. */
export async function startTracedServer(env: Readonly<Record<string, string>>): Promise<TracedServer> {
  const dataDir = mkdtempSync(join(tmpdir(), 'callhooks-traces-'));
  const server = startProcess(['serve'], {
    CALLHOOKS_LISTEN: '127.0.0.1:0',
    CALLHOOKS_DATA_DIR: dataDir,
    CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8',
    ...env,
  });
  const address = await server.serving();
  const { opsAddress } = await server.logged(({ msg }) => msg === 'serving');
  const port = Number(address.slice(address.lastIndexOf(':') + 1));
  const rpc = connect(port);
  return {
    rpc,
    port,
    process: server,
    metrics: async () => (await fetch(`http://${String(opsAddress)}/metrics`)).text(),
    stop: async () => {
      rpc.close();
      server.kill('SIGTERM');
      const ended = await server.ended();
      rmSync(dataDir, { recursive: true });
      return ended;
    },
  };
}
