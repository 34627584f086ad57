import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { expect } from 'chai';
import type { SendOptions, SendResult } from '../../src/http/http-client.ts';
import { guardedExecutor, outcomeOf, sendTo } from '../support/guarded-executor.ts';
import { startRawServer, type OnRequest, type RawServer } from '../support/raw-server.ts';

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n';

// Writes a text byte by byte, for as long as the socket lives; then `rest` again and again.
const trickle = (socket: Socket, text: string, everyMs: number, rest = ''): void => {
  let at = 0;
  const timer = setInterval(() => {
    if (socket.destroyed) clearInterval(timer);
    else socket.write(at < text.length ? text.charAt(at++) : rest);
  }, everyMs);
};

const flood = (socket: Socket, bytes: Buffer): void => {
  const more = () => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on('drain', more);
  more();
};

// Stops the event loop, as a garbage collection or a frozen machine would.
const stall = (ms: number): void => {
  const endAtMs = performance.now() + ms;
  while (performance.now() < endAtMs);
};

describe('the deadline of a request', () => {
  const executor = guardedExecutor({ allow: ['127.0.0.1'] });
  let raw: RawServer | undefined;

  afterEach(async () => {
    await raw?.close();
    raw = undefined;
  });
  after(() => executor.close());

  const serve = async (onRequest: OnRequest): Promise<RawServer> => {
    raw = await startRawServer(onRequest);
    return raw;
  };
  const timed = async (work: Promise<SendResult>) => {
    const start = performance.now();
    return { result: await work, ms: performance.now() - start };
  };

  type Row = readonly [
    title: string,
    onRequest: OnRequest,
    outcome: string,
    message: RegExp,
    options?: Partial<SendOptions>,
  ];
  const rows: readonly Row[] = [
    [
      'a server that says nothing',
      () => undefined,
      'TIMEOUT maybe',
      /^no response head arrived within \d+ ms$/,
    ],
    [
      'a server that sends its head byte by byte',
      (socket) => trickle(socket, HEAD.repeat(9), 20),
      'TIMEOUT maybe',
      /^no response head arrived within \d+ ms$/,
    ],
    [
      'a server that sends headers without end',
      (socket) => trickle(socket, 'HTTP/1.1 200 OK\r\n', 1, 'a: b\r\n'),
      'TIMEOUT maybe',
      /^no response head arrived within \d+ ms$/,
    ],
    [
      'a server that sends its body byte by byte',
      (socket) => (socket.write(HEAD), trickle(socket, 'x'.repeat(99), 20)),
      'TIMEOUT yes',
      /^the response body did not end within \d+ ms$/,
    ],
    [
      'a server that sends a chunked body without end',
      (socket) => (
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'),
        trickle(socket, '', 5, '1\r\nx\r\n')
      ),
      'TIMEOUT yes',
      /^the response body did not end within \d+ ms$/,
    ],
  ];
  for (const [title, onRequest, outcome, message, options = {}] of rows) {
    it(`ends a request to ${title}`, async () => {
      const { url } = await serve(onRequest);
      const { result, ms } = await timed(sendTo(executor, url, { limitMs: 300, ...options }));
      expect(outcomeOf(result)).to.equal(outcome);
      expect(result.failure?.message).to.match(message);
      // A busy machine may be late; too early would be wrong on any.
      expect(ms).to.be.within(290, 800);
    });
  }

  it('is not needed for an endless body, which ends at the size limit with bounded memory', async () => {
    const { url } = await serve((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      flood(socket, Buffer.alloc(65_536, 'x'));
    });
    const before = process.memoryUsage().arrayBuffers;
    const result = await sendTo(executor, url, { maxBodyBytes: 1_000_000 });
    expect(outcomeOf(result)).to.equal('RESPONSE_TOO_LARGE yes');
    expect(result.response?.body).to.have.length(1_000_000);
    expect(process.memoryUsage().arrayBuffers - before).to.be.below(20_000_000);
  });

  it('is not needed for a slow body of the record, which ends after 250 ms without a failure', async () => {
    const { url } = await serve((socket) => (socket.write(HEAD), trickle(socket, 'x'.repeat(99), 20)));
    const { result, ms } = await timed(sendTo(executor, url, { read: 'record' }));
    expect(outcomeOf(result)).to.equal('ok');
    expect(result.response).to.include({ truncated: true });
    expect(ms).to.be.within(240, 800);
  });

  it('leaves the outcome as it is when only the record still needs the body', async () => {
    const { url } = await serve((socket) => (socket.write(HEAD), trickle(socket, 'x'.repeat(99), 20)));
    const { result, ms } = await timed(sendTo(executor, url, { read: 'record', limitMs: 60 }));
    expect(outcomeOf(result)).to.equal('ok');
    expect(ms).to.be.below(245);
  });

  it('is not needed for a body that is longer than its record, which ends at once', async () => {
    const { url } = await serve((socket) => (socket.write(HEAD), socket.write('x'.repeat(50))));
    const { result, ms } = await timed(sendTo(executor, url, { read: 'record', recordBytes: 10 }));
    expect(result.response).to.include({ truncated: true });
    expect(ms).to.be.below(245);
  });

  it('ends name resolution', async () => {
    const slow = guardedExecutor({ resolve: () => new Promise(() => undefined) });
    const { result, ms } = await timed(sendTo(slow, 'http://slow.example/', { limitMs: 200 }));
    expect(outcomeOf(result)).to.equal('TIMEOUT no');
    expect(result.failure?.message).to.match(/^slow\.example was not resolved within \d+ ms$/);
    expect(ms).to.be.within(190, 700);
  });

  it('ends the TLS handshake', async () => {
    const { port } = await serve(() => undefined);
    const { result, ms } = await timed(sendTo(executor, `https://127.0.0.1:${port}/`, { limitMs: 200 }));
    expect(outcomeOf(result)).to.equal('TIMEOUT no');
    expect(result.failure?.message).to.match(
      /^the TLS handshake with 127\.0\.0\.1 did not end within \d+ ms$/,
    );
    expect(ms).to.be.within(190, 700);
  });

  it('lets nothing be sent when it has passed before', async () => {
    const { url, connections } = await serve((socket) => socket.write(HEAD));
    const result = await sendTo(executor, url, { limitMs: -1 });
    expect(outcomeOf(result)).to.equal('TIMEOUT no');
    expect(connections).to.have.length(0);
  });

  describe('when the event loop stalls', () => {
    it('lets nothing be sent when it passes before the dial', async () => {
      const { port, connections } = await serve((socket) => socket.write(HEAD));
      const resolve = async () => {
        stall(300);
        return { addresses: ['127.0.0.1'] };
      };
      const result = await sendTo(guardedExecutor({ resolve }), `http://x.example:${port}/`, {
        limitMs: 200,
      });
      expect(outcomeOf(result)).to.equal('TIMEOUT no');
      expect(connections).to.have.length(0);
    });

    it('lets nothing be sent when it passes before the first write on a new connection', async () => {
      const { port, requestCount, connections } = await serve((socket) => socket.write(HEAD));
      const connected = once(process, 'callhooks-test-connected');
      const local = guardedExecutor({
        names: { 'x.example': ['127.0.0.1'] },
        policy: {
          checkUrl: () => undefined,
          checkUnresolved: () => undefined,
          // The second check of a dial comes when the socket is connected, right before the request is handed over.
          checkDial: () => {
            if (++asked === 2) {
              stall(300);
              process.emit('callhooks-test-connected' as 'exit', 0);
            }
            return undefined;
          },
        },
      });
      let asked = 0;
      const result = await sendTo(local, `http://x.example:${port}/`, { limitMs: 200 });
      await connected;
      expect(outcomeOf(result)).to.equal('TIMEOUT no');
      expect(requestCount()).to.equal(0);
      expect(connections.every(({ received }) => received() === '')).to.equal(true);
      await local.close();
    });

    it('lets nothing be sent when it passes before the first write on a reused connection', async () => {
      const { url, requestCount } = await serve((socket) =>
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
      );
      expect(outcomeOf(await sendTo(executor, url))).to.equal('ok');
      const second = sendTo(executor, url, { limitMs: 200 });
      stall(300);
      expect(outcomeOf(await second)).to.equal('TIMEOUT no');
      expect(requestCount()).to.equal(1);
    });

    it('lets a response be read that arrived in time', async () => {
      const server = new Worker(
        `const { createServer } = require('node:http');
         const { parentPort } = require('node:worker_threads');
         const server = createServer((request, response) => {
           parentPort.postMessage('asked');
           setTimeout(() => response.end('in time'), 100);
         });
         server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`,
        { eval: true },
      );
      const [port] = (await once(server, 'message')) as [number];
      // Within the turn that takes messages the loop goes on to its timers before it looks at sockets again.
      server.once('message', () => stall(500));
      const result = await sendTo(executor, `http://127.0.0.1:${port}/`, { limitMs: 300 });
      expect(outcomeOf(result), result.failure?.message).to.equal('ok');
      expect(Buffer.from(result.response?.body ?? []).toString()).to.equal('in time');
      await server.terminate();
    });
  });

  describe('at a shutdown', () => {
    const shutdowns: readonly (readonly [title: string, onRequest: OnRequest, outcome: string])[] = [
      ['before the head', () => undefined, 'SHUTDOWN maybe'],
      ['within a body that is needed', (socket) => socket.write(HEAD), 'SHUTDOWN yes'],
    ];
    for (const [title, onRequest, outcome] of shutdowns) {
      for (const way of ['the signal', 'close'] as const) {
        it(`ends the request at once with the true sent, ${title}, by ${way}`, async () => {
          const local = guardedExecutor();
          const stop = new AbortController();
          const { url } = await serve((socket, index) => {
            onRequest(socket, index);
            setTimeout(() => (way === 'close' ? void local.close() : stop.abort()), 50);
          });
          const { result, ms } = await timed(sendTo(local, url, { signal: stop.signal }));
          expect(outcomeOf(result)).to.equal(outcome);
          expect(result.failure?.message).to.contain('shutdown');
          expect(ms).to.be.below(1_000);
        });
      }
    }

    it('lets nothing be sent when the shutdown came before', async () => {
      const { url, connections } = await serve(() => undefined);
      const result = await sendTo(executor, url, { signal: AbortSignal.abort() });
      expect(outcomeOf(result)).to.equal('SHUTDOWN no');
      expect(connections).to.have.length(0);
    });

    it('lets nothing be sent when the shutdown comes during name resolution', async () => {
      const stop = new AbortController();
      const local = guardedExecutor({ resolve: () => (stop.abort(), new Promise(() => undefined)) });
      expect(outcomeOf(await sendTo(local, 'http://x.example/', { signal: stop.signal }))).to.equal(
        'SHUTDOWN no',
      );
    });

    it('leaves an outcome as it is that the head has decided', async () => {
      const stop = new AbortController();
      const { url } = await serve((socket) => (socket.write(HEAD), setTimeout(() => stop.abort(), 50)));
      expect(outcomeOf(await sendTo(executor, url, { read: 'record', signal: stop.signal }))).to.equal('ok');
    });
  });
});
