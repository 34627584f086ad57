import { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { EXECUTOR_LIMITS, type GuardedExecutor } from '../../src/http/executor.ts';
import { guardedExecutor, loopbackConnect, outcomeOf, sendTo } from '../support/guarded-executor.ts';
import { startRawServer, type OnRequest, type RawServer } from '../support/raw-server.ts';
import { until } from '../support/until.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const CLOSING = 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok';

const requestsAt = (server: RawServer, count: number) =>
  until(`${count} requests to arrive`, () => server.requestCount() === count, { everyMs: 2 });

describe('the connection pool', () => {
  let raw: RawServer | undefined;
  let executor: GuardedExecutor | undefined;

  afterEach(async () => {
    await executor?.close();
    await raw?.close();
    raw = undefined;
  });

  const serve = async (onRequest: OnRequest): Promise<RawServer> => {
    raw = await startRawServer(onRequest);
    return raw;
  };

  it('dials 64 connections to one origin at a time, and lets 200 requests at once succeed', async () => {
    let underWay = 0;
    let most = 0;
    executor = guardedExecutor({
      connect: (options) => {
        most = Math.max(most, ++underWay);
        return loopbackConnect(options).once('connect', () => underWay--);
      },
    });
    const all = 200;
    const server = await serve(() => {
      // No request is answered before all have arrived, so each one needs a connection of its own.
      if (server.requestCount() === all) for (const { socket } of server.connections) socket.write(OK);
    });
    const own = executor;
    const results = await Promise.all(
      Array.from({ length: all }, () => sendTo(own, server.url, { limitMs: 10_000 })),
    );
    expect(new Set(results.map(outcomeOf))).to.deep.equal(new Set(['ok']));
    expect(server.connections).to.have.length(all);
    expect(most).to.equal(64);
    expect(EXECUTOR_LIMITS.maxDialsPerOrigin).to.equal(64);
  });

  /**
   * Makes one open connection, whose request `/first` is not answered yet, and one dial, which is the only one allowed at
   * a time and stays silent until the deadline of its request.
   */
  const withOneBusyAndOneSilent = async (silentMs: number) => {
    const dialled: string[] = [];
    const isSilent = () => dialled.length === 2;
    executor = guardedExecutor({
      maxDialsPerOrigin: 1,
      connect: (options) => {
        dialled.push(options.host ?? '');
        return isSilent() ? new Socket() : loopbackConnect(options);
      },
    });
    const server = await serve(() => undefined);
    const own = executor;
    const send = (path: string, limitMs: number) => sendTo(own, `${server.url}/${path}`, { limitMs });
    const first = send('first', 5_000);
    await requestsAt(server, 1);
    const silent = send('silent', silentMs);
    await until('the second dial', isSilent, { everyMs: 2 });
    const answer = (text = OK) => server.connections[0]?.socket.write(text);
    const paths = () =>
      server.connections.flatMap(({ received }) =>
        [...received().matchAll(/POST \/(\w+) /g)].map(([, path]) => path),
      );
    return { server, send, first, silent, answer, paths, dialled };
  };

  it('gives a connection that falls idle to the requests that wait for a dial, in their order', async () => {
    const { server, send, first, answer, paths, dialled } = await withOneBusyAndOneSilent(5_000);
    const waiting = ['a', 'b', 'c'].map((path) => send(path, 5_000));
    for (let count = 2; count <= 4; count++) {
      answer();
      await requestsAt(server, count);
    }
    answer();
    const results = await Promise.all([first, ...waiting]);
    expect(results.map(outcomeOf)).to.deep.equal(['ok', 'ok', 'ok', 'ok']);
    expect(paths()).to.deep.equal(['first', 'a', 'b', 'c']);
    expect(server.connections).to.have.length(1);
    expect(dialled).to.have.length(2);
  });

  it('fails a waiting request at its deadline, and sends nothing of it', async () => {
    const { server, send, first, answer, paths } = await withOneBusyAndOneSilent(5_000);
    const expiring = send('expiring', 50);
    const next = send('next', 5_000);
    const result = await expiring;
    expect(outcomeOf(result)).to.equal('TIMEOUT no');
    expect(result.failure?.message).to.match(/^no connection to 127\.0\.0\.1:\d+ became free within \d+ ms$/);
    answer();
    await requestsAt(server, 2);
    answer();
    expect((await Promise.all([first, next])).map(outcomeOf)).to.deep.equal(['ok', 'ok']);
    expect(paths()).to.deep.equal(['first', 'next']);
  });

  it('lets a waiting request dial when the dial before has ended and no connection falls idle', async () => {
    const { send, first, silent, server, paths } = await withOneBusyAndOneSilent(100);
    const waiting = send('waiting', 5_000);
    expect(outcomeOf(await silent)).to.equal('TIMEOUT no');
    await requestsAt(server, 2);
    for (const { socket } of server.connections) socket.write(OK);
    expect((await Promise.all([first, waiting])).map(outcomeOf)).to.deep.equal(['ok', 'ok']);
    expect(server.connections).to.have.length(2);
    expect(paths()).to.deep.equal(['first', 'waiting']);
  });

  it('does not give a connection that closes with its response to a waiting request', async () => {
    const { send, first, answer, server } = await withOneBusyAndOneSilent(150);
    const waiting = send('waiting', 5_000);
    answer(CLOSING);
    expect(outcomeOf(await first)).to.equal('ok');
    await requestsAt(server, 2);
    server.connections[1]?.socket.write(OK);
    expect(outcomeOf(await waiting)).to.equal('ok');
  });

  it('lets the next request dial when a dial fails', async () => {
    let dials = 0;
    executor = guardedExecutor({
      maxDialsPerOrigin: 2,
      connect: (options) => (dials++, loopbackConnect(options)),
    });
    const own = executor;
    const results = await Promise.all(Array.from({ length: 9 }, () => sendTo(own, 'http://127.0.0.1:1/')));
    expect(results.map(outcomeOf)).to.deep.equal(Array<string>(9).fill('CONNECT no'));
    expect(dials).to.equal(9);
  });

  it('serves one origin at once while the dials to another are silent', async () => {
    executor = guardedExecutor({
      allow: ['127.0.0.1', '127.0.0.2'],
      maxDialsPerOrigin: 2,
      connect: (options) => (options.host === '127.0.0.2' ? new Socket() : loopbackConnect(options)),
    });
    const own = executor;
    const { port, url } = await serve((socket) => socket.write(OK));
    let ended = 0;
    const silent = Array.from({ length: 50 }, () =>
      sendTo(own, `http://127.0.0.2:${port}/`, { limitMs: 1_500 }).finally(() => ended++),
    );
    for (let count = 0; count < 5; count++) expect(outcomeOf(await sendTo(own, url))).to.equal('ok');
    expect(ended).to.equal(0);
    expect(new Set((await Promise.all(silent)).map(outcomeOf))).to.deep.equal(new Set(['TIMEOUT no']));
  });

  it('ends dials and waiting requests as SHUTDOWN when the executor is closed', async () => {
    const { send, first, silent, paths } = await withOneBusyAndOneSilent(5_000);
    const waiting = [send('a', 5_000), send('b', 5_000)];
    await wait(2);
    await executor?.close();
    const results = await Promise.all([first, silent, ...waiting]);
    expect(results.map(outcomeOf)).to.deep.equal([
      'SHUTDOWN maybe',
      'SHUTDOWN no',
      'SHUTDOWN no',
      'SHUTDOWN no',
    ]);
    expect(paths()).to.deep.equal(['first']);
  });
});
