import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { createConnection } from 'mysql2/promise';

/** A private MariaDB server in a temporary folder, on loopback. It dies with this process, however that ends. */
export interface MariaDb {
  /** A `mysql://` URL of a database on it, which need not exist; the user may do everything. */
  url(database: string): string;
  readonly port: number;
  readonly dataDir: string;
  /** Of the running server; another one after `restart`. */
  readonly pid: number;
  /** Ends the server, by a crash or (SIGTERM) cleanly; resolves when it is gone. */
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

/** The full path of a server program (they lie in sbin, which a user's PATH may lack), or undefined. */
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
    // A server that starts clears the temporary folder of tables: of those of another installation, too.
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
  // A session of its own: Ctrl-C on the terminal reaches the tests alone, which then still have a database.
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

/**
 * Starts a small shell that waits for its input to end, which happens when this process is gone, even by
 * SIGKILL; it then kills the last process id it was told and removes the folder.
 */
export function startGuard(folder: string) {
  const script =
    'while read -r pid; do last=$pid; done; [ -z "$last" ] || kill -9 "$last" 2>/dev/null; rm -rf "$1"';
  const shell = spawn('/bin/sh', ['-c', `last=; ${script}`, 'sh', folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  shell.unref();
  const input = shell.stdin as Socket;
  input.unref();
  return {
    watch: (pid: number | undefined) => input.write(`${pid ?? ''}\n`),
    async end() {
      rmSync(folder, { recursive: true, force: true });
      const exit = once(shell, 'exit');
      shell.ref();
      input.end('\n'); // an empty line: nothing to kill any more
      await exit;
    },
  };
}

/** A port of 127.0.0.1 that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
