import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createConnection } from 'mysql2/promise';
import { freePort } from '../../support/free-port.ts';
import { findServerProgram } from '../../support/mariadb.ts';
import { endServer, startGuard, untilReady, type FolderGuard } from '../../support/private-server.ts';

/** A node of a Galera cluster on loopback. It is killed when this process ends, however it ends. */
export interface GaleraNode {
  /** Returns a `mysql://` URL of a database on this node, which need not exist; its user may do everything. */
  url(database: string): string;
  /** Sends SIGKILL; resolves when the node is gone. */
  kill(): Promise<void>;
  /** Starts a killed node again on its data; resolves when it has caught up with the others. */
  rejoin(): Promise<void>;
  /** Sends SIGSTOP. */
  freeze(): void;
  /** Sends SIGCONT. */
  wake(): Promise<void> | void;
}

/** Nodes that have the same data. */
export interface GaleraCluster {
  readonly nodes: readonly GaleraNode[];
  /** Ends all nodes with SIGKILL and removes their folders. */
  stop(): Promise<void>;
}

const PROVIDER = '/usr/lib/galera/libgalera_smm.so';
// test/tools/galera-install.sh puts the scripts there by which nodes hand over their state.
const SCRIPTS = fileURLToPath(new URL('../../../.cache/galera', import.meta.url));
const PATH = [process.env['PATH'], '/usr/sbin', '/usr/bin', '/sbin', '/bin', SCRIPTS].join(':');
// The daemon that receives a state would give up the rights of root, and could then not write into root's folders.
const USER = userInfo().uid === 0 ? 'nobody' : userInfo().username;
// The others leave a node out when it is silent for four seconds, which one that gets no turn is not. The defaults are 5 and
// 15 s.
const PROVIDER_OPTIONS = [
  'evs.keepalive_period=PT0.5S',
  'evs.inactive_check_period=PT0.5S',
  'evs.join_retrans_period=PT0.5S',
  'evs.suspect_timeout=PT4S',
  'evs.inactive_timeout=PT6S',
  'pc.recovery=FALSE',
  'gcache.size=64M',
];
// A node refuses this until it has caught up with the others.
const IS_SYNCED = 'SELECT 1 FROM mysql.db LIMIT 1';

/** Reports whether this machine has the programs of a Galera cluster. */
export function hasGalera(): boolean {
  const programs = ['mariadbd', 'rsync'].map(findServerProgram);
  return existsSync(PROVIDER) && !programs.includes(undefined);
}

/** Starts a cluster of so many nodes. Throws with a node's log when it does not come up. */
export async function startGalera(count: number): Promise<GaleraCluster> {
  const places = await Promise.all(
    Array.from({ length: count }, (_, index) => makePlace(`node-${index + 1}`)),
  );
  const addresses = places.map(({ ports }) => `127.0.0.1:${ports.group}`).join(',');
  const password = randomBytes(12).toString('hex');
  initialize(places[0] as Place);
  const nodes: GaleraNode[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.kill()));
    await Promise.all(places.map(({ guard }) => guard.end()));
  };
  try {
    // They start one after the other, because the first gives its data to each of the others.
    for (const place of places)
      nodes.push(await startNode(place, `gcomm://${addresses}`, password, nodes.length === 0));
    return { nodes, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The folders and ports of a node. */
interface Place {
  readonly name: string;
  readonly folder: string;
  readonly dataDir: string;
  readonly ports: {
    readonly sql: number;
    readonly group: number;
    readonly ist: number;
    readonly sst: number;
  };
  readonly guard: FolderGuard;
}

async function makePlace(name: string): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'callhooks-galera-'));
  const dataDir = join(folder, 'data');
  mkdirSync(dataDir);
  if (USER === 'nobody') for (const path of [folder, dataDir]) chownSync(path, nobody(), -1);
  const [sql = 0, group = 0, ist = 0, sst = 0] = await Promise.all([1, 2, 3, 4].map(freePort));
  return { name, folder, dataDir, ports: { sql, group, ist, sst }, guard: startGuard(folder) };
}

function nobody(): number {
  return Number(spawnSync('id', ['-u', 'nobody'], { encoding: 'utf8' }).stdout);
}

