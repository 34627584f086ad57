import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createConnection } from 'mysql2/promise';
import { startMariadb } from '../../test/support/mariadb.ts';
import { startGuard, type PrivateServer } from '../../test/support/private-server.ts';
import { createAgent } from './agent.ts';
import { callbenchPath } from './generator.ts';
import { startProgram, type Program } from './processes.ts';
import { openRows, type Rows } from './rows.ts';

const MAIN = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url));
const BARE = fileURLToPath(new URL('../bare.ts', import.meta.url));

/** The databases that callhooks runs on. */
export type Engine = 'sqlite' | 'mariadb';

/** A server that takes calls. */
export interface Server {
  readonly title: string;
  readonly pid: number;
  /** The address at which it serves gRPC, `host:port`. */
  readonly address: string;
  /** Ends it as an operator would, and removes its data. */
  stop(): Promise<void>;
}

/** A running callhooks, with access to its database. */
export interface Subject extends Server {
  readonly engine: Engine;
  /** The address of its operations port, `host:port`. */
  readonly opsAddress: string;
  readonly rows: Rows;
  /** The folder of its key and its SQLite file, or of MariaDB's data. */
  readonly dataDir: string;
  /** The process id of its database server, where it has one. */
  readonly databasePid: number | undefined;
  /** Creates another database on its MariaDB and returns the URL. */
  readonly createDatabase: ((name: string) => Promise<string>) | undefined;
  /**
   * Ends the process and starts it again on the same data. Its address and pid change. Resolves with the time at which
   * the new one began to start.
   */
  restart(): Promise<number>;
}

/** The options of a callhooks that is measured. */
export interface SubjectOptions {
  readonly cores: string;
  readonly endpoint: string;
  readonly engine: Engine;
  /** Settings besides the defaults. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Prepares the fresh database before the first start; it is not migrated yet. */
  readonly prepare?: (database: { readonly url?: string; readonly dataDir: string }) => Promise<void>;
  /** The time limit of the webhooks. Without it they have the default. */
  readonly timeoutSeconds?: number;
  /** Options of Node.js. */
  readonly nodeOptions?: readonly string[];
}

interface Place {
  readonly dataDir: string;
  readonly url: string | undefined;
  readonly databasePid: number | undefined;
  readonly databaseDir: string;
  readonly createDatabase: ((name: string) => Promise<string>) | undefined;
  remove(): Promise<void>;
}

/**
 * Starts the built callhooks with its default settings, except that the target is private, and creates the bench's
 * agent.
 */
export async function startSubject(options: SubjectOptions): Promise<Subject> {
  const place = await makePlace(options.engine);
  try {
    const { dataDir, url } = place;
    await options.prepare?.({ dataDir, ...(url === undefined ? {} : { url }) });
    return await startOn(place, options);
  } catch (error) {
    await place.remove();
    throw error;
  }
}

async function startOn(place: Place, options: SubjectOptions): Promise<Subject> {
  const { engine, endpoint } = options;
  const settings = settingsOf(place);
  const start = () => serve(options, { ...settings, ...options.settings });
  let running = await start();
  await createAgent(running.address, endpoint, options.timeoutSeconds);
  const rows = await openRows(place);
  return {
    title: `callhooks on ${engine === 'sqlite' ? 'SQLite' : 'MariaDB'}`,
    engine,
    rows,
    dataDir: place.databaseDir,
    databasePid: place.databasePid,
    createDatabase: place.createDatabase,
    get pid() {
      return running.program.pid;
    },
    get address() {
      return running.address;
    },
    get opsAddress() {
      return running.opsAddress;
    },
    restart: async () => {
      await running.program.end();
      const beganAtMs = performance.now();
      running = await start();
      return beganAtMs;
    },
    stop: async () => {
      await rows.close();
      await running.program.end();
      await place.remove();
    },
  };
}

async function makePlace(engine: Engine): Promise<Place> {
  const dataDir = await mkdtemp(join(tmpdir(), 'callhooks-bench-'));
  const removeFolder = startGuard(dataDir).end; // however this process ends
  if (engine === 'sqlite') {
    const none = { url: undefined, databasePid: undefined, createDatabase: undefined };
    return { ...none, dataDir, databaseDir: dataDir, remove: removeFolder };
  }
  const server = await startBenchMariadb();
  const url = await createDatabase(server, 'callhooks');
  const remove = async () => {
    await server.stop();
    await removeFolder();
  };
  return {
    dataDir,
    url,
    databasePid: server.pid,
    databaseDir: server.dataDir,
    createDatabase: (name) => createDatabase(server, name),
    remove,
  };
}

// MariaDB flushes at each commit and has a buffer pool of 1 GiB.
function startBenchMariadb(): Promise<PrivateServer> {
  return startMariadb(['--innodb-buffer-pool-size=1G', '--innodb-log-file-size=1G']);
}

async function createDatabase(server: PrivateServer, name: string): Promise<string> {
  const connection = await createConnection(server.url(''));
  await connection.query(`CREATE DATABASE ${name}`);
  await connection.end();
  return server.url(name);
}

function settingsOf({ dataDir, url }: Place): Record<string, string> {
  return {
    CALLHOOKS_LISTEN: '127.0.0.1:0',
    CALLHOOKS_OPS_LISTEN: '127.0.0.1:0',
    CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8',
    CALLHOOKS_DATA_DIR: dataDir,
    ...(url === undefined
      ? {}
      : {
          DATABASE_URL: url,
          CALLHOOKS_MIGRATE: 'true',
          CALLHOOKS_ENCRYPTION_KEYS: `bench:${randomBytes(32).toString('base64')}`,
        }),
  };
}

async function serve(
  { cores, nodeOptions = [] }: SubjectOptions,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly program: Program; readonly address: string; readonly opsAddress: string }> {
  const program = startProgram(cores, process.execPath, [...nodeOptions, MAIN, 'serve'], env);
  const { grpcAddress, opsAddress = '' } = await program.firstLine(addressesIn);
  return { program, address: grpcAddress, opsAddress };
}

interface AddressLine {
  readonly msg: string;
  readonly grpcAddress: string;
  readonly opsAddress?: string;
}

function addressesIn(line: string): AddressLine | undefined {
  const parsed = JSON.parse(line) as AddressLine;
  return parsed.msg === 'serving' ? parsed : undefined;
}

/** Starts bare Node. With `echo` it answers without posting. */
export async function startBare(
  cores: string,
  endpoint: string,
  { echo = false, connections = 128 } = {},
): Promise<Server> {
  const args = [BARE, '--endpoint', endpoint, '--connections', String(connections)];
  const program = startProgram(cores, process.execPath, echo ? [...args, '--echo'] : args);
  const { grpcAddress: address } = await program.firstLine(addressesIn);
  return {
    title: echo ? 'bare Node, echo' : 'bare Node',
    pid: program.pid,
    address,
    stop: () => program.end(),
  };
}

/** Starts the Go service on an empty database. */
export async function startGoService(cores: string, endpoint: string, databaseUrl: string): Promise<Server> {
  const url = new URL(databaseUrl);
  const dsn = `${url.username}:${url.password}@tcp(${url.host})${url.pathname}`;
  const program = startProgram(cores, callbenchPath, ['service', `http://${endpoint}/hook`, dsn]);
  const address = await program.firstLine((line) => line);
  return { title: 'Go, two commits a call', pid: program.pid, address, stop: () => program.end() };
}
