import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { freePort } from './free-port.ts';
import { startTether } from './tether.ts';

/** Is a private MariaDB server in a temporary folder, on loopback. It is killed when this process ends in any way. */
export interface MariaDb {
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

const SEARCH_PATH = [
  ...(process.env['PATH'] ?? '').split(delimiter),
  '/usr/sbin',
  '/usr/local/sbin',
  '/usr/local/bin',
];
const START_TIMEOUT_MS = 60_000;

/** Returns the full path of a server program, or undefined. They lie in sbin, which a user's PATH may lack. */
export function findServerProgram(name: string): string | undefined {
  return SEARCH_PATH.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/**
 * Starts a private server with commits as durable as in production and, on purpose, the bare default character
 * set (latin1). `options` are further options of mariadbd. Throws, with the server's log, when it does not start.
 */
export async function startMariadb(options: readonly string[] = []): Promise<MariaDb> {
  const folder = mkdtempSync(join(tmpdir(), 'callhooks-mariadb-'));
  const guard = startGuard(folder);
  const dataDir = join(folder, 'data');
  const password = randomBytes(12).toString('hex');
  initialize(folder, dataDir, password);

  const port = await freePort();
  const url = (database: string) => `mysql://callhooks:${password}@127.0.0.1:${port}/${database}`;
  const start = async () => {
    const server = spawnServer(folder, dataDir, port, options);
    guard.watch(server.pid);
    await untilReady(server, url(''), join(folder, 'error.log'));
    return server;
  };
  let server = await start();
  const mariadb: MariaDb = {
    url,
    port,
    dataDir,
    get pid() {
      return server.pid ?? 0;
    },
    end: (signal) => endServer(server, signal),
    async begin() {
      server = await start();
    },
    async restart() {
      await mariadb.end('SIGKILL');
      await mariadb.begin();
    },
    async stop() {
      await mariadb.end('SIGKILL');
      await guard.end();
    },
  };
  return mariadb;
}

function initialize(folder: string, dataDir: string, password: string): void {
  const program = findServerProgram('mariadb-install-db');
  if (program === undefined) throw new Error('mariadb-install-db is not installed');
  const args = ['--no-defaults', `--datadir=${dataDir}`, `--user=${userInfo().username}`, '--skip-test-db'];
  const result = spawnSync(
    program,
    [...args, '--auth-root-authentication-method=normal', '--innodb-log-file-size=32M'],
    // A starting server clears its temporary folder of tables, also of those of another installation.
    { encoding: 'utf8', env: { ...process.env, TMPDIR: folder } },
  );
  if (result.status !== 0) throw new Error(`mariadb-install-db failed:\n${result.stdout}\n${result.stderr}`);
  const account = "'callhooks'@'127.0.0.1'";
  writeFileSync(
    join(folder, 'init.sql'),
    `CREATE USER IF NOT EXISTS ${account} IDENTIFIED BY '${password}';\nGRANT ALL ON *.* TO ${account} WITH GRANT OPTION;\n`,
  );
}

function spawnServer(
  folder: string,
  dataDir: string,
  port: number,
  options: readonly string[],
): ChildProcess {
  const program = findServerProgram('mariadbd');
  if (program === undefined) throw new Error('mariadbd is not installed');
  const args = [
    '--no-defaults', // this machine's /etc/mysql is not ours
    `--user=${userInfo().username}`, // mariadbd refuses to run as root unless it is told to
    `--datadir=${dataDir}`,
    `--tmpdir=${folder}`,
    `--socket=${join(folder, 'socket')}`,
    `--pid-file=${join(folder, 'pid')}`,
    `--log-error=${join(folder, 'error.log')}`,
    `--init-file=${join(folder, 'init.sql')}`,
    '--bind-address=127.0.0.1',
    `--port=${port}`,
    '--skip-name-resolve',
    '--skip-log-bin',
    '--innodb-flush-log-at-trx-commit=1',
    '--innodb-log-file-size=32M',
    '--innodb-buffer-pool-size=64M',
    '--max-allowed-packet=32M',
    '--max-connections=500',
    ...options,
  ];
  // A session of its own: Ctrl-C on the terminal reaches the tests alone, so they still have a database while they end.
  const server = spawn(program, args, { stdio: 'ignore', detached: true });
  server.unref();
  return server;
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
      if (hasEnded(server)) throw new Error(`mariadbd ended at its start:\n${log()}`, { cause: error });
      if (Date.now() > giveUpAt) throw new Error(`mariadbd is not ready:\n${log()}`, { cause: error });
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
