import { connect as openSession } from 'node:http2';
import { connect as openSocket } from 'node:net';
import { status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { OnCallStartResponse } from '../../src/gen/index.callhooks.v1.ts';
import { errorOf } from '../support/rpc.ts';
import { until } from '../support/until.ts';
import { healthClient } from '../support/health-client.ts';
import { endOf, openStream, sendCall } from './http2-calls.ts';
import { startTestServer } from './test-server.ts';

const reply = OnCallStartResponse.fromPartial({ replayed: true });
const START = '/callhooks.v1.CallLifecycle/OnCallStart';

describe('A gRPC server that closes', () => {
  it('does not wait for a call of an unknown method, which was answered unread', async () => {
    await using server = await startTestServer({});
    const path = '/callhooks.v1.CallLifecycle/NoSuchMethod';
    expect((await errorOf(server.rpc.raw(path, Buffer.alloc(100)))).code).to.equal('UNIMPLEMENTED');
    const before = performance.now();
    await server.grpc.close(10_000);
    expect(performance.now() - before).to.be.below(5_000);
  });

  it('refuses calls on open connections as SHUTTING_DOWN for a moment', async () => {
    await using server = await startTestServer({ onCallStart: () => Promise.resolve(reply) });
    expect(await server.rpc.calls.onCallStart()).to.deep.equal(reply);
    const closed = server.grpc.close(10_000);
    expect((await errorOf(server.rpc.calls.onCallStart())).reason).to.equal('SHUTTING_DOWN');
    const before = performance.now();
    await closed;
    expect(performance.now() - before).to.be.below(2_000);
  });

  it('waits for running calls, and refuses new connections', async () => {
    let release: (() => void) | undefined;
    await using server = await startTestServer({
      onCallStart: () =>
        new Promise((resolve) => {
          release = () => resolve(reply);
        }),
    });
    const running = server.rpc.calls.onCallStart();
    await until('the call to run', () => release !== undefined);
    let isClosed = false;
    const closed = server.grpc.close(10_000).then(() => (isClosed = true));
    await until('new connections to be refused', () => isRefused(server.port));
    expect(isClosed).to.equal(false);
    release?.();
    expect(await running).to.deep.equal(reply);
    await closed;
  });

  it('ends health watches', async () => {
    await using server = await startTestServer({});
    server.grpc.setServing(true);
    using health = healthClient(server.port);
    const seen: string[] = [];
    const watch = health.watch('');
    watch.on('data', (answer: { status: string }) => void seen.push(answer.status));
    const ended = new Promise<number>((resolve) =>
      watch.on('error', (error: { code: number }) => resolve(error.code)),
    );
    await until('the first status', () => seen.length === 1);
    const before = performance.now();
    await server.grpc.close(10_000);
    expect(performance.now() - before).to.be.below(5000);
    expect(await ended).to.equal(status.UNAVAILABLE);
    expect(seen).to.deep.equal(['SERVING', 'NOT_SERVING']);
  });

  it('cancels calls that do not end in time', async () => {
    let isRunning = false;
    await using server = await startTestServer({
      onCallStart: () => {
        isRunning = true;
        return new Promise(() => {});
      },
    });
    const broken = errorOf(server.rpc.calls.onCallStart());
    await until('the call to run', () => isRunning);
    await server.grpc.close(50);
    expect((await broken).code).to.be.oneOf(['CANCELLED', 'UNAVAILABLE']);
  });

  it('refuses a call whose message arrives afterwards as SHUTTING_DOWN', async () => {
    let release: (() => void) | undefined;
    await using server = await startTestServer({
      onCallStart: () =>
        new Promise((resolve) => {
          release = () => resolve(reply);
        }),
    });
    const session = openSession(`http://127.0.0.1:${server.port}`);
    const running = endOf(sendCall(session, START));
    const late = openStream(session, START);
    late.write(Buffer.alloc(2));
    await until('the call to run', () => release !== undefined);
    const closed = server.grpc.close(10_000);
    late.end(Buffer.alloc(3));
    const { code } = await endOf(late);
    release?.();
    await running;
    await closed;
    expect(code).to.equal(status.UNAVAILABLE);
    expect(server.lines[0]).to.include({ code: 'UNAVAILABLE', reason: 'SHUTTING_DOWN' });
  });

  it('frees its port, and may be closed again', async () => {
    await using server = await startTestServer({});
    await Promise.all([server.grpc.close(1000), server.grpc.close(1000)]);
    await server.grpc.close(1000);
    server.grpc.setServing(true);
    expect(await isRefused(server.port)).to.equal(true);
  });
});

/** Reports whether a port of 127.0.0.1 refuses connections. */
function isRefused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = openSocket(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.on('error', () => resolve(true));
    socket.on('close', () => socket.destroy());
  });
}
