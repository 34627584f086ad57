import { once } from 'node:events';
import type { Socket } from 'node:net';
import { expect } from 'chai';
import { openConnection } from '../../src/http/client/connection.ts';
import { createParseBudget } from '../../src/http/client/parse-budget.ts';
import { flood } from '../hostile/support/flood.ts';
import { guardedExecutor, loopbackConnect, outcomeOf, sendTo } from '../support/guarded-executor.ts';
import { startRawServer, type RawServer } from '../support/raw-server.ts';

const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const MAX_BYTES = 65_536;
const MAX_BODY_BYTES = 65_536;
const LARGE_HEADER = `a: ${'x'.repeat(500)}\r\n`;
const LARGE_HEAD = 'the response head is larger than 65536 bytes';
const TOO_MANY_LINES = 'the response head has more than 1000 lines';
const LARGE_GAP = 'the response has trailers or chunk extensions of more than 16384 bytes';

// Sends a request on a connection of its own and counts what undici's parser gets.
const readAll = async (server: RawServer): Promise<{ parsedBytes: number; error: Error }> => {
  const socket = loopbackConnect({ host: '127.0.0.1', port: server.port });
  await once(socket, 'connect');
  const connection = openConnection(server.url, socket, () => undefined, createParseBudget());
  let parsedBytes = 0;
  const read = socket.read.bind(socket);
  socket.read = (size?: number): unknown => {
    const chunk: unknown = read(size);
    if (chunk instanceof Uint8Array) parsedBytes += chunk.length;
    return chunk;
  };
  const error = await new Promise<Error>((resolve) =>
    connection.dispatch(
      { path: '/', method: 'GET' },
      {
        onRequestStart: () => undefined,
        onResponseStart: (_controller, status) => {
          if (status >= 200) connection.noteProgress(0);
        },
        onResponseData: (_controller, chunk) => connection.noteProgress(chunk.length),
        onResponseEnd: () => undefined,
        onResponseError: (_controller, caught) => resolve(caught),
      },
      MAX_BODY_BYTES,
    ),
  );
  return { parsedBytes, error };
};

describe('response bytes outside the body', () => {
  const opened: Socket[] = [];
  const executor = guardedExecutor({
    connect: (options) => {
      const socket = loopbackConnect(options);
      opened.push(socket);
      return socket;
    },
  });
  let raw: RawServer | undefined;

  beforeEach(() => opened.splice(0));
  afterEach(() => raw?.close());
  after(() => executor.close());

  const rows: readonly (readonly [
    title: string,
    start: string,
    endless: string,
    outcome: string,
    message: string,
  ])[] = [
    ['empty headers without end', 'HTTP/1.1 200 OK\r\n', 'a:\r\n', 'PROTOCOL maybe', TOO_MANY_LINES],
    ['large headers without end', 'HTTP/1.1 200 OK\r\n', LARGE_HEADER, 'PROTOCOL maybe', LARGE_HEAD],
    ['a reason phrase without end', 'HTTP/1.1 200 ', 'a', 'PROTOCOL maybe', LARGE_HEAD],
    [
      'a long value, then empty headers',
      `HTTP/1.1 200 OK\r\nb: ${'x'.repeat(65_000)}\r\n`,
      'a:\r\n',
      'PROTOCOL maybe',
      LARGE_HEAD,
    ],
    [
      'interim responses and a head without end',
      `HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\n`,
      LARGE_HEADER,
      'PROTOCOL maybe',
      LARGE_HEAD,
    ],
    [
      'interim responses of many lines',
      `HTTP/1.1 103 Early\r\n${'a:\r\n'.repeat(900)}\r\n`,
      `HTTP/1.1 103 Early\r\n${'a:\r\n'.repeat(900)}\r\n`,
      'PROTOCOL maybe',
      LARGE_HEAD,
    ],
    ['trailers without end', `${CHUNKED}2\r\nok\r\n0\r\n`, 'a:\r\n', 'PROTOCOL yes', LARGE_GAP],
    ['a chunk extension without end', `${CHUNKED}1;`, 'a', 'PROTOCOL yes', LARGE_GAP],
  ];
  for (const [title, start, endless, outcome, message] of rows) {
    it(`end 20 requests when they are ${title}`, async () => {
      raw = await startRawServer((socket) => (socket.write(start), flood(socket, endless)));
      const { url } = raw;
      const results = await Promise.all(
        Array.from({ length: 20 }, () => sendTo(executor, url, { limitMs: 20_000 })),
      );
      for (const result of results) {
        expect(outcomeOf(result), result.failure?.message).to.equal(outcome);
        expect(result.failure?.message).to.equal(message);
      }
      expect(opened).to.have.length(20);
      for (const socket of opened) expect(socket.bytesRead).to.be.below(1_000_000);
    });

    it(`reach the parser up to 64 KiB and one part when they are ${title}`, async () => {
      raw = await startRawServer((socket) => (socket.write(start), flood(socket, endless)));
      const { parsedBytes, error } = await readAll(raw);
      expect(error).to.have.property('code', 'CALLHOOKS_RESPONSE_LIMIT');
      expect(parsedBytes).to.be.at.most(MAX_BYTES + 16_384);
    });
  }

  it('do not count against a body of any length and any chunks', async () => {
    const tiny = '1\r\nx\r\n'.repeat(20_000);
    raw = await startRawServer((socket, index) =>
      socket.write(
        index === 0
          ? `${CHUNKED}${tiny}0\r\nt: 1\r\n\r\n`
          : `HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n${'x'.repeat(200_000)}`,
      ),
    );
    const { url } = raw;
    const both = await Promise.all([1, 2].map(() => sendTo(executor, url, { maxBodyBytes: 300_000 })));
    expect(both.map(outcomeOf)).to.deep.equal(['ok', 'ok']);
    expect(both.map(({ response }) => response?.body.length)).to.have.members([20_000, 200_000]);
  });

  it('end a request when they are the framing of a body in tiny chunks', async () => {
    raw = await startRawServer((socket) => {
      socket.write(CHUNKED);
      flood(socket, '1\r\nx\r\n');
    });
    const result = await sendTo(executor, raw.url, { maxBodyBytes: 100_000 });
    expect(outcomeOf(result)).to.equal('PROTOCOL yes');
    expect(result.failure?.message).to.equal('the response has more than 165536 bytes besides its body');
    expect(result.response?.bodyBytes).to.be.within(30_000, 36_000);
  });

  it('may be 1,000 lines of the head, whatever the lines of the body', async () => {
    const body = JSON.stringify(
      Array.from({ length: 3_000 }, () => 1),
      undefined,
      1,
    );
    const start = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${'a: b\r\n'.repeat(997)}`;
    raw = await startRawServer((socket) => socket.write(`${start}\r\n${body}`));
    const result = await sendTo(executor, raw.url);
    expect(outcomeOf(result), result.failure?.message).to.equal('ok');
    expect(result.response?.body.length).to.equal(body.length);
  });

  it('may be 64 KiB in every head of one connection', async () => {
    const start = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Long: ';
    const whole = `${start}${'x'.repeat(MAX_BYTES - start.length - 4)}\r\n\r\n`;
    expect(whole).to.have.length(MAX_BYTES);
    raw = await startRawServer((socket) => socket.write(`${whole}ok`));
    for (let count = 0; count < 3; count++) {
      const result = await sendTo(executor, raw.url);
      expect(outcomeOf(result), result.failure?.message).to.equal('ok');
      expect(Buffer.from(result.response?.body ?? []).toString()).to.equal('ok');
    }
    expect(raw.connections).to.have.length(1);
  });
});
