import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, type Rpc } from '../../support/rpc.ts';
import { until } from '../../support/until.ts';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));
const PROBE = fileURLToPath(new URL('stall-probe.ts', import.meta.url));
const SERVES_WITHIN_MS = 30_000;
const BYTES_PER_MB = 1024;

/** What an attack did to the server process. */
export interface Toll {
  /** When the attack began, in epoch milliseconds. */
  readonly fromMs: number;
  /** The longest time for which the event loop stood still. */
  readonly longestStallMs: number;
  /** The most CPU time that the event loop took without a break, whatever else the machine did. */
  readonly longestBusyMs: number;
  /** The most resident memory, and how much that is above the memory before the attack. */
  readonly peakMemoryMb: number;
  readonly grownMb: number;
}

/** A real callhooks process on SQLite, whose event loop and memory are measured. */
export interface WatchedServer {
  readonly pid: number;
  readonly port: number;
  /** The address of the metrics page, `host:port`. */
  readonly opsAddress: string;
  readonly rpc: Rpc;
  /** The data folder, which is deleted at the end. */
  readonly dataDir: string;
  /** Returns everything that the process has written so far. */
  log(): string;
  /** Runs an attack, and returns its result with its toll. */
  measure<T>(attack: () => Promise<T>): Promise<{ readonly result: T; readonly toll: Toll }>;
  /** Ends the process, and deletes its files. */
  close(): Promise<void>;
}

/** Starts a server that may call loopback. `env` adds settings, or replaces them. */
export async function startWatchedServer(env: Readonly<Record<string, string>> = {}): Promise<WatchedServer> {
  const dataDir = mkdtempSync(join(tmpdir(), 'callhooks-hostile-'));
  const logFile = join(dataDir, 'log.jsonl');
  const child = launch(dataDir, logFile, env);
  const log = (): string => readFileSync(logFile, 'utf8');
  const { grpcAddress, opsAddress } = await until(
    'the server to serve',
    () => {
      if (child.exitCode !== null) throw new Error(`the server ended at its start:\n${log()}`);
      return servingLine(log());
    },
    { timeoutMs: SERVES_WITHIN_MS },
  );
  const port = Number(grpcAddress.split(':').at(-1));
  const rpc = connect(port);
  const pid = child.pid ?? 0;
  return {
    pid,
    port,
    opsAddress,
    rpc,
    dataDir,
    log,
    measure: async (attack) => {
      const beforeMb = resetPeakMemory(pid);
      const fromMs = Date.now();
      child.send('reset');
      const result = await attack();
      const stalls = await readStalls(child);
      const peakMemoryMb = memoryOf(pid, 'VmHWM');
      return { result, toll: { fromMs, ...stalls, peakMemoryMb, grownMb: peakMemoryMb - beforeMb } };
    },
    close: async () => {
      rpc.close();
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

function launch(dataDir: string, logFile: string, env: Readonly<Record<string, string>>): ChildProcess {
  const log = openSync(logFile, 'a');
  try {
    return spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--import', PROBE, MAIN, 'serve'],
      {
        env: {
          PATH: process.env['PATH'],
          CALLHOOKS_LISTEN: '127.0.0.1:0',
          CALLHOOKS_OPS_LISTEN: '127.0.0.1:0',
          CALLHOOKS_DATA_DIR: join(dataDir, 'data'),
          CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8',
          ...env,
        },
        stdio: ['ignore', log, log, 'ipc'],
      },
    );
  } finally {
    closeSync(log);
  }
}

function servingLine(log: string): { grpcAddress: string; opsAddress: string } | undefined {
  const line = log.split('\n').find((text) => text.includes('"msg":"serving"'));
  return line === undefined ? undefined : (JSON.parse(line) as { grpcAddress: string; opsAddress: string });
}

// The answer comes after every stall of the attack, also after one that is going on.
async function readStalls(child: ChildProcess): Promise<Pick<Toll, 'longestStallMs' | 'longestBusyMs'>> {
  const answer = once(child, 'message') as Promise<[Pick<Toll, 'longestStallMs' | 'longestBusyMs'>]>;
  child.send('read');
  return (await answer)[0];
}

/** Makes the peak of a process start at its present memory, and returns that (proc_pid_clear_refs(5)). */
function resetPeakMemory(pid: number): number {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
  return memoryOf(pid, 'VmRSS');
}

function memoryOf(pid: number, name: 'VmHWM' | 'VmRSS'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? NaN) / BYTES_PER_MB;
}
