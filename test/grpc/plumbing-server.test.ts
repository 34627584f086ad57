import type { Socket } from 'node:net';
import { connect as openSocket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { connect as openSession, constants } from 'node:http2';
import {
  credentials,
  loadPackageDefinition,
  setLogger,
  type ServiceClientConstructor,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { expect } from 'chai';
import { protoPath } from 'grpc-health-check';
import { OnCallStartRequest, OnCallStartResponse } from '../../src/gen/index.callhooks.v1.ts';
import { MAX_MESSAGE_BYTES } from '../../src/grpc/server.ts';
import { errorOf } from '../support/rpc.ts';
import { until } from '../support/until.ts';
import { startPlumbing } from './plumbing-server.ts';

const reply = OnCallStartResponse.fromPartial({ replayed: true });
const START = '/callhooks.v1.CallLifecycle/OnCallStart';
const END = '/callhooks.v1.CallLifecycle/OnCallEnd';

const healthClient = (port: number) => {
  const loaded = loadPackageDefinition(loadSync(protoPath, { enums: String })) as never;
  const { Health } = (
    loaded as Record<string, Record<string, Record<string, Record<string, ServiceClientConstructor>>>>
  )['grpc']!['health']!['v1']!;
  const client = new Health!(`127.0.0.1:${port}`, credentials.createInsecure());
  const check = (service: string): Promise<string> =>
    new Promise((resolve, reject) => {
      client['Check']!.call(client, { service }, (error: Error | null, answer: { status: string }) =>
        error ? reject(error) : resolve(answer.status),
      );
    });
  const watch = (service: string) => client['Watch']!.call(client, { service });
  return { check, watch, [Symbol.dispose]: () => client.close() };
};

describe('health', () => {
  for (const name of ['', 'callhooks.v1.CallLifecycle', 'callhooks.v1.ExecutionLog']) {
    it(`follows the server for ${JSON.stringify(name)}`, async () => {
      await using plumbing = await startPlumbing({});
      using health = healthClient(plumbing.port);
      expect(await health.check(name)).to.equal('NOT_SERVING');
      plumbing.server.setServing(true);
      expect(await health.check(name)).to.equal('SERVING');
      plumbing.server.setServing(false);
      expect(await health.check(name)).to.equal('NOT_SERVING');
    });
  }

  it('does not know other services', async () => {
    await using plumbing = await startPlumbing({});
    using health = healthClient(plumbing.port);
    const failed: unknown = await health.check('callhooks.v1.Other').catch((error: unknown) => error);
    expect(failed).to.include({ code: status.NOT_FOUND });
  });
});

describe('the server', () => {
  it('takes a message of 4 MiB and refuses one byte more', async () => {
    const sizes: number[] = [];
    await using plumbing = await startPlumbing({
      onCallStart: async (_, { requestBytes }) => {
        sizes.push(requestBytes);
        return reply;
      },
    });
    const overhead = OnCallStartRequest.encode(
      OnCallStartRequest.fromPartial({ callerPhone: 'x'.repeat(4e6) }),
    ).finish();
    const callerPhone = 'x'.repeat(4e6 + MAX_MESSAGE_BYTES - overhead.length);
    expect(await plumbing.rpc.calls.onCallStart({ callerPhone })).to.deep.equal(reply);
    expect((await errorOf(plumbing.rpc.calls.onCallStart({ callerPhone: `${callerPhone}x` }))).code).to.equal(
      'RESOURCE_EXHAUSTED',
    );
    expect(sizes).to.deep.equal([MAX_MESSAGE_BYTES]);
  });

  it('refuses a compressed message that becomes larger than 4 MiB', async () => {
    await using plumbing = await startPlumbing({ onCallStart: async () => reply });
    const bomb = gzipSync(Buffer.alloc(64 << 20));
    const head = Buffer.alloc(5);
    head.writeUInt8(1, 0);
    head.writeUInt32BE(bomb.length, 1);
    const session = openSession(`http://127.0.0.1:${plumbing.port}`);
    const stream = session.request({ ...headersOf(START), 'grpc-encoding': 'gzip' });
    stream.end(Buffer.concat([head, bomb]));
    const code = await new Promise((resolve, reject) => {
      stream.on('error', reject);
      stream.on('response', (headers) => resolve(Number(headers['grpc-status'])));
    });
    session.close();
    expect(code).to.equal(status.RESOURCE_EXHAUSTED);
  });

  it('says UNIMPLEMENTED of a method that does not exist', async () => {
    await using plumbing = await startPlumbing({});
    const error = await errorOf(
      plumbing.rpc.raw('/callhooks.v1.CallLifecycle/OnCallNothing', new Uint8Array()),
    );
    expect(error.code).to.equal('UNIMPLEMENTED');
  });

  it('keeps the values of headers that grpc-js cannot read out of its log', async () => {
    const logged: unknown[] = [];
    const log = (...values: unknown[]): void => void logged.push(...values);
    setLogger({ ...console, error: log, info: log, debug: log });
    await using plumbing = await startPlumbing({ onCallStart: async () => reply });
    const session = openSession(`http://127.0.0.1:${plumbing.port}`);
    const stream = session.request({ ...headersOf(START), authorization: 'Bearer secr\xe9t' });
    stream.end(Buffer.alloc(5));
    expect(await statusOf(stream)).to.equal(status.OK);
    session.close();
    setLogger(console);
    expect(logged).to.deep.equal([]);
  });

  it('lets a connection open far more streams than the 1,000 RPCs that are served at once', async () => {
    await using plumbing = await startPlumbing({});
    const session = openSession(`http://127.0.0.1:${plumbing.port}`);
    const settings = await new Promise<{ maxConcurrentStreams?: number }>((resolve) =>
      session.on('remoteSettings', resolve),
    );
    session.close();
    expect(settings.maxConcurrentStreams).to.equal(10_000);
  });

  it('loses no call when 3,000 others are cancelled in a burst on its connection', async () => {
    let release: (() => void) | undefined;
    let begun = 0;
    let cancelled = 0;
    await using plumbing = await startPlumbing({
      onCallStart: () =>
        new Promise((resolve) => {
          release = () => resolve(reply);
        }),
      onCallEnd: (_, { signal }) => {
        begun += 1;
        signal.addEventListener('abort', () => (cancelled += 1));
        return new Promise(() => {});
      },
    });
    const session = openSession(`http://127.0.0.1:${plumbing.port}`);
    const kept = openStream(session, START);
    await until('the call to run', () => release !== undefined);
    for (const wave of [1, 2, 3, 4]) {
      const streams = Array.from({ length: 750 }, () => openStream(session, END));
      await until('the wave to run', () => begun === 750 * wave);
      for (const { stream } of streams) stream.close(constants.NGHTTP2_CANCEL);
      await until('the wave to be cancelled', () => cancelled === 750 * wave);
    }
    release?.();
    expect(await kept.status).to.equal(status.OK);
    session.destroy();
  });

  it('answers the other calls of a client whose 3,000 deadlines pass', async () => {
    let release: (() => void) | undefined;
    await using plumbing = await startPlumbing({
      onCallStart: () =>
        new Promise((resolve) => {
          release = () => resolve(reply);
        }),
      onCallEnd: () => new Promise(() => {}),
    });
    const kept = plumbing.rpc.calls.onCallStart({});
    await until('the call to run', () => release !== undefined);
    for (let wave = 0; wave < 4; wave += 1) {
      const late = Array.from({ length: 750 }, () =>
        errorOf(plumbing.rpc.calls.onCallEnd({}, { deadlineMs: 400 })),
      );
      expect(new Set((await Promise.all(late)).map(({ code }) => code))).to.deep.equal(
        new Set(['DEADLINE_EXCEEDED']),
      );
    }
    release?.();
    expect(await kept).to.deep.equal(reply);
  }).timeout(20_000);
});

describe('closing the server', () => {
  it('refuses calls on open connections for a moment, so that their clients hear why', async () => {
    await using plumbing = await startPlumbing({ onCallStart: () => Promise.resolve(reply) });
    expect(await plumbing.rpc.calls.onCallStart()).to.deep.equal(reply);
    const closed = plumbing.server.close(10_000);
    expect((await errorOf(plumbing.rpc.calls.onCallStart())).reason).to.equal('SHUTTING_DOWN');
    const before = performance.now();
    await closed;
    expect(performance.now() - before).to.be.below(2_000);
  });

  it('waits for calls that run, and refuses new connections', async () => {
    let release: (() => void) | undefined;
    await using plumbing = await startPlumbing({
      onCallStart: () =>
        new Promise((resolve) => {
          release = () => resolve(reply);
        }),
    });
    const running = plumbing.rpc.calls.onCallStart();
    await until('the call to run', () => release !== undefined);
    let isClosed = false;
    const closed = plumbing.server.close(10_000).then(() => (isClosed = true));
    await until('new connections to be refused', () => isRefused(plumbing.port));
    expect(isClosed).to.equal(false);
    release?.();
    expect(await running).to.deep.equal(reply);
    await closed;
  });

  it('ends health watches, which nobody else would end', async () => {
    await using plumbing = await startPlumbing({});
    plumbing.server.setServing(true);
    using health = healthClient(plumbing.port);
    const seen: string[] = [];
    const watch = health.watch('');
    watch.on('data', (answer: { status: string }) => void seen.push(answer.status));
    const ended = new Promise<number>((resolve) =>
      watch.on('error', (error: { code: number }) => resolve(error.code)),
    );
    await until('the first status', () => seen.length === 1);
    const before = performance.now();
    await plumbing.server.close(10_000);
    expect(performance.now() - before).to.be.below(5000);
    expect(await ended).to.equal(status.UNAVAILABLE);
    expect(seen).to.deep.equal(['SERVING', 'NOT_SERVING']);
  });

  it('breaks off what does not end in time', async () => {
    let isRunning = false;
    await using plumbing = await startPlumbing({
      onCallStart: () => {
        isRunning = true;
        return new Promise(() => {});
      },
    });
    const broken = errorOf(plumbing.rpc.calls.onCallStart());
    await until('the call to run', () => isRunning);
    await plumbing.server.close(50);
    expect((await broken).code).to.be.oneOf(['CANCELLED', 'UNAVAILABLE']);
  });

  it('refuses a call that was on its way as SHUTTING_DOWN', async () => {
    let release: (() => void) | undefined;
    await using plumbing = await startPlumbing({
      onCallStart: () =>
        new Promise((resolve) => {
          release = () => resolve(reply);
        }),
    });
    const session = openSession(`http://127.0.0.1:${plumbing.port}`);
    const running = openStream(session, START);
    const late = session.request(headersOf(START));
    late.write(Buffer.alloc(2));
    await until('the call to run', () => release !== undefined);
    const closed = plumbing.server.close(10_000);
    late.end(Buffer.alloc(3));
    const answered = await statusOf(late);
    release?.();
    await running.status;
    await closed;
    expect(answered).to.equal(status.UNAVAILABLE);
    expect(plumbing.lines[0]).to.include({ code: 'UNAVAILABLE', reason: 'SHUTTING_DOWN' });
  });

  it('frees its port, and closing again changes nothing', async () => {
    await using plumbing = await startPlumbing({});
    await Promise.all([plumbing.server.close(1000), plumbing.server.close(1000)]);
    await plumbing.server.close(1000);
    plumbing.server.setServing(true);
    expect(await isRefused(plumbing.port)).to.equal(true);
  });

  it('says when its port is taken', async () => {
    await using plumbing = await startPlumbing({});
    const failed: unknown = await startPlumbing({}, { address: `127.0.0.1:${plumbing.port}` }).catch(
      (error: unknown) => error,
    );
    expect(String(failed)).to.contain('EADDRINUSE');
  });
});

function headersOf(path: string) {
  return { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
}

/** The grpc-status in the headers or trailers of an answer. */
function statusOf(stream: ReturnType<ReturnType<typeof openSession>['request']>): Promise<number> {
  return new Promise((resolve, reject) => {
    const read = (headers: Record<string, unknown>): void => {
      if (headers['grpc-status'] !== undefined) resolve(Number(headers['grpc-status']));
    };
    stream.on('response', read);
    stream.on('trailers', read);
    stream.on('error', reject);
    stream.resume();
  });
}

/** A call with an empty message. Its failure is no unhandled rejection, for most are cancelled. */
function openStream(session: ReturnType<typeof openSession>, path: string) {
  const stream = session.request(headersOf(path));
  const ended = statusOf(stream);
  ended.catch(() => {});
  stream.end(Buffer.alloc(5));
  return { stream, status: ended };
}

function isRefused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket: Socket = openSocket(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.on('error', () => resolve(true));
    socket.on('close', () => socket.destroy());
  });
}
