import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { expect } from 'chai';
import { Hono } from 'hono';
import { limitRequests } from '../../../../src/console/access/request-limits.ts';
import type { ConsoleEnv } from '../../../../src/console/viewer.ts';
import { until } from '../../../support/until.ts';

const LIMITS = { requests: 3, streams: 2, readMs: 200 };
const CHUNK = Buffer.alloc(64 * 1024, 'x');

describe('limitRequests', () => {
  let server: Server;
  let release: () => void;
  let waiting = 0;
  const sockets: Socket[] = [];
  beforeEach(async () => {
    const released = new Promise<void>((resolve) => (release = resolve));
    waiting = 0;
    const app = new Hono<ConsoleEnv>();
    app.use(limitRequests(LIMITS));
    app.get('/page', (c) => c.text('page'));
    // It has no end, so that no buffers hold it.
    app.get('/large', (c) => c.body(new ReadableStream({ pull: (stream) => stream.enqueue(CHUNK) })));
    app.get('/wait', async (c) => {
      waiting += 1;
      await released;
      return c.text('waited');
    });
    app.get('/stream', (c) => {
      if (!c.get('beginStream')()) return c.text('too many streams', 503);
      return c.body(new ReadableStream({ start: (stream) => stream.enqueue(Buffer.from('first\n')) }));
    });
    const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
    server = createServer((request, response) => void listener(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => {
    release();
    for (const socket of sockets.splice(0)) socket.destroy();
    server.close();
    server.closeAllConnections();
  });

  const ask = (path: string) => fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
  const open = (path: string): Socket => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
    sockets.push(socket);
    return socket;
  };

  it('answers 503 and closes the connection while too many requests are under way', async () => {
    const answers = [1, 2, 3].map(() => ask('/wait'));
    await until('three requests', () => waiting === 3);
    const refused = await ask('/page');
    expect([refused.status, refused.headers.get('retry-after')]).to.deep.equal([503, '1']);
    expect(refused.headers.get('connection')).to.equal('close');
    release();
    for (const answer of answers) expect(await (await answer).text()).to.equal('waited');
    await until('room again', async () => (await ask('/page')).status === 200);
  });

  it('gives the place back of a browser that goes away', async () => {
    const gone = [1, 2, 3].map(() => open('/wait'));
    await until('three requests', () => waiting === 3);
    for (const socket of gone) socket.destroy();
    await until('room again', async () => (await ask('/page')).status === 200);
  });

  it('cuts off a browser that does not read its page, and gives its place back', async () => {
    const slow = [1, 2, 3].map(() => open('/large').pause());
    await until('no room', async () => (await ask('/page')).status === 503);
    await until('room again', async () => (await ask('/page')).status === 200);
    await Promise.all(slow.map((socket) => once(socket.resume(), 'close')));
  });

  it('counts live streams by themselves, lets them stay open, and gives the place of a closed one back', async () => {
    const streamsBeganAtMs = performance.now();
    const streams = [open('/stream'), open('/stream')] as const;
    await Promise.all(streams.map((socket) => once(socket, 'data')));
    expect((await ask('/stream')).status).to.equal(503);
    const answers = [1, 2, 3].map(() => ask('/wait'));
    await until('three requests besides the streams', () => waiting === 3);
    release();
    await Promise.all(answers);
    await until('a page after the time limit of pages', async () => {
      await (await ask('/page')).text();
      return performance.now() > streamsBeganAtMs + 2 * LIMITS.readMs;
    });
    expect(streams.map((socket) => socket.closed)).to.deep.equal([false, false]);
    streams[0].destroy();
    await until('room for a stream', async () => {
      const { status, body } = await ask('/stream');
      await body?.cancel();
      return status === 200;
    });
  });
});
