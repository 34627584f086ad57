import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  errorLogOf,
  sharedOptions,
  startPrivateServer,
  type PrivateServer,
  type ServerPlace,
} from './private-server.ts';

// test/tools/mysql-install.sh unpacks the server there, with all the libraries that it needs.
const ROOT = fileURLToPath(new URL('../../.cache/mysql/usr/', import.meta.url));
const PLUGINS = join(ROOT, 'lib/mysql/plugin');

/** Reports whether this machine has a MySQL. */
export function hasMysql(): boolean {
  return existsSync(join(ROOT, 'sbin/mysqld'));
}

/**
 * Starts a private MySQL with a binary log and commits as durable as in production, and with latin1 as its character set
 * on purpose. `options` are further options of mysqld. Throws, with the server's log, when it does not start.
 */
export function startMysql(options: readonly string[] = []): Promise<PrivateServer> {
  return startPrivateServer({
    name: 'mysql',
    initialize: initializeMysql,
    launch: (place) => launchMysql(place, options),
  });
}

/** Fills the data folder of a MySQL. */
export function initializeMysql(place: ServerPlace): void {
  const [program = '', ...args] = commandLine();
  const result = spawnSync(
    program,
    [...args, '--initialize-insecure', `--datadir=${place.dataDir}`, `--log-error=${errorLogOf(place)}`],
    { encoding: 'utf8' },
  );
  if (result.status !== 0) throw new Error(`mysqld --initialize failed:\n${result.stderr}`);
}

/** Starts a MySQL on its data folder. */
export function launchMysql(place: ServerPlace, options: readonly string[]): ChildProcess {
  const [program = '', ...args] = commandLine();
  // A session of its own: Ctrl-C on the terminal reaches the tests alone, so they still have a database while they end.
  const server = spawn(
    program,
    [
      ...args,
      ...sharedOptions(place),
      '--innodb-redo-log-capacity=64M',
      '--character-set-server=latin1',
      '--mysqlx=OFF',
      ...options,
    ],
    { stdio: 'ignore', detached: true },
  );
  server.unref();
  return server;
}

// The dynamic linker of the folder runs the server, because the C library of this machine may be older.
function commandLine(): readonly string[] {
  if (!hasMysql()) throw new Error('MySQL is not installed (test/tools/mysql-install.sh)');
  const [linker = ''] = findAll(['lib64', 'lib'], /^ld-linux.*\.so/);
  const [libraries = ''] = findAll(['lib'], /-linux-gnu$/);
  return [
    linker,
    '--library-path',
    libraries,
    join(ROOT, 'sbin/mysqld'),
    '--no-defaults', // this machine's /etc/mysql is not ours
    `--user=${userInfo().username}`, // mysqld refuses to run as root unless it is told to
    `--basedir=${ROOT}`,
    `--lc-messages-dir=${join(ROOT, 'share/mysql')}`,
    `--character-sets-dir=${join(ROOT, 'share/mysql/charsets')}`,
    `--plugin-dir=${PLUGINS}`,
    '--secure-file-priv=',
  ];
}

function findAll(folders: readonly string[], name: RegExp): readonly string[] {
  return folders
    .map((folder) => join(ROOT, folder))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder)
        .filter((file) => name.test(file))
        .map((file) => join(folder, file)),
    );
}
