import { connect as openSession, constants } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { setLogger, status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { OnCallStartRequest, OnCallStartResponse } from '../../src/gen/index.callhooks.v1.ts';
import { MAX_REQUEST_BYTES } from '../../src/grpc/decode-request.ts';
import { errorOf } from '../support/rpc.ts';
import { until } from '../support/until.ts';
import { endOf, headersOf, sendCall } from './http2-calls.ts';
import { startTestServer } from './test-server.ts';

const reply = OnCallStartResponse.fromPartial({ replayed: true });
const START = '/callhooks.v1.CallLifecycle/OnCallStart';
const END = '/callhooks.v1.CallLifecycle/OnCallEnd';

describe('The gRPC server', () => {
  it('accepts a message of 4 MiB, and refuses one with a byte more', async () => {
    const sizes: number[] = [];
    await using server = await startTestServer({
      onCallStart: async (_, { messageBytes }) => {
        sizes.push(messageBytes);
        return reply;
      },
    });
    const overhead = OnCallStartRequest.encode(
      OnCallStartRequest.fromPartial({ callerPhone: 'x'.repeat(4e6) }),
    ).finish();
    const callerPhone = 'x'.repeat(4e6 + MAX_REQUEST_BYTES - overhead.length);
    expect(await server.rpc.calls.onCallStart({ callerPhone })).to.deep.equal(reply);
    expect((await errorOf(server.rpc.calls.onCallStart({ callerPhone: `${callerPhone}x` }))).code).to.equal(
      'RESOURCE_EXHAUSTED',
    );
    expect(sizes).to.deep.equal([MAX_REQUEST_BYTES]);
  });

  it('refuses a compressed message that is larger than 4 MiB when it is decompressed', async () => {
    await using server = await startTestServer({ onCallStart: async () => reply });
    const bomb = gzipSync(Buffer.alloc(64 << 20));
    const head = Buffer.alloc(5);
    head.writeUInt8(1, 0);
    head.writeUInt32BE(bomb.length, 1);
    const session = openSession(`http://127.0.0.1:${server.port}`);
    const stream = session.request({ ...headersOf(START), 'grpc-encoding': 'gzip' });
    stream.end(Buffer.concat([head, bomb]));
    const code = await new Promise((resolve, reject) => {
      stream.on('error', reject);
      stream.on('response', (headers) => resolve(Number(headers['grpc-status'])));
    });
    session.close();
    expect(code).to.equal(status.RESOURCE_EXHAUSTED);
  });

  it('answers UNIMPLEMENTED for a method that does not exist', async () => {
    await using server = await startTestServer({});
    const error = await errorOf(
      server.rpc.raw('/callhooks.v1.CallLifecycle/OnCallNothing', new Uint8Array()),
    );
    expect(error.code).to.equal('UNIMPLEMENTED');
  });

  it('does not log the values of headers that grpc-js cannot read', async () => {
    const logged: unknown[] = [];
    const log = (...values: unknown[]): void => void logged.push(...values);
    setLogger({ ...console, error: log, info: log, debug: log });
    await using server = await startTestServer({ onCallStart: async () => reply });
    const session = openSession(`http://127.0.0.1:${server.port}`);
    const stream = session.request({ ...headersOf(START), authorization: 'Bearer secr\xe9t' });
    stream.end(Buffer.alloc(5));
    expect((await endOf(stream)).code).to.equal(status.OK);
    session.close();
    setLogger(console);
    expect(logged).to.deep.equal([]);
  });

  it('allows 10,000 streams on a connection, of which it serves 1,000 at once', async () => {
    await using server = await startTestServer({});
    const session = openSession(`http://127.0.0.1:${server.port}`);
    const settings = await new Promise<{ maxConcurrentStreams?: number }>((resolve) =>
      session.on('remoteSettings', resolve),
    );
    session.close();
    expect(settings.maxConcurrentStreams).to.equal(10_000);
  });

  it('answers a call while 3,000 others are cancelled in bursts on its connection', async () => {
    let release: (() => void) | undefined;
    let begun = 0;
    let cancelled = 0;
    await using server = await startTestServer({
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
    const session = openSession(`http://127.0.0.1:${server.port}`);
    const kept = endOf(sendCall(session, START));
    await until('the call to run', () => release !== undefined);
    for (const wave of [1, 2, 3, 4]) {
      const streams = Array.from({ length: 750 }, () => sendCall(session, END));
      await until('the wave to run', () => begun === 750 * wave);
      for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL);
      await until('the wave to be cancelled', () => cancelled === 750 * wave);
    }
    release?.();
    expect((await kept).code).to.equal(status.OK);
    session.destroy();
  });

  it('answers a call while the deadlines of 3,000 others of its client pass', async () => {
    let release: (() => void) | undefined;
    await using server = await startTestServer({
      onCallStart: () =>
        new Promise((resolve) => {
          release = () => resolve(reply);
        }),
      onCallEnd: () => new Promise(() => {}),
    });
    const kept = server.rpc.calls.onCallStart({});
    await until('the call to run', () => release !== undefined);
    for (let wave = 0; wave < 4; wave += 1) {
      const late = Array.from({ length: 750 }, () =>
        errorOf(server.rpc.calls.onCallEnd({}, { deadlineMs: 400 })),
      );
      expect(new Set((await Promise.all(late)).map(({ code }) => code))).to.deep.equal(
        new Set(['DEADLINE_EXCEEDED']),
      );
    }
    release?.();
    expect(await kept).to.deep.equal(reply);
  }).timeout(20_000);

  it('rejects with EADDRINUSE when its port is taken', async () => {
    await using server = await startTestServer({});
    const failed: unknown = await startTestServer({}, { address: `127.0.0.1:${server.port}` }).catch(
      (error: unknown) => error,
    );
    expect(String(failed)).to.contain('EADDRINUSE');
  });
});
