import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { freePort } from '../support/free-port.ts';
import { makeAgent, newCall, postTo } from '../support/calls.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { until } from '../support/until.ts';
import { startTracedServer } from './traced-server.ts';

// A small queue that fills at once, and exports that fail soon.
const SMALL = {
  OTEL_BSP_MAX_QUEUE_SIZE: '8',
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '8',
  OTEL_BSP_SCHEDULE_DELAY: '20',
  OTEL_EXPORTER_OTLP_TIMEOUT: '500',
};
const CALLS = 20;

interface BadCollector {
  readonly port: number;
  close(): Promise<void>;
}

const absent = async (): Promise<BadCollector> => ({
  port: await freePort(),
  close: () => Promise.resolve(),
});

const silent = (): Promise<BadCollector> => listen(() => undefined);
const closing = (): Promise<BadCollector> => listen((socket) => socket.resetAndDestroy());
const talking = (): Promise<BadCollector> =>
  listen((socket) => {
    socket.write('this is no answer\r\n'.repeat(10_000));
  });

/** Accepts connections on a free port, and does this with each of them. */
async function listen(accept: (socket: Socket) => void): Promise<BadCollector> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined).resume());
    accept(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  };
  return { port: (server.address() as AddressInfo).port, close };
}

const unavailable = (): Promise<Receiver> => startReceiver({ status: 503 });

const ROWS = [
  ['is absent', absent, 'http/protobuf'],
  ['is absent', absent, 'grpc'],
  ['accepts connections and never answers', silent, 'http/protobuf'],
  ['accepts connections and never answers', silent, 'grpc'],
  ['resets connections', closing, 'http/protobuf'],
  ['resets connections', closing, 'grpc'],
  ['answers with a long text', talking, 'http/protobuf'],
  ['answers with a long text', talking, 'grpc'],
  ['answers 503 for ever', unavailable, 'http/protobuf'],
] as const;

describe('A server whose collector', function () {
  this.timeout(60_000);
  let endpoint: Receiver;
  before(async () => {
    endpoint = await startReceiver();
  });
  after(() => endpoint.close());

  for (const [title, start, protocol] of ROWS)
    it(`${title} (${protocol}) answers calls, counts the spans that it drops, logs them once, and ends in time`, async () => {
      const collector = await start();
      const server = await startTracedServer({
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.port}`,
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        ...SMALL,
      });
      const agent = await makeAgent(server.rpc, { pre: postTo(`${endpoint.url}/`) });
      const replies = await Promise.all(
        Array.from({ length: CALLS }, () => server.rpc.calls.onCallStart(newCall(agent))),
      );
      expect(replies.map(({ execution }) => execution?.failure)).to.deep.equal(replies.map(() => undefined));
      await until('an export to fail', async () => {
        const dropped = /^callhooks_spans_dropped_total (\d+)$/m.exec(await server.metrics())?.[1];
        // Each call has four spans, and eight of all wait or are under way.
        return Number(dropped) > 3 * CALLS;
      });
      await server.rpc.calls.onCallStart(newCall(agent));
      const stoppedAtMs = performance.now();
      const { exitCode, stdout } = await server.stop();
      expect(exitCode).to.equal(0);
      expect(performance.now() - stoppedAtMs).to.be.below(10_000);
      const lines = stdout.split('\n').filter((line) => line.includes('spans of traces were dropped'));
      const drops = lines.map((line) => JSON.parse(line) as { spans: number; reason: string });
      const ended = drops.filter(({ reason }) => reason === 'the process ended first');
      // One at the first drop, one for all later ones at the end, and one for what was left then: a queue and a batch at most.
      expect(drops.length - ended.length).to.equal(2);
      expect(ended.length).to.be.at.most(1);
      expect(ended[0]?.spans ?? 0).to.be.at.most(16);
      expect(drops.reduce((sum, { spans }) => sum + spans, 0)).to.be.above(4 * CALLS);
      await collector.close();
    });
});
