import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect as connectSocket, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, type Rpc } from '../../support/rpc.ts';
import { formatFaults, type Fault } from './faults.ts';
import { processGuard } from './process-guard.ts';
import type { Stall } from './stalls.ts';
import { until } from '../../support/until.ts';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));
const ARMED_MAIN = fileURLToPath(new URL('replica-main.ts', import.meta.url));
// Keys that only tests know; of no use to anybody.
const TEST_KEYS = `test:${Buffer.alloc(32, 7).toString('base64')}`;
const SERVING = Buffer.from([8, 1]);
// Many may start at once on a busy machine.
const SERVES_WITHIN_MS = 60_000;
// The connections of a process that kills itself break before its parent hears of its end.
const DEATH_NOTICED_AFTER_MS = 500;

/** How a replica runs. */
export interface ReplicaOptions {
  /** In logs, in executions and in the journal. */
  readonly name: string;
  /** What DATABASE_URL takes; null: the embedded SQLite in `dataDir`. */
  readonly url: string | null;
  readonly dataDir: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly faults?: readonly Fault[];
}

/** A callhooks process on a port of its own, which stays the same over restarts. */
export interface Replica {
  readonly name: string;
  readonly port: number;
  /** Of the process that runs now, or ran last. */
  readonly pid: number;
  readonly isAlive: boolean;
  /** A client of the process that runs now; it is another one after a restart. */
  readonly rpc: Rpc;
  /** When it was killed, frozen or starting, in epoch milliseconds: what it answered then counts for nothing. */
  readonly disturbances: readonly Stall[];
  /** What its processes have logged so far. */
  readonly log: () => string;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGSTOP. */
  freeze(): void;
  /** SIGCONT. */
  wake(): void;
  /** Resolves when the process is frozen, by whomever. */
  untilFrozen(): Promise<void>;
  /** SIGTERM. */
  terminate(): void;
  /** Resolves when the process has ended, by whatever: its exit code, or the signal's name. */
  ended(): Promise<number | NodeJS.Signals>;
  /** Starts it again on the same port, unarmed unless it is told to; resolves when it serves. */
  restart(change?: { env?: Readonly<Record<string, string>>; faults?: readonly Fault[] }): Promise<void>;
  /** Kills it if it runs and forgets its log. */
  close(): Promise<void>;
}

/** Starts one; resolves when health says SERVING. */
export const startReplica = async (options: ReplicaOptions): Promise<Replica> => {
  const folder = mkdtempSync(join(tmpdir(), 'callhooks-replica-'));
  const logFile = join(folder, 'log.jsonl');
  const port = await freePort();
  const disturbances: { fromMs: number; toMs: number }[] = [];
  let child: ChildProcess | undefined;
  let rpc = connect(port);

  const isAlive = (): boolean => child !== undefined && child.exitCode === null && child.signalCode === null;
  const disturb = (agoMs = 0): void => void disturbances.push({ fromMs: Date.now() - agoMs, toMs: Infinity });
  const calm = (): void => {
    const nowMs = Date.now();
    for (const one of disturbances) one.toMs = Math.min(one.toMs, nowMs);
  };
  const ended = async (): Promise<number | NodeJS.Signals> => {
    if (isAlive()) await once(child as ChildProcess, 'exit');
    return child?.signalCode ?? child?.exitCode ?? 0;
  };
  const start = async (change: Pick<ReplicaOptions, 'env' | 'faults'>): Promise<void> => {
    disturb();
    const started = launch({ ...options, ...change }, port, logFile);
    child = started;
    const { pid = 0 } = started;
    processGuard().watch(pid);
    started.on('exit', () => {
      processGuard().forget(pid);
      disturb(DEATH_NOTICED_AFTER_MS);
    });
    await until(`${options.name} to serve`, () => serves(port, started, logFile), {
      timeoutMs: SERVES_WITHIN_MS,
      everyMs: 25,
    });
    rpc.close();
    rpc = connect(port);
    calm();
  };
  const send = (signal: NodeJS.Signals): void => void (isAlive() && child?.kill(signal));

  const replica: Replica = {
    name: options.name,
    port,
    get pid() {
      return child?.pid ?? 0;
    },
    get isAlive() {
      return isAlive();
    },
    get rpc() {
      return rpc;
    },
    disturbances,
    log: () => readFileSync(logFile, 'utf8'),
    kill: async () => {
      disturb();
      send('SIGKILL');
      await ended();
    },
    freeze: () => {
      disturb();
      send('SIGSTOP');
    },
    wake: () => {
      send('SIGCONT');
      calm();
    },
    untilFrozen: async () => {
      await until(`${options.name} to freeze`, () => processState(replica.pid) === 'T');
      disturb();
    },
    terminate: () => {
      disturb();
      send('SIGTERM');
    },
    ended,
    restart: async (change = {}) => {
      await ended();
      await start({ env: options.env ?? {}, faults: [], ...change });
    },
    close: async () => {
      await replica.kill();
      rpc.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await start(options);
  } catch (error) {
    await replica.close();
    throw error;
  }
  return replica;
};

const launch = (options: ReplicaOptions, port: number, logFile: string): ChildProcess => {
  const { name, url, dataDir, env = {}, faults = [] } = options;
  const variables = {
    PATH: process.env['PATH'],
    CALLHOOKS_LISTEN: `127.0.0.1:${port}`,
    CALLHOOKS_OPS_LISTEN: '127.0.0.1:0',
    CALLHOOKS_DATA_DIR: dataDir,
    CALLHOOKS_INSTANCE: name,
    CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8',
    CALLHOOKS_ENCRYPTION_KEYS: TEST_KEYS,
    ...(url === null ? {} : { DATABASE_URL: url, CALLHOOKS_MIGRATE: 'true' }),
    ...env,
  };
  const log = openSync(logFile, 'a');
  try {
    // Unarmed it is the program as it is published.
    const [args, more] =
      faults.length === 0
        ? [[MAIN, 'serve'], {}]
        : [['--disable-warning=ExperimentalWarning', ARMED_MAIN], { FAULT: formatFaults(faults) }];
    return spawn(process.execPath, args, { env: { ...variables, ...more }, stdio: ['ignore', log, log] });
  } finally {
    closeSync(log);
  }
};

const serves = async (port: number, child: ChildProcess, logFile: string): Promise<boolean> => {
  if (child.exitCode !== null || child.signalCode !== null)
    throw new Error(`the replica ended at its start:\n${readFileSync(logFile, 'utf8').slice(-4_000)}`);
  // First a plain connection: a refused gRPC channel would wait for a second before it tries again.
  if (!(await isOpen(port))) return false;
  const rpc = connect(port);
  try {
    const reply = await rpc.raw('/grpc.health.v1.Health/Check', new Uint8Array(), { deadlineMs: 2_000 });
    return reply.equals(SERVING);
  } catch {
    return false;
  } finally {
    rpc.close();
  }
};

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connectSocket(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });

/** `R`, `S`, `T` (frozen), … as Linux tells it. */
const processState = (pid: number): string | undefined =>
  /^\d+ \(.*\) (\w)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];

const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
};
