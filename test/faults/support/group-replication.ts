import type { ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { freePort } from '../../support/free-port.ts';
import { initializeMysql, launchMysql } from '../../support/mysql.ts';
import {
  accountStatements,
  endServer,
  errorLogOf,
  startGuard,
  untilReady,
  type FolderGuard,
  type ServerPlace,
} from '../../support/private-server.ts';
import type { GaleraCluster, GaleraNode } from './galera.ts';

/** A node of a group, which can be killed, frozen and brought back as one of a Galera cluster. */
export interface GroupNode extends GaleraNode {
  readonly port: number;
}

/** Nodes of MySQL Group Replication on loopback. */
export interface Group extends GaleraCluster {
  readonly nodes: readonly GroupNode[];
}

const JOINED_WITHIN_MS = 60_000;
const RETRY_MS = 200;
const STATE =
  'SELECT MEMBER_STATE AS state FROM performance_schema.replication_group_members WHERE MEMBER_PORT = ?';

/** Starts a group of so many nodes. With `isMultiPrimary` each of them takes writes, and otherwise the first one. */
export async function startGroup(count: number, isMultiPrimary: boolean): Promise<Group> {
  const [password, groupName] = [randomBytes(12).toString('hex'), randomUUID()];
  const places = await Promise.all(Array.from({ length: count }, () => makePlace(password)));
  const seeds = places.map(({ groupPort }) => `127.0.0.1:${groupPort}`).join(',');
  const nodes: GroupNode[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.kill()));
    await Promise.all(places.map(({ guard }) => guard.end()));
  };
  try {
    for (const [at, place] of places.entries()) {
      const options = optionsOf(place, { serverId: at + 1, groupName, seeds, isMultiPrimary });
      nodes.push(await startNode(place, options, password, at === 0, () => nodes));
    }
    return { nodes, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Place extends ServerPlace {
  readonly groupPort: number;
  readonly guard: FolderGuard;
}

async function makePlace(password: string): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'callhooks-group-'));
  const [port, groupPort] = await Promise.all([freePort(), freePort()]);
  const initFile = join(folder, 'init.sql');
  // Each node makes its accounts by itself: they are no part of what the group replicates. A node that has not joined its
  // group yet must take no writes, which the group would never see. It is writable again when it has joined.
  writeFileSync(
    initFile,
    `SET GLOBAL super_read_only = OFF;\nSET SQL_LOG_BIN = 0;\n${accountStatements(password)}` +
      `CREATE USER IF NOT EXISTS 'recovery'@'127.0.0.1' IDENTIFIED BY '${password}';\n` +
      "GRANT REPLICATION SLAVE, BACKUP_ADMIN, CONNECTION_ADMIN, GROUP_REPLICATION_STREAM ON *.* TO 'recovery'@'127.0.0.1';\n" +
      'SET GLOBAL super_read_only = ON;\n',
  );
  const place = {
    folder,
    dataDir: join(folder, 'data'),
    port,
    initFile,
    groupPort,
    guard: startGuard(folder),
  };
  initializeMysql(place);
  return place;
}

interface GroupOptions {
  readonly serverId: number;
  readonly groupName: string;
  readonly seeds: string;
  readonly isMultiPrimary: boolean;
}

// The others leave a node out after 5 s of silence (member-expel-timeout adds nothing to that). A node that was left out
// comes back by `rejoin` and `wake` alone.
function optionsOf(place: Place, { serverId, groupName, seeds, isMultiPrimary }: GroupOptions): string[] {
  const group = {
    'group-name': groupName,
    'local-address': `127.0.0.1:${place.groupPort}`,
    'group-seeds': seeds,
    'ip-allowlist': '127.0.0.1',
    'start-on-boot': 'OFF',
    'recovery-get-public-key': 'ON',
    'member-expel-timeout': '0',
    'autorejoin-tries': '0',
    'single-primary-mode': isMultiPrimary ? 'OFF' : 'ON',
    'enforce-update-everywhere-checks': isMultiPrimary ? 'ON' : 'OFF',
  };
  return [
    `--server-id=${serverId}`,
    '--gtid-mode=ON',
    '--enforce-gtid-consistency=ON',
    '--report-host=127.0.0.1',
    `--report-port=${place.port}`,
    '--plugin-load-add=group_replication.so',
    ...Object.entries(group).map(([name, value]) => `--loose-group-replication-${name}=${value}`),
  ];
}

