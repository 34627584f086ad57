import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { freePort } from './free-port.ts';
import { startTether } from './tether.ts';

/** Is a private MySQL or MariaDB in a temporary folder, on loopback. It is killed when this process ends in any way. */
export interface PrivateServer {
  /** Returns a `mysql://` URL of a database on it, which need not exist; its user may do everything. */
  url(database: string): string;
  readonly port: number;
  readonly dataDir: string;
  /** Is the id of the running process. It changes with `restart`. */
  readonly pid: number;
  /** Ends the server as a crash would, or with SIGTERM cleanly; resolves when it is gone. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Starts a server that has ended again, on the same data and port. */
  begin(): Promise<void>;
  /** Ends the server with SIGKILL, as a crash would, and starts it again. */
  restart(): Promise<void>;
  /** Ends the server with SIGKILL and removes its folder. */
  stop(): Promise<void>;
}

/** The folders and the port of a server. `initFile` holds statements that it has to run at each start. */
export interface ServerPlace {
  readonly folder: string;
  readonly dataDir: string;
  readonly port: number;
  readonly initFile: string;
}

/** A server program, and how it is started. */
export interface ServerProgram {
  readonly name: string;
  /** Fills the data folder. Throws when it can't. */
  initialize(place: ServerPlace): void;
  launch(place: ServerPlace): ChildProcess;
}

const START_TIMEOUT_MS = 60_000;

/** Starts a private server. Throws, with the server's log, when it does not start. */
export async function startPrivateServer(program: ServerProgram): Promise<PrivateServer> {
  const folder = mkdtempSync(join(tmpdir(), `callhooks-${program.name}-`));
  const guard = startGuard(folder);
  const password = randomBytes(12).toString('hex');
  const port = await freePort();
  const place = { folder, dataDir: join(folder, 'data'), port, initFile: join(folder, 'init.sql') };
  writeFileSync(place.initFile, accountStatements(password));
  program.initialize(place);

  const url = (database: string) => `mysql://callhooks:${password}@127.0.0.1:${port}/${database}`;
  const start = async () => {
    const server = program.launch(place);
    guard.watch(server.pid);
    await untilReady(server, url(''), errorLogOf(place));
    return server;
  };
  let server = await start();
  const running: PrivateServer = {
    url,
    port,
    dataDir: place.dataDir,
    get pid() {
      return server.pid ?? 0;
    },
    end: (signal) => endServer(server, signal),
    async begin() {
      server = await start();
    },
    async restart() {
      await running.end('SIGKILL');
      await running.begin();
    },
    async stop() {
      await running.end('SIGKILL');
      await guard.end();
    },
  };
  return running;
}

/** Returns the options that MySQL and MariaDB share: all files in the temporary folder, and durable commits. */
export function sharedOptions(place: ServerPlace): readonly string[] {
  return [
    `--datadir=${place.dataDir}`,
    `--tmpdir=${place.folder}`,
    `--socket=${join(place.folder, 'socket')}`,
    `--pid-file=${join(place.folder, 'pid')}`,
    `--log-error=${errorLogOf(place)}`,
    `--init-file=${place.initFile}`,
    '--bind-address=127.0.0.1',
    `--port=${place.port}`,
    '--skip-name-resolve',
    '--innodb-flush-log-at-trx-commit=1',
    '--innodb-buffer-pool-size=64M',
    '--max-allowed-packet=32M',
    '--max-connections=500',
  ];
}

/** Returns the file that a server writes its errors to. */
export function errorLogOf({ folder }: Pick<ServerPlace, 'folder'>): string {
  return join(folder, 'error.log');
}

/** Returns statements that make the user `callhooks`, who may do everything. */
export function accountStatements(password: string): string {
  const account = "'callhooks'@'127.0.0.1'";
  return `CREATE USER IF NOT EXISTS ${account} IDENTIFIED BY '${password}';\nGRANT ALL ON *.* TO ${account} WITH GRANT OPTION;\n`;
}

/** Resolves when the server answers this query; rejects with its log when it ends first, or takes too long. */
export async function untilReady(
  server: ChildProcess,
  url: string,
  logFile: string,
  query = 'SELECT 1',
): Promise<void> {
  const giveUpAt = Date.now() + START_TIMEOUT_MS;
  const log = () => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : '(no log)');
  for (;;) {
    try {
      const connection = await createConnection(url);
      try {
        await connection.query(query);
      } finally {
        await connection.end();
      }
      return;
    } catch (error) {
      if (hasEnded(server)) throw new Error(`the server ended at its start:\n${log()}`, { cause: error });
      if (Date.now() > giveUpAt) throw new Error(`the server is not ready:\n${log()}`, { cause: error });
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

/** Ends a server process; resolves when it is gone. */
export async function endServer(server: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  if (hasEnded(server)) return;
  const exit = once(server, 'exit');
  server.ref();
  server.kill(signal);
  await exit;
}

/** Guards a folder and at most one process. */
export interface FolderGuard {
  /** Kills this process too, in place of an earlier one. */
  watch(pid: number | undefined): void;
  /** Removes the folder now. The process has to have ended. */
  end(): Promise<void>;
}

const GUARD =
  'last=; while read -r pid; do last=$pid; done; [ -z "$last" ] || kill -9 "$last" 2>/dev/null; rm -rf "$1"';

/** Removes a folder and kills the process that uses it when this process is gone, even by SIGKILL. */
export function startGuard(folder: string): FolderGuard {
  const tether = startTether(GUARD, [folder]);
  return {
    watch: (pid) => tether.send(String(pid ?? '')),
    async end() {
      rmSync(folder, { recursive: true, force: true });
      // An empty line says that there is nothing to kill any more.
      tether.send('');
      await tether.release();
    },
  };
}
