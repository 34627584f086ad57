import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../support/free-port.ts';
import { connect, type Rpc } from '../../support/rpc.ts';
import { TEST_KEYS } from '../../support/test-keys.ts';
import { until } from '../../support/until.ts';
import { formatFaults, type Fault } from './faults.ts';
import { guardProcess, unguardProcess } from './process-guard.ts';
import type { Stall } from './stalls.ts';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));
const ARMED_MAIN = fileURLToPath(new URL('replica-main.ts', import.meta.url));
const SERVING = Buffer.from([8, 1]);
// Many may start at once on a busy machine.
const SERVES_WITHIN_MS = 60_000;
// The connections of a process that kills itself break before its parent hears of its end.
const DEATH_NOTICED_AFTER_MS = 500;

/** Says how a replica runs. */
export interface ReplicaOptions {
  /** Its name in logs, in executions and in the call log. */
  readonly name: string;
  /** Holds the value for DATABASE_URL. It is null for the embedded SQLite in `dataDir`. */
  readonly url: string | null;
  readonly dataDir: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly faults?: readonly Fault[];
  /** The entry point of another release. Without it the replica runs this tree. */
  readonly main?: string;
}

/** Holds the options that a restart can change. */
export type RestartOptions = Pick<ReplicaOptions, 'env' | 'faults'>;

/** A callhooks process on a port of its own, which stays the same over restarts. */
export interface Replica {
  readonly name: string;
  readonly port: number;
  /** The id of the process that runs now, or ran last. */
  readonly pid: number;
  readonly isAlive: boolean;
  /** A client of the process that runs now; it is another one after a restart. */
  readonly rpc: Rpc;
  /** Lists the times in which it was dead, frozen or starting. Connections may break then, and replies be late. */
  readonly disturbances: readonly Stall[];
  /** Returns what its processes have logged so far. */
  readonly log: () => string;
  /** Sends SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Sends SIGSTOP. */
  freeze(): void;
  /** Sends SIGCONT. */
  wake(): void;
  /** Resolves when the process is frozen, by a signal from outside or by a fault. */
  untilFrozen(): Promise<void>;
  /** Sends SIGTERM. */
  terminate(): void;
  /** Resolves when the process has ended, however it ends, with its exit code or the signal's name. */
  exited(): Promise<number | NodeJS.Signals>;
  /** Starts it again on the same port, without faults unless `change` has some; resolves when it serves. */
  restart(change?: RestartOptions): Promise<void>;
  /** Kills it if it runs, and removes its log. */
  close(): Promise<void>;
}

/** Starts a replica; resolves when health says SERVING. */
export async function startReplica(options: ReplicaOptions): Promise<Replica> {
  const folder = mkdtempSync(join(tmpdir(), 'callhooks-replica-'));
  const logFile = join(folder, 'log.jsonl');
  const port = await freePort();
  const disturbances: { fromMs: number; toMs: number }[] = [];
  let child: ChildProcess | undefined;
  let rpc = connect(port);

  const isAlive = (): boolean => child !== undefined && child.exitCode === null && child.signalCode === null;
  const disturb = (agoMs = 0): void => void disturbances.push({ fromMs: Date.now() - agoMs, toMs: Infinity });
  const endDisturbances = (): void => {
    const nowMs = Date.now();
    for (const one of disturbances) one.toMs = Math.min(one.toMs, nowMs);
  };
  const exited = async (): Promise<number | NodeJS.Signals> => {
    if (isAlive()) await once(child as ChildProcess, 'exit');
    return child?.signalCode ?? child?.exitCode ?? 0;
  };
  const start = async (change: RestartOptions): Promise<void> => {
    disturb();
    const started = launch({ ...options, ...change }, port, logFile);
    child = started;
    const { pid = 0 } = started;
    guardProcess(pid);
    started.on('exit', () => {
      unguardProcess(pid);
      disturb(DEATH_NOTICED_AFTER_MS);
    });
    await until(`${options.name} to serve`, () => isServing(port, started, logFile), {
      timeoutMs: SERVES_WITHIN_MS,
    });
    rpc.close();
    rpc = connect(port);
    endDisturbances();
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
      await exited();
    },
    freeze: () => {
      disturb();
      send('SIGSTOP');
    },
    wake: () => {
      send('SIGCONT');
      endDisturbances();
    },
    untilFrozen: async () => {
      await until(`${options.name} to freeze`, () => processState(replica.pid) === 'T');
      disturb();
    },
    terminate: () => {
      disturb();
      send('SIGTERM');
    },
    exited,
    restart: async (change = {}) => {
      await exited();
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
}

function launch(options: ReplicaOptions, port: number, logFile: string): ChildProcess {
  const { name, url, dataDir, env = {}, faults = [], main = MAIN } = options;
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
    // Without faults it is the program as it is published.
    const [args, more] =
      faults.length === 0
        ? [[main, 'serve'], {}]
        : [['--disable-warning=ExperimentalWarning', ARMED_MAIN], { FAULT: formatFaults(faults) }];
    return spawn(process.execPath, args, { env: { ...variables, ...more }, stdio: ['ignore', log, log] });
  } finally {
    closeSync(log);
  }
}

async function isServing(port: number, child: ChildProcess, logFile: string): Promise<boolean> {
  if (child.exitCode !== null || child.signalCode !== null)
    throw new Error(`the replica ended at its start:\n${readFileSync(logFile, 'utf8').slice(-4_000)}`);
  // A refused gRPC channel waits for a second before it tries again, so a plain connection goes first.
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
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectSocket(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** Returns the state of a process as Linux names it: `R`, `S`, `T` (frozen). */
function processState(pid: number): string | undefined {
  return /^\d+ \(.*\) (\w)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
}
