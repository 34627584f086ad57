import { connect, type Rpc } from '../../support/rpc.ts';
import { sqliteEngine, type Engine, type FreshDatabase } from '../../support/engines.ts';
import { startProcess, type ServerProcess } from '../../support/server-process.ts';
import { TEST_KEYS } from '../../support/test-keys.ts';

/** Is a real callhooks process with a database of its own, whose console a browser can open. */
export interface ConsoleServer {
  readonly rpc: Rpc;
  /** Is `http://127.0.0.1:port` of the operations port. */
  readonly origin: string;
  readonly process: ServerProcess;
  readonly database: FreshDatabase;
  /** Waits for the end of the process, and starts another one on the same database, with these variables besides. */
  restart(env?: Environment): Promise<void>;
  /** Ends it and drops its database. */
  close(): Promise<void>;
}

type Environment = Readonly<Record<string, string>>;

/** Starts a server with these variables besides the usual ones, on SQLite unless another engine is given. */
export async function startConsoleServer(
  env: Environment = {},
  engine: Engine | undefined = sqliteEngine(),
): Promise<ConsoleServer> {
  if (engine === undefined) throw new Error('the console is tested on SQLite');
  const database = await engine.freshDatabase();
  let running = await run({ ...settingsOf(database), ...env });
  const stop = async () => {
    running.rpc.close();
    running.process.kill('SIGTERM');
    await running.process.ended();
  };
  return {
    get rpc() {
      return running.rpc;
    },
    get origin() {
      return running.origin;
    },
    get process() {
      return running.process;
    },
    database,
    async restart(more = {}) {
      running.rpc.close();
      await running.process.ended();
      running = await run({ ...settingsOf(database), ...env, ...more });
    },
    async close() {
      await stop();
      await database.cleanup();
    },
  };
}

async function run(env: Environment) {
  const process = startProcess(['serve'], env);
  const { grpcAddress, opsAddress } = await process.logged(({ msg }) => msg === 'serving');
  const rpc = connect(Number(String(grpcAddress).split(':').at(-1)));
  return { process, rpc, origin: `http://${String(opsAddress)}` };
}

function settingsOf({ url, dataDir }: FreshDatabase): Environment {
  return {
    CALLHOOKS_LISTEN: '127.0.0.1:0',
    CALLHOOKS_OPS_LISTEN: '127.0.0.1:0',
    CALLHOOKS_DATA_DIR: dataDir,
    CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8',
    ...(url === null
      ? {}
      : { DATABASE_URL: url, CALLHOOKS_MIGRATE: 'true', CALLHOOKS_ENCRYPTION_KEYS: TEST_KEYS }),
  };
}
