import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { sharedOptions, startPrivateServer, type PrivateServer, type ServerPlace } from './private-server.ts';

const SEARCH_PATH = [
  ...(process.env['PATH'] ?? '').split(delimiter),
  '/usr/sbin',
  '/usr/local/sbin',
  '/usr/local/bin',
];

/** Returns the full path of a server program, or undefined. They lie in sbin, which a user's PATH may lack. */
export function findServerProgram(name: string): string | undefined {
  return SEARCH_PATH.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/**
 * Starts a private MariaDB with commits as durable as in production and, on purpose, the bare default character
 * set (latin1). `options` are further options of mariadbd. Throws, with the server's log, when it does not start.
 */
export function startMariadb(options: readonly string[] = []): Promise<PrivateServer> {
  return startPrivateServer({
    name: 'mariadb',
    initialize,
    launch: (place) => launch(place, options),
  });
}

function initialize({ folder, dataDir }: ServerPlace): void {
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
}

function launch(place: ServerPlace, options: readonly string[]): ChildProcess {
  const program = findServerProgram('mariadbd');
  if (program === undefined) throw new Error('mariadbd is not installed');
  const args = [
    '--no-defaults', // this machine's /etc/mysql is not ours
    `--user=${userInfo().username}`, // mariadbd refuses to run as root unless it is told to
    ...sharedOptions(place),
    '--skip-log-bin',
    '--innodb-log-file-size=32M',
    ...options,
  ];
  // A session of its own: Ctrl-C on the terminal reaches the tests alone, so they still have a database while they end.
  const server = spawn(program, args, { stdio: 'ignore', detached: true });
  server.unref();
  return server;
}
