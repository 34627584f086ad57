import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { createOpsServer, type OpsServer } from '../../../src/ops/ops-server.ts';
import { until } from '../../support/until.ts';

const TEXT = 'a 1\n';

/** Sends bytes to the port, and resolves with all that comes back until the server closes the connection. */
async function exchange(address: string, bytes: string): Promise<string> {
  const socket = connectTo(address);
  let answer = '';
  socket.on('data', (chunk) => (answer += String(chunk)));
  socket.write(bytes);
  await once(socket, 'close');
  return answer;
}

function connectTo(address: string): Socket {
  const socket = connect(Number(address.split(':')[1]), '127.0.0.1');
  socket.on('error', () => undefined);
  return socket;
}

describe('The operations port', () => {
  let server: OpsServer;
  let address: string;
  let isReady = true;
  let makePage: () => Promise<string>;
  beforeEach(async () => {
    makePage = async () => TEXT;
    server = createOpsServer({
      page: async () => ({ contentType: 'text/plain; version=0.0.4', body: Buffer.from(await makePage()) }),
      isReady: () => isReady,
    });
    address = await server.listen('127.0.0.1:0');
  });
  afterEach(() => server.close());

  const ask = (path: string, method = 'GET'): Promise<Response> =>
    fetch(`http://${address}${path}`, { method });

  it('answers GET /metrics with the page, whatever its query is', async () => {
    for (const path of ['/metrics', '/metrics?x=1']) {
      const response = await ask(path);
      expect([response.status, await response.text()]).to.deep.equal([200, TEXT]);
      expect(response.headers.get('content-type')).to.equal('text/plain; version=0.0.4');
    }
  });

  it('answers HEAD with the head of the answer to GET', async () => {
    for (const path of ['/metrics', '/healthz', '/readyz']) {
      const [get, head] = [await ask(path), await ask(path, 'HEAD')];
      expect(head.status).to.equal(get.status);
      expect(head.headers.get('content-length')).to.equal(get.headers.get('content-length'));
      expect(await head.text()).to.equal('');
      await get.text();
    }
  });

  it('answers other methods with 405 and what is allowed', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const response = await ask('/metrics', method);
      expect([response.status, response.headers.get('allow')]).to.deep.equal([405, 'GET, HEAD']);
      await response.text();
    }
  });

  it('answers other paths with 404', async () => {
    for (const path of ['/', '/metrics/', '/metrics/x', '/health', '/readyz/x'])
      expect((await ask(path)).status, path).to.equal(404);
  });

  it('is always alive, and ready while the process serves', async () => {
    for (const ready of [true, false, true]) {
      isReady = ready;
      expect((await ask('/healthz')).status).to.equal(200);
      expect((await ask('/readyz')).status).to.equal(ready ? 200 : 503);
    }
  });

  it('answers 500 when the page can not be made', async () => {
    makePage = () => Promise.reject(new Error('broken'));
    expect((await ask('/metrics')).status).to.equal(500);
  });

  it('sends 16 pages at once and refuses more, while probes get their answers', async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    makePage = () => promise;
    const pages = Array.from({ length: 16 }, () => ask('/metrics'));
    const more = await Promise.any(Array.from({ length: 4 }, () => ask('/metrics')));
    expect(more.status).to.equal(503);
    expect((await ask('/healthz')).status).to.equal(200);
    resolve(TEXT);
    for (const page of pages) await (await page).text();
    expect((await ask('/metrics')).status).to.equal(200);
  });

  it('gives the place of a page back when its scraper goes away', async () => {
    let asked = 0;
    makePage = () => {
      asked += 1;
      return new Promise(() => undefined);
    };
    const sockets = Array.from({ length: 16 }, () => connectTo(address));
    for (const socket of sockets) socket.write('GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n');
    await until('16 requests', () => asked === 16);
    expect((await ask('/metrics')).status).to.equal(503);
    for (const socket of sockets) socket.destroy();
    makePage = async () => TEXT;
    await until('a free place', async () => (await ask('/metrics')).status === 200);
  });

  it('ends the connection that has waited longest without a request, when there are more than 900', async () => {
    const sockets = Array.from({ length: 900 }, () => connectTo(address));
    const [first, second] = sockets as [Socket, Socket, ...Socket[]];
    const gone = once(first, 'close');
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    expect((await ask('/healthz')).status).to.equal(200);
    await gone;
    expect(second.destroyed).to.equal(false);
    for (const socket of sockets) socket.destroy();
  });

  it('refuses a head of more than 16 KiB', async () => {
    expect(await exchange(address, `GET /metrics HTTP/1.1\r\nx: ${'a'.repeat(17_000)}\r\n\r\n`)).to.match(
      /^HTTP\/1\.1 431 /,
    );
  });
});
