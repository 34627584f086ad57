import type { FreshDatabase } from '../engines.ts';
import { connect, type Rpc } from '../rpc.ts';
import { startProcess, type ServerProcess } from '../server-process.ts';
import { keyOf } from '../test-keys.ts';

/** The keys of the fixtures. The second one is the older. */
export const FIXTURE_KEYS = {
  first: keyOf('old', 41),
  both: `${keyOf('new', 42)},${keyOf('old', 41)}`,
} as const;

/** A real server on the database of a fixture. */
export interface FixtureServer {
  readonly process: ServerProcess;
  readonly rpc: Rpc;
  /** Ends it with SIGTERM. */
  stop(): Promise<void>;
}

/** Returns the settings of a server on a fixture. What was accepted or finished long ago stays. */
export function fixtureEnv(
  { url, dataDir }: FreshDatabase,
  more: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  return {
    CALLHOOKS_LISTEN: '127.0.0.1:0',
    CALLHOOKS_INSTANCE: 'fixture',
    CALLHOOKS_DATA_DIR: dataDir,
    ...(url === null ? {} : { DATABASE_URL: url }),
    CALLHOOKS_ENCRYPTION_KEYS: FIXTURE_KEYS.both,
    CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8',
    CALLHOOKS_START_BY: '0s',
    CALLHOOKS_RETENTION_DAYS: '36500',
    ...more,
  };
}

/** Starts a server with these settings. `main` is the entry point of another release. */
export async function serveFixture(
  env: Readonly<Record<string, string>>,
  main?: string,
): Promise<FixtureServer> {
  const server = startProcess(['serve'], env, main);
  const address = await server.serving();
  const rpc = connect(Number(address.split(':').at(-1)));
  return {
    process: server,
    rpc,
    stop: async () => {
      server.kill('SIGTERM');
      const { exitCode, stderr } = await server.ended();
      rpc.close();
      if (exitCode !== 0) throw new Error(`the server ended with ${exitCode}: ${stderr}`);
    },
  };
}
