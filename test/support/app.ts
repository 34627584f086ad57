import { createApp, type AppOverrides } from '../../src/app.ts';
import { parseConfig } from '../../src/config/config.ts';
import { createLogger } from '../../src/logger.ts';
import type { Engine, FreshDatabase } from './engines.ts';
import { connect, type Rpc } from './rpc.ts';
import { TEST_KEYS } from './test-keys.ts';

/** Is a whole callhooks in this process, on a free port of 127.0.0.1, with a database of its own. */
export interface TestApp {
  readonly rpc: Rpc;
  readonly port: number;
  /** Is `host:port` of the metrics. */
  readonly opsAddress: string;
  readonly database: FreshDatabase;
  /** Lists the parsed lines that it has logged so far. */
  readonly logLines: readonly Readonly<Record<string, unknown>>[];
  /** Ends it and starts it again on the same database, with these variables. `rpc` and `port` are then others. */
  restart(env?: Readonly<Record<string, string>>): Promise<void>;
  /** Ends it and drops its database. */
  close(): Promise<void>;
}

/** Starts a callhooks with these environment variables besides the usual ones. */
export async function startTestApp(
  engine: Engine,
  env: Readonly<Record<string, string>> = {},
  overrides: Partial<AppOverrides> = {},
): Promise<TestApp> {
  const database = await engine.freshDatabase();
  const logLines: Record<string, unknown>[] = [];
  const start = (variables: Readonly<Record<string, string>>) =>
    run({ ...envOf(database), ...variables }, logLines, overrides);
  let running = await start(env);
  return {
    get rpc() {
      return running.rpc;
    },
    get port() {
      return running.port;
    },
    get opsAddress() {
      return running.opsAddress;
    },
    database,
    logLines,
    async restart(variables = env) {
      await running.stop();
      running = await start(variables);
    },
    async close() {
      await running.stop();
      await database.cleanup();
    },
  };
}

async function run(env: Record<string, string>, logLines: object[], overrides: Partial<AppOverrides>) {
  const destination = { write: (line: string) => void logLines.push(JSON.parse(line) as object) };
  const config = parseConfig(env);
  const logger = createLogger({
    level: config.logLevel,
    instance: config.instance,
    pretty: false,
    destination,
  });
  const app = await createApp(config, { logger, ...overrides });
  const { grpcAddress, opsAddress = '' } = await app.listen();
  const port = Number(grpcAddress.slice(grpcAddress.lastIndexOf(':') + 1));
  const rpc = connect(port);
  const stop = async () => {
    rpc.close();
    await app.close({ immediately: true });
  };
  return { rpc, port, opsAddress, stop };
}

function envOf({ url, dataDir }: FreshDatabase): Record<string, string> {
  return {
    CALLHOOKS_LISTEN: '127.0.0.1:0',
    CALLHOOKS_OPS_LISTEN: '127.0.0.1:0',
    CALLHOOKS_DATA_DIR: dataDir,
    ...(url === null
      ? {}
      : { DATABASE_URL: url, CALLHOOKS_MIGRATE: 'true', CALLHOOKS_ENCRYPTION_KEYS: TEST_KEYS }),
  };
}
