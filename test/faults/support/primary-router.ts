import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { until } from '../../support/until.ts';
import type { GroupNode } from './group-replication.ts';

/** One address that leads to the primary of a group, as MySQL Router gives it. */
export interface PrimaryRouter {
  /** Returns a `mysql://` URL of a database on the primary. */
  url(database: string): string;
  /** Returns the number of the node that is the primary now. Waits until there is one. */
  primary(): Promise<number>;
  close(): Promise<void>;
}

const ASK_EVERY_MS = 200;
const ASK_TIMEOUT_MS = 500;
const PRIMARY =
  "SELECT MEMBER_PORT AS port FROM performance_schema.replication_group_members WHERE MEMBER_ROLE = 'PRIMARY' AND " +
  "MEMBER_STATE = 'ONLINE' AND (SELECT COUNT(*) FROM performance_schema.replication_group_members WHERE MEMBER_STATE = 'ONLINE') > 1";

/**
 * Starts a router for the nodes of a group. Each new connection goes to the primary that most nodes name. Connections that
 * are open stay with their node, also when it is frozen or no primary any more: callhooks has to notice that by itself.
 */
export async function startPrimaryRouter(nodes: readonly GroupNode[]): Promise<PrimaryRouter> {
  const sockets = new Set<Socket>();
  let primary: number | undefined;
  const ask = async (): Promise<void> => {
    const answers = await Promise.all(nodes.map(({ url }) => askForPrimary(url(''))));
    const ports = answers.filter((port) => port !== undefined);
    const named = ports.find((port) => 2 * ports.filter((other) => other === port).length > nodes.length);
    primary = named;
  };
  let asking = ask();
  const timer = setInterval(() => {
    asking = asking.then(ask);
  }, ASK_EVERY_MS);

  const server = createServer((client) => {
    sockets.add(client);
    client.on('close', () => sockets.delete(client));
    client.on('error', () => client.destroy());
    if (primary === undefined) return client.destroy();
    const target = connect(primary, '127.0.0.1');
    target.on('error', () => client.destroy());
    target.on('close', () => client.destroy());
    client.on('close', () => target.destroy());
    client.pipe(target).pipe(client);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const find = async (): Promise<number> => {
    await until('the group to have a primary', async () => primary !== undefined, { timeoutMs: 30_000 });
    return nodes.findIndex(({ port }) => port === primary);
  };
  await find();
  return {
    url: (database) => {
      const url = new URL(nodes[0]?.url(database) ?? '');
      url.port = String((server.address() as AddressInfo).port);
      return url.href;
    },
    primary: find,
    close: async () => {
      clearInterval(timer);
      await asking;
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function askForPrimary(url: string): Promise<number | undefined> {
  try {
    const connection = await createConnection({ uri: url, connectTimeout: ASK_TIMEOUT_MS });
    const timer = setTimeout(() => connection.destroy(), ASK_TIMEOUT_MS);
    connection.on('error', () => {});
    try {
      const [rows] = await connection.query<RowDataPacket[]>({ sql: PRIMARY, timeout: ASK_TIMEOUT_MS });
      return rows[0] === undefined ? undefined : Number(rows[0]['port']);
    } finally {
      clearTimeout(timer);
      connection.destroy();
    }
  } catch {
    // It is down, frozen, or just leaving.
    return undefined;
  }
}
