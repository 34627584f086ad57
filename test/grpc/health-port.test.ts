import { randomBytes } from 'node:crypto';
import { Client, credentials, status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { createAccessControl } from '../../src/access/access-control.ts';
import { connect, errorOf } from '../support/rpc.ts';
import { API_TOKENS } from '../support/tokens.ts';
import { healthClient } from '../support/health-client.ts';
import { startTestServer } from './test-server.ts';

const asBytes = (bytes: Buffer): Buffer => bytes;
const startWithHealthPort = () =>
  startTestServer({}, { healthAddress: '127.0.0.1:0', accessControl: createAccessControl(API_TOKENS) });

describe('the health port', () => {
  it('answers the health of the server, without a token', async () => {
    await using server = await startWithHealthPort();
    using health = healthClient(server.healthPort);
    for (const isServing of [true, false, true]) {
      server.grpc.setServing(isServing);
      for (const name of ['', 'callhooks.v1.CallLifecycle'])
        expect(await health.check(name)).to.equal(isServing ? 'SERVING' : 'NOT_SERVING');
    }
  });

  it('serves nothing else', async () => {
    await using server = await startWithHealthPort();
    const rpc = connect(server.healthPort);
    expect((await errorOf(rpc.calls.onCallStart())).code).to.equal('UNIMPLEMENTED');
    const reflection = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
    expect((await errorOf(rpc.raw(reflection, Buffer.alloc(0)))).code).to.equal('UNIMPLEMENTED');
    rpc.close();
  });

  it('refuses a message of more than 4 KiB', async () => {
    await using server = await startWithHealthPort();
    using health = healthClient(server.healthPort);
    const failed: unknown = await health.check('x'.repeat(5_000)).catch((error: unknown) => error);
    expect(failed).to.include({ code: status.RESOURCE_EXHAUSTED });
  });

  it('tells watches that the server closes, and ends with it', async () => {
    await using server = await startWithHealthPort();
    server.grpc.setServing(true);
    using health = healthClient(server.healthPort);
    const seen: string[] = [];
    const watch = health.watch('');
    watch.on('data', (answer: { status: string }) => void seen.push(answer.status));
    const ended = new Promise((resolve) => watch.on('error', resolve));
    await health.check('');
    await server.grpc.close(1_000);
    await ended;
    expect(seen).to.deep.equal(['SERVING', 'NOT_SERVING']);
  });
});

describe('health', () => {
  it('keeps nothing of the services that strangers watch', async function () {
    this.timeout(60_000);
    await using server = await startTestServer({});
    const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
    const watchUnknown = () =>
      new Promise<void>((resolve) => {
        // Field 1, a text of 1,000,000 bytes.
        const message = Buffer.concat([
          Buffer.from([0x0a, 0xc0, 0x84, 0x3d]),
          Buffer.from(randomBytes(500_000).toString('hex')),
        ]);
        const call = client.makeServerStreamRequest(
          '/grpc.health.v1.Health/Watch',
          asBytes,
          asBytes,
          message,
        );
        call.on('data', () => call.cancel());
        call.on('error', () => resolve());
      });
    for (let round = 0; round < 3; round += 1) await watchUnknown();
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    for (let round = 0; round < 200; round += 1) await watchUnknown();
    globalThis.gc?.();
    client.close();
    // The names alone would be 200 MB.
    expect(process.memoryUsage().heapUsed - before).to.be.below(100_000_000);
  });
});
