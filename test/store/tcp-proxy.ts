import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A proxy on loopback that can disturb its connections. */
export interface TcpProxy {
  readonly port: number;
  /** Lets nothing pass in either direction from now on, without closing anything (packets are dropped). */
  silence(): void;
  /** Lets everything pass again, and what has come meanwhile. */
  resume(): void;
  /** Ends all connections at once with a reset. */
  cut(): void;
  /** Runs `hit` once, when the client next sends something that contains this text, before it passes. */
  onText(text: string, hit: () => void): void;
  close(): Promise<void>;
}

/** Starts a proxy to a port on loopback. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let queued: (() => void)[] | undefined;
  let trap: { text: string; hit: () => void } | undefined;

  const forward = (from: Socket, to: Socket, isClient: boolean): void => {
    from.on('data', (data: Buffer) => {
      if (isClient && trap !== undefined && data.includes(trap.text)) {
        const { hit } = trap;
        trap = undefined;
        hit();
      }
      if (queued === undefined) to.write(data);
      else queued.push(() => to.write(data));
    });
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
  };
  const server = createServer((client) => {
    const target = connect(targetPort, '127.0.0.1');
    const pair = [client, target] as const;
    pairs.add(pair);
    client.on('close', () => pairs.delete(pair));
    forward(client, target, true);
    forward(target, client, false);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  const cut = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    silence: () => {
      queued ??= [];
    },
    resume: () => {
      const waiting = queued ?? [];
      queued = undefined;
      for (const pass of waiting) pass();
    },
    cut,
    onText: (text, hit) => {
      trap = { text, hit };
    },
    close: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
