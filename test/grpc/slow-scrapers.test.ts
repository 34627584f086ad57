import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { createOpsServer, type OpsServer } from '../../src/ops/ops-server.ts';
import { until } from '../support/until.ts';

// More than the kernel takes for a client that does not read.
const PAGE = Buffer.alloc(16 * 1024 * 1024, 'x');
const GET = 'GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n';

describe('The operations port under slow and many clients', function () {
  this.timeout(60_000);
  let server: OpsServer;
  let address: string;
  const sockets: Socket[] = [];
  beforeEach(async () => {
    const page = async () => ({ contentType: 'text/plain', body: PAGE });
    server = createOpsServer({ page, isReady: () => true });
    address = await server.listen('127.0.0.1:0');
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await server.close();
  });

  const open = (): Socket => {
    const socket = connect(Number(address.split(':')[1]), '127.0.0.1');
    socket.on('error', () => undefined);
    sockets.push(socket);
    return socket;
  };
  const statusOf = async (path: string): Promise<number> => {
    const response = await fetch(`http://${address}${path}`);
    await response.arrayBuffer();
    return response.status;
  };
  /** Sends bytes, and resolves with all that comes back until the server closes the connection. */
  const exchange = async (bytes: string): Promise<string> => {
    const socket = open();
    let answer = '';
    socket.on('data', (chunk) => (answer += String(chunk).slice(0, 100)));
    socket.write(bytes);
    await once(socket, 'close');
    return answer;
  };

  it('closes a connection whose request does not come, and one whose request does not end', async () => {
    const [head, body, silent] = await Promise.all([
      exchange('GET /healthz HTTP/1.1\r\nx: '),
      exchange('GET /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nabc'),
      exchange(''),
    ]);
    expect(head).to.match(/^HTTP\/1\.1 408 /);
    expect(body).to.match(/^HTTP\/1\.1 200 /);
    expect(silent).to.match(/^HTTP\/1\.1 408 /);
  });

  it('takes back the pages of scrapers that do not read them, and answers probes meanwhile', async () => {
    for (let count = 0; count < 16; count += 1) open().pause().write(GET);
    await until('all places to be taken', async () => (await statusOf('/metrics')) === 503);
    expect([await statusOf('/healthz'), await statusOf('/readyz')]).to.deep.equal([200, 200]);
    await until('a place to be free again', async () => (await statusOf('/metrics')) === 200);
  });

  it('keeps 1,000 connections at most, and serves again when the silent ones are closed', async () => {
    let closed = 0;
    for (let count = 0; count < 1_100; count += 1)
      open()
        .resume()
        .on('close', () => (closed += 1));
    await until('the connections beyond 1,000 to be closed', () => closed >= 100);
    await until('an answer', () =>
      statusOf('/healthz').then(
        (status) => status === 200,
        () => false,
      ),
    );
    await until('the silent ones to be closed', () => closed === 1_100);
  });
});