function initialize({ folder, dataDir }: Place): void {
  const program = findServerProgram('mariadb-install-db') ?? '';
  const result = spawnSync(
    program,
    [
      '--no-defaults',
      `--datadir=${dataDir}`,
      `--user=${USER}`,
      '--skip-test-db',
      '--auth-root-authentication-method=normal',
      '--innodb-log-file-size=32M',
    ],
    { encoding: 'utf8', env: { ...process.env, TMPDIR: folder } },
  );
  if (result.status !== 0) throw new Error(`mariadb-install-db failed:\n${result.stdout}\n${result.stderr}`);
}

async function startNode(
  place: Place,
  addresses: string,
  password: string,
  isFirst: boolean,
): Promise<GaleraNode> {
  const { ports, folder } = place;
  const args = argumentsOf(place, addresses);
  const start = async (more: readonly string[], url: string): Promise<ChildProcess> => {
    const server = launch([...args, ...more]);
    place.guard.watch(server.pid);
    await untilReady(server, url, join(folder, 'error.log'), IS_SYNCED);
    return server;
  };
  const url = (database: string) => `mysql://callhooks:${password}@127.0.0.1:${ports.sql}/${database}`;
  let server = isFirst
    ? await start(['--wsrep-new-cluster'], `mysql://root@127.0.0.1:${ports.sql}/`)
    : await start([], url(''));
  if (isFirst) await createAccount(ports.sql, password);
  return {
    url,
    kill: () => endServer(server, 'SIGKILL'),
    rejoin: async () => {
      // Debian's service does the same after a crash: without its position the node would copy all data anew.
      server = await start([`--wsrep-start-position=${recoverPosition(place, args)}`], url(''));
    },
    freeze: () => void server.kill('SIGSTOP'),
    wake: () => void server.kill('SIGCONT'),
  };
}

function argumentsOf({ name, folder, dataDir, ports }: Place, addresses: string): readonly string[] {
  const providerOptions = [
    `gmcast.listen_addr=tcp://127.0.0.1:${ports.group}`,
    `ist.recv_addr=127.0.0.1:${ports.ist}`,
    ...PROVIDER_OPTIONS,
  ];
  return [
    '--no-defaults',
    `--user=${USER}`,
    `--datadir=${dataDir}`,
    `--tmpdir=${folder}`,
    `--socket=${join(folder, 'socket')}`,
    `--pid-file=${join(folder, 'pid')}`,
    `--log-error=${join(folder, 'error.log')}`,
    '--bind-address=127.0.0.1',
    `--port=${ports.sql}`,
    '--skip-name-resolve',
    '--skip-log-bin',
    '--binlog-format=ROW',
    '--innodb-autoinc-lock-mode=2',
    '--innodb-flush-log-at-trx-commit=1',
    '--innodb-log-file-size=32M',
    '--innodb-buffer-pool-size=32M',
    '--max-allowed-packet=32M',
    '--wsrep-on=ON',
    `--wsrep-provider=${PROVIDER}`,
    '--wsrep-cluster-name=callhooks',
    `--wsrep-cluster-address=${addresses}`,
    `--wsrep-node-name=${name}`,
    '--wsrep-node-address=127.0.0.1',
    '--wsrep-sst-method=rsync',
    `--wsrep-sst-receive-address=127.0.0.1:${ports.sst}`,
    `--wsrep-provider-options=${providerOptions.join(';')}`,
  ];
}

function launch(args: readonly string[]): ChildProcess {
  const program = findServerProgram('mariadbd') ?? '';
  const server = spawn(program, args, { stdio: 'ignore', detached: true, env: { PATH } });
  server.unref();
  return server;
}

async function createAccount(port: number, password: string): Promise<void> {
  const connection = await createConnection(`mysql://root@127.0.0.1:${port}/`);
  await connection.query("CREATE USER 'callhooks'@'127.0.0.1' IDENTIFIED BY ?", [password]);
  await connection.query("GRANT ALL ON *.* TO 'callhooks'@'127.0.0.1' WITH GRANT OPTION");
  await connection.end();
}

function recoverPosition({ folder }: Place, args: readonly string[]): string {
  const log = join(folder, 'recovery.log');
  const program = findServerProgram('mariadbd') ?? '';
  spawnSync(program, [...args, '--wsrep-recover', `--log-error=${log}`], { env: { PATH } });
  const found = [...readFileSync(log, 'utf8').matchAll(/Recovered position: *(\S+)/g)].at(-1)?.[1];
  if (found === undefined) throw new Error(`the node has no position:\n${readFileSync(log, 'utf8')}`);
  return found;
}