async function startNode(
  place: Place,
  options: readonly string[],
  password: string,
  isFirst: boolean,
  group: () => readonly GroupNode[],
): Promise<GroupNode> {
  const url = (database: string) => `mysql://callhooks:${password}@127.0.0.1:${place.port}/${database}`;
  const start = async (): Promise<ChildProcess> => {
    const server = launchMysql(place, options);
    place.guard.watch(server.pid);
    await untilReady(server, url(''), errorLogOf(place));
    return server;
  };
  const untilJoined = (): Promise<void> =>
    untilOnline(
      url(''),
      group()
        .filter(({ port }) => port !== place.port)
        .map((other) => other.url('')),
    ).catch((error: unknown) => {
      throw new Error(readFileSync(errorLogOf(place), 'utf8'), { cause: error });
    });
  let server = await start();
  await administer(url(''), [
    `CHANGE REPLICATION SOURCE TO SOURCE_USER = 'recovery', SOURCE_PASSWORD = '${password}' FOR CHANNEL 'group_replication_recovery'`,
    `SET GLOBAL group_replication_bootstrap_group = ${isFirst ? 'ON' : 'OFF'}`,
    'START GROUP_REPLICATION',
    'SET GLOBAL group_replication_bootstrap_group = OFF',
  ]);
  await untilJoined();
  return {
    url,
    port: place.port,
    kill: () => endServer(server, 'SIGKILL'),
    rejoin: async () => {
      server = await start();
      await untilJoined();
    },
    freeze: () => void server.kill('SIGSTOP'),
    wake: async () => {
      server.kill('SIGCONT');
      await untilJoined();
    },
  };
}

async function administer(url: string, statements: readonly string[]): Promise<void> {
  const connection = await createConnection({ uri: url, connectTimeout: 2_000 });
  try {
    for (const statement of statements) await connection.query(statement);
  } finally {
    connection.destroy();
  }
}

/**
 * Lets a node join its group, until it has caught up and one of the others sees it. A node that was left out while it was
 * frozen believes at first that it still belongs to them.
 */
async function untilOnline(url: string, others: readonly string[]): Promise<void> {
  const giveUpAtMs = Date.now() + JOINED_WITHIN_MS;
  for (let state = ''; ; await wait(RETRY_MS)) {
    if (Date.now() > giveUpAtMs) throw new Error(`the node is ${state} and does not join its group`);
    try {
      const [own, ...seen] = await Promise.all(
        [url, ...others].map((from) => readState(from, new URL(url).port)),
      );
      state = own ?? '';
      if (state === 'ONLINE' && (others.length === 0 || seen.includes('ONLINE'))) return;
      // As long as the others wait for the killed node, they do not answer the one that joins, which then hangs for 90 s.
      if (seen.some((other) => other !== 'OFFLINE')) continue;
      if (state === 'ERROR') await administer(url, ['STOP GROUP_REPLICATION']);
      if (state === 'ERROR' || state === 'OFFLINE') await administer(url, ['START GROUP_REPLICATION']);
    } catch (error) {
      // The group has not left the old node out yet, or a view is just changing.
      state = String(error);
    }
  }
}

/** Returns the state that a node knows of the one with this port. */
async function readState(url: string, port: string): Promise<string> {
  const connection = await createConnection({ uri: url, connectTimeout: 2_000 });
  try {
    const [rows] = await connection.query<RowDataPacket[]>(STATE, [port]);
    return String(rows[0]?.['state'] ?? 'OFFLINE');
  } finally {
    connection.destroy();
  }
}
