import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { freePort } from '../support/free-port.ts';
import { startProcess, type ServerProcess } from '../support/server-process.ts';

const cert = (name: string) => fileURLToPath(new URL(`../support/certs/${name}`, import.meta.url));
const TLS = { CALLHOOKS_TLS_CERT_FILE: cert('endpoint.pem'), CALLHOOKS_TLS_KEY_FILE: cert('endpoint.key') };

function check(env: Record<string, string>, ...args: string[]) {
  return startProcess(['healthcheck', ...args], env).ended();
}

describe('callhooks healthcheck', () => {
  let folder: string;
  let server: ServerProcess | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'callhooks-'));
  });
  afterEach(async () => {
    server?.kill('SIGKILL');
    await server?.ended();
    server = undefined;
    rmSync(folder, { recursive: true });
  });

  async function serve(env: Record<string, string>): Promise<Record<string, string>> {
    const listen = { CALLHOOKS_LISTEN: `0.0.0.0:${await freePort()}`, CALLHOOKS_AUTH: 'none' };
    const full = { ...listen, CALLHOOKS_DATA_DIR: folder, ...env };
    server = startProcess(['serve'], full);
    await server.serving();
    return full;
  }

  it('exits with 0 for a server with the same environment, and for each of its services', async () => {
    const env = await serve({ CALLHOOKS_INSECURE: 'true' });
    const { exitCode, stdout, stderr } = await check(env);
    expect([exitCode, stdout, stderr]).to.deep.equal([0, 'SERVING\n', '']);
    expect((await check(env, '--service', 'callhooks.v1.CallLifecycle')).exitCode).to.equal(0);
  });

  it('exits with 1 for a service that the server does not have', async () => {
    const env = await serve({ CALLHOOKS_INSECURE: 'true' });
    const { exitCode, stdout } = await check(env, '--service', 'callhooks.v1.Nothing');
    expect([exitCode, stdout]).to.deep.equal([1, 'SERVICE_UNKNOWN\n']);
  });

  it('asks over TLS, and trusts the certificate of the server alone', async () => {
    const env = await serve(TLS);
    const { exitCode, stdout, stderr } = await check(env);
    expect([exitCode, stdout, stderr]).to.deep.equal([0, 'SERVING\n', '']);
    const other = await check({ ...env, CALLHOOKS_TLS_CERT_FILE: cert('self-signed.pem') });
    expect([other.exitCode, other.stdout]).to.deep.equal([69, '']);
    expect(other.stderr).to.match(/gives no answer: \w*(VERIFY|CERT)/);
  });

  it('asks the health port where clients of the other one need a certificate', async () => {
    const env = await serve({
      ...TLS,
      CALLHOOKS_TLS_CLIENT_CA_FILE: cert('client-ca.pem'),
      CALLHOOKS_HEALTH_LISTEN: `0.0.0.0:${await freePort()}`,
    });
    expect((await check(env)).stdout).to.equal('SERVING\n');
  });

  it('exits with 69 when nobody listens', async () => {
    const { exitCode, stderr } = await check({ CALLHOOKS_LISTEN: `127.0.0.1:${await freePort()}` });
    expect([exitCode, stderr.includes('ECONNREFUSED')]).to.deep.equal([69, true]);
  });

  it('exits with 69 after 2 s when a server accepts connections and says nothing', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket.on('error', () => undefined)));
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    const { port } = silent.address() as AddressInfo;
    const { exitCode, stderr } = await check({}, '--address', `127.0.0.1:${port}`);
    for (const socket of sockets) socket.destroy();
    silent.close();
    expect([exitCode, stderr]).to.deep.equal([
      69,
      `callhooks healthcheck: 127.0.0.1:${port} gives no answer: no answer within 2000 ms\n`,
    ]);
  });

  it('exits with 69 for a server that speaks something else', async () => {
    const other = createServer((socket) => socket.on('error', () => undefined).end('SSH-2.0-OpenSSH\r\n'));
    await once(other.listen(0, '127.0.0.1'), 'listening');
    const { port } = other.address() as AddressInfo;
    expect((await check({}, '--address', `127.0.0.1:${port}`)).exitCode).to.equal(69);
    other.close();
  });

  const answers: [title: string, reply: Buffer, status: string, exitCode: number, stdout: string][] = [
    ['that does not serve', Buffer.from([0, 0, 0, 0, 2, 0x08, 2]), '0', 1, 'NOT_SERVING\n'],
    ['that does not know itself', Buffer.from([0, 0, 0, 0, 0]), '0', 1, 'UNKNOWN\n'],
    ['that refuses to say', Buffer.alloc(0), '7', 69, ''],
  ];
  for (const [title, reply, status, exitCode, stdout] of answers) {
    it(`exits with ${exitCode} for a server ${title}`, async () => {
      const other = createHttp2Server().on('stream', (stream) => {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }));
        stream.end(reply);
      });
      await once(other.listen(0, '127.0.0.1'), 'listening');
      const { port } = other.address() as AddressInfo;
      const ended = await check({}, '--address', `127.0.0.1:${port}`);
      other.close();
      expect([ended.exitCode, ended.stdout]).to.deep.equal([exitCode, stdout]);
    });
  }
});
