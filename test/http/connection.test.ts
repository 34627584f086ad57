import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { errors } from 'undici';
import {
  CLIENT_SETTINGS,
  ConnectionGoneError,
  IDLE_MS,
  openConnection,
} from '../../src/http/client/connection.ts';
import { createParseBudget } from '../../src/http/client/parse-budget.ts';
import { EXECUTOR_LIMITS } from '../../src/http/executor.ts';
import type { SendResult } from '../../src/http/http-client.ts';
import { guardedExecutor, loopbackConnect, outcomeOf, sendTo } from '../support/guarded-executor.ts';
import { startRawServer, type OnRequest, type RawServer } from '../support/raw-server.ts';
import { until } from '../support/until.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

describe('a connection', () => {
  let raw: RawServer | undefined;
  let executor = guardedExecutor();
  let reuseFailures = 0;

  beforeEach(() => {
    reuseFailures = 0;
    executor = guardedExecutor({
      onReusedConnectionFailure: () => reuseFailures++,
      maxConnectionAgeMs: 2_000,
    });
  });
  afterEach(async () => {
    await executor.close();
    await raw?.close();
    raw = undefined;
  });

  const serve = async (
    onRequest: OnRequest,
    onConnection?: (socket: Socket, index: number) => void,
  ): Promise<RawServer> => {
    raw = await startRawServer(onRequest, onConnection ? { onConnection } : {});
    return raw;
  };
  const answerOk: OnRequest = (socket) => socket.write(OK);

  it('has exactly the settings that keep a request from leaving twice', () => {
    expect(CLIENT_SETTINGS).to.deep.equal({
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: 500,
      keepAliveMaxTimeout: 500,
      keepAliveTimeoutThreshold: 500,
      headersTimeout: 0,
      bodyTimeout: 0,
      strictContentLength: true,
    });
    expect(IDLE_MS).to.equal(500);
    expect(EXECUTOR_LIMITS.maxConnectionAgeMs).to.equal(300_000);
  });

  it('carries one request at a time', async () => {
    let open = 0;
    let most = 0;
    const { url, connections } = await serve((socket) => {
      most = Math.max(most, ++open);
      setTimeout(() => (open--, socket.write(OK)), 30);
    });
    const results = await Promise.all(Array.from({ length: 8 }, () => sendTo(executor, url)));
    expect(results.map(outcomeOf)).to.deep.equal(Array<string>(8).fill('ok'));
    expect(most).to.equal(8);
    expect(connections).to.have.length(8);
  });

  for (const hint of ['', 'Keep-Alive: timeout=60\r\n', 'Keep-Alive: timeout=1\r\n']) {
    it(`is used again within 500 ms and not later, when the server sends ${hint === '' ? 'no hint' : `the hint ${hint.trim()}`}`, async () => {
      const { url, connections } = await serve((socket) =>
        socket.write(OK.replace('\r\n\r\n', `\r\n${hint}\r\n`)),
      );
      await sendTo(executor, url);
      await sendTo(executor, url);
      await wait(200);
      await sendTo(executor, url);
      expect(connections).to.have.length(1);
      await wait(600);
      await sendTo(executor, url);
      expect(connections).to.have.length(2);
    });
  }

  it('is not used again when it was idle for more than 500 ms of a stalled event loop', async () => {
    const { url, connections } = await serve(answerOk);
    await sendTo(executor, url);
    const endAtMs = performance.now() + 600;
    while (performance.now() < endAtMs);
    expect(outcomeOf(await sendTo(executor, url))).to.equal('ok');
    expect(connections).to.have.length(2);
  });

  it('serves no further request when it has reached its age, also when it was never idle', async () => {
    const local = guardedExecutor({ maxConnectionAgeMs: 300 });
    const { url, connections } = await serve(answerOk);
    const endAtMs = performance.now() + 500;
    while (performance.now() < endAtMs) expect(outcomeOf(await sendTo(local, url))).to.equal('ok');
    expect(connections).to.have.length(2);
    await local.close();
  });

  it('is not shared between origins', async () => {
    const local = guardedExecutor({ names: { 'a.example': ['127.0.0.1'], 'b.example': ['127.0.0.1'] } });
    const { port, connections } = await serve(answerOk);
    for (const host of ['a.example', 'b.example', 'a.example', '127.0.0.1'])
      await sendTo(local, `http://${host}:${port}/`);
    expect(connections).to.have.length(3);
    await local.close();
  });

  const closers: readonly (readonly [title: string, response: string])[] = [
    ['says Connection: close', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'],
    ['speaks HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['sends a body with its 204', 'HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\nok'],
    ['sends more than its body', `${OK}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison`],
  ];
  for (const [title, response] of closers) {
    it(`is not used again when the server ${title}`, async () => {
      const { url, connections } = await serve((socket) => socket.write(response));
      for (let count = 1; count <= 3; count++) {
        const result = await sendTo(executor, url);
        expect(outcomeOf(result)).to.equal('ok');
        expect(Buffer.from(result.response?.body ?? []).toString()).to.not.contain('poison');
        expect(connections).to.have.length(count);
      }
    });
  }

  it('stays open when a small body is thrown away', async () => {
    const response = `HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n${'x'.repeat(20_000)}`;
    const { url, connections } = await serve((socket) => socket.write(response));
    await sendTo(executor, url, { read: 'record', recordBytes: 0 });
    await wait(50);
    await sendTo(executor, url, { read: 'record', recordBytes: 0 });
    expect(connections).to.have.length(1);
  });

  for (const [title, body] of [
    ['large', 'x'.repeat(500_000)],
    ['slow', 'x'],
  ] as const) {
    it(`is closed when a ${title} body would be thrown away`, async () => {
      const { url, connections } = await serve((socket) =>
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n${body}`),
      );
      await sendTo(executor, url, { read: 'record', recordBytes: 0 });
      await until('the connection to be closed', () => connections[0]?.socket.destroyed);
    });
  }

  describe('that breaks when it is used again', () => {
    it('fails the request as PROTOCOL with sent MAYBE, says so, is counted, and sends nothing again', async () => {
      const { url, requestCount, connections } = await serve((socket) => {
        if (requestCount() === 1) socket.write(OK);
        else socket.resetAndDestroy();
      });
      await sendTo(executor, url);
      const result = await sendTo(executor, url);
      expect(outcomeOf(result)).to.equal('PROTOCOL maybe');
      expect(result.failure?.message).to.match(/^reused connection: /);
      expect(reuseFailures).to.equal(1);
      expect(requestCount()).to.equal(2);
      expect(connections).to.have.length(1);
    });

    it('is not counted when its first request breaks', async () => {
      const { url } = await serve((socket) => socket.end());
      const result = await sendTo(executor, url);
      expect(result.failure?.message).to.not.contain('reused');
      expect(reuseFailures).to.equal(0);
    });

    for (const code of ['ECONNRESET', 'none']) {
      it(`gives way to a new one when nothing was written yet (error code: ${code})`, async () => {
        let dialled: Socket | undefined;
        const local = guardedExecutor({ connect: (options) => (dialled = loopbackConnect(options)) });
        const { url, connections, requestCount } = await serve(answerOk);
        await sendTo(local, url);
        for (let count = 2; count <= 10; count++) {
          // The request is handed to the idle connection, which breaks before the loop turns and anything is written.
          const sent = sendTo(local, url);
          dialled?.destroy(code === 'none' ? undefined : Object.assign(new Error('reset'), { code }));
          const result = await sent;
          expect(outcomeOf(result), result.failure?.message).to.equal('ok');
          expect([connections.length, requestCount()]).to.deep.equal([count, count]);
        }
        expect(reuseFailures).to.equal(0);
        await local.close();
      });
    }
  });

  it('loses no call to a server that closes idle sockets after 1 s', async () => {
    const { url } = await serve(
      (socket) => socket.write(OK),
      (socket) => socket.setTimeout(1_000, () => socket.end()),
    );
    const callers = Array.from({ length: 40 }, async (_, caller) => {
      const results: SendResult[] = [];
      for (let turn = 0; turn < 6; turn++) {
        results.push(await sendTo(executor, url));
        // Around the server's limit and around our own.
        await wait((turn % 2 === 0 ? 985 : 485) + (caller % 10) * 3);
      }
      return results;
    });
    const outcomes = (await Promise.all(callers)).flat().map(outcomeOf);
    expect(outcomes.filter((outcome) => outcome !== 'ok')).to.deep.equal([]);
    expect(outcomes).to.have.length(240);
  });

  // undici closes an idle socket with one of the first two errors.
  const reasons: readonly (readonly [title: string, error: Error | undefined, isShown: boolean])[] = [
    ['was closed by the server', undefined, false],
    ['was closed as idle', new errors.InformationalError('socket idle timeout'), false],
    ['was closed by undici', new errors.SocketError('other side closed'), false],
    ['has an error of its own', Object.assign(new Error('alert'), { code: 'ERR_SSL_ALERT' }), true],
  ];
  for (const [title, reason, isShown] of reasons) {
    it(`fails a request at once, and dials no other connection, when its socket ${title}`, async () => {
      const { port, connections } = await serve(answerOk, (socket) => void (reason ?? socket.end()));
      const socket = loopbackConnect({ host: '127.0.0.1', port });
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      const origin = `http://127.0.0.1:${port}`;
      const connection = openConnection(origin, socket, () => undefined, createParseBudget());
      if (reason !== undefined) socket.destroy(reason);
      await until('the socket to close', () => socket.destroyed);
      const error = await new Promise<Error>((resolve) =>
        connection.dispatch(
          { path: '/', method: 'GET' },
          {
            onRequestStart: () => undefined,
            onResponseStart: () => undefined,
            onResponseData: () => undefined,
            onResponseEnd: () => undefined,
            onResponseError: (_controller, caught) => resolve(caught),
          },
          0,
        ),
      );
      if (isShown) expect(error).to.equal(reason);
      else expect(error).to.be.instanceOf(ConnectionGoneError);
      expect(['UND_ERR_SOCKET', 'UND_ERR_INFO']).to.not.include((error as ConnectionGoneError).code);
      expect(connections).to.have.length(1);
      connection.destroy();
    });
  }

  it('fails the request as PROTOCOL, without a retry, when the server speaks first', async () => {
    const { url, connections } = await serve(answerOk, (socket) => socket.write('220 smtp ready\r\n'));
    const result = await sendTo(executor, url);
    expect(result.failure?.code).to.equal('PROTOCOL');
    expect(connections).to.have.length(1);
  });
});
