import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';
import { createClient } from 'callhooks/client';
import { expect } from 'chai';
import { until } from '../support/until.ts';
import { startFlakyServer } from './flaky-server.ts';

/** Starts a port that closes each connection, until it is told to lead to a server. */
async function startGate() {
  let target: number | undefined;
  let closed = 0;
  const gate = createServer((socket) => {
    socket.on('error', () => undefined);
    if (target === undefined) {
      closed += 1;
      socket.destroy();
      return;
    }
    const onward = connect(target, '127.0.0.1').on('error', () => socket.destroy());
    socket.on('close', () => onward.destroy());
    socket.pipe(onward).pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(gate, 'listening');
  return {
    address: `127.0.0.1:${(gate.address() as AddressInfo).port}`,
    closed: () => closed,
    openTo: (address: string) => {
      target = Number(address.split(':').at(-1));
    },
    close: () => void gate.close(),
  };
}

describe('callhooks/client after an outage', function () {
  this.timeout(30_000);

  it('reaches the server with the first RPC after its return, however often it has connected in vain', async () => {
    const [gate, server] = [await startGate(), await startFlakyServer()];
    const client = createClient({ address: gate.address });
    const start = () => client.calls.onCallStart({ agentUuid: randomUUID(), conversationUuid: randomUUID() });
    const during = await start().then(
      () => 'succeeded',
      ({ code }: { code: string }) => code,
    );
    expect(during).to.equal('UNAVAILABLE');
    await until('the client to have waited longest', () => gate.closed() >= 6);
    gate.openTo(server.address);
    // The server answers its first attempt.
    expect((await start()).rejectReason).to.equal('1');
    client.close();
    server.close();
    gate.close();
  });
});
