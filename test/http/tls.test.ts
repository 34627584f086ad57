import { readFileSync } from 'node:fs';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { expect } from 'chai';
import { createTlsContext } from '../../src/http/dial/tls-context.ts';
import { guardedExecutor, outcomeOf, sendTo } from '../support/guarded-executor.ts';
import { startRawServer, type RawConnection, type RawServer } from '../support/raw-server.ts';

const pem = (name: string) => readFileSync(new URL(`../support/certs/${name}`, import.meta.url), 'utf8');
const certificate = (name: string): TlsOptions => ({ cert: pem(`${name}.pem`), key: pem(`${name}.key`) });
const tlsSocket = (connection: RawConnection | undefined) => connection?.socket as TLSSocket;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const LOOPBACK = ['127.0.0.1'];

describe('TLS to endpoints', () => {
  const names = { 'endpoint.example': LOOPBACK, 'a.wild.example': LOOPBACK, 'other.example': LOOPBACK };
  const executor = guardedExecutor({ extraCa: pem('ca.pem'), names });
  const servers: RawServer[] = [];

  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });
  after(() => executor.close());

  const serve = async (tls: TlsOptions): Promise<RawServer> => {
    const server = await startRawServer((socket) => socket.write(OK), { tls });
    servers.push(server);
    return server;
  };

  const good: readonly (readonly [title: string, host: string, sni: string | false])[] = [
    ['the name of the certificate', 'endpoint.example', 'endpoint.example'],
    ['a name that its wildcard covers', 'a.wild.example', 'a.wild.example'],
    ['a trailing dot, which neither SNI nor certificate has', 'endpoint.example.', 'endpoint.example'],
    ['an address of the certificate, without SNI', '127.0.0.1', false],
  ];
  for (const [title, host, sni] of good) {
    it(`accepts ${title}`, async () => {
      const { port, connections } = await serve(certificate('endpoint'));
      const result = await sendTo(executor, `https://${host}:${port}/`);
      expect(outcomeOf(result), result.failure?.message).to.equal('ok');
      expect(result.timings.tlsMs).to.be.greaterThan(0);
      expect(tlsSocket(connections[0]).servername).to.equal(sni);
    });
  }

  it('speaks HTTP/1.1 to a server that prefers HTTP/2', async () => {
    const { port, connections } = await serve({
      ...certificate('endpoint'),
      ALPNProtocols: ['h2', 'http/1.1'],
    });
    expect(outcomeOf(await sendTo(executor, `https://endpoint.example:${port}/`))).to.equal('ok');
    expect(tlsSocket(connections[0]).alpnProtocol).to.equal('http/1.1');
  });

  const bad: readonly (readonly [title: string, tls: TlsOptions, host: string, message: string])[] = [
    [
      'a wrong name',
      certificate('endpoint'),
      'other.example',
      'the certificate is not valid for other.example',
    ],
    ['a wrong address', certificate('endpoint'), '127.0.0.2', 'the certificate is not valid for 127.0.0.2'],
    ['an expired certificate', certificate('expired'), 'endpoint.example', 'the certificate has expired'],
    [
      'a self-signed certificate',
      certificate('self-signed'),
      'endpoint.example',
      'the certificate is self-signed; CALLHOOKS_CA_FILE names certificates to trust',
    ],
    [
      'TLS 1.1',
      { ...certificate('endpoint'), minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' },
      'endpoint.example',
      'the endpoint offers no TLS version from 1.2 on',
    ],
  ];
  for (const [title, tls, host, message] of bad) {
    it(`refuses ${title} before anything is sent`, async () => {
      const local = guardedExecutor({ extraCa: pem('ca.pem'), names, allow: ['127.0.0.0/8'] });
      const raw = await startRawServer((socket) => socket.write(OK), {
        tls,
        host: host === '127.0.0.2' ? host : '127.0.0.1',
      });
      servers.push(raw);
      const result = await sendTo(local, `https://${host}:${raw.port}/?token=secret`);
      expect(result.failure).to.deep.equal({ code: 'TLS', message, sent: 'no' });
      expect(raw.requestCount()).to.equal(0);
      await local.close();
    });
  }

  it('refuses an unknown authority also when the environment turns verification off', async () => {
    const { port } = await serve(certificate('endpoint'));
    const local = guardedExecutor({ names });
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      const result = await sendTo(local, `https://endpoint.example:${port}/`);
      expect(outcomeOf(result)).to.equal('TLS no');
      expect(result.failure?.message).to.contain('unknown authority');
    } finally {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      await local.close();
    }
  });

  it('verifies the name of the URL, whatever the headers say', async () => {
    const { port } = await serve(certificate('endpoint'));
    const url = `https://other.example:${port}/`;
    const spoofed = await sendTo(executor, url, {
      request: { headers: { ':authority': 'endpoint.example' } },
    });
    expect(spoofed.failure?.sent).to.equal('no');
    const hosted = await sendTo(executor, url, { request: { headers: { HOST: 'endpoint.example' } } }).catch(
      (error: unknown) => error,
    );
    expect(hosted).to.be.instanceOf(TypeError);
  });

  it('does not share connections between names of one address', async () => {
    const { port, connections } = await serve(certificate('endpoint'));
    expect(outcomeOf(await sendTo(executor, `https://endpoint.example:${port}/`))).to.equal('ok');
    expect(outcomeOf(await sendTo(executor, `https://other.example:${port}/`))).to.equal('TLS no');
    expect(connections.map(({ received }) => received().includes('other.example'))).to.not.include(true);
  });

  const plain: readonly (readonly [title: string, say: string | undefined, message: string])[] = [
    ['hangs up', undefined, 'the endpoint closed the connection during the TLS handshake'],
    ['speaks plain HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'the endpoint does not speak TLS here'],
  ];
  for (const [title, say, message] of plain) {
    it(`fails with a text of its own when the endpoint ${title}`, async () => {
      const server = await startRawServer(() => undefined, {
        onConnection: (socket) =>
          socket.once('data', () => (say === undefined ? socket.destroy() : socket.end(say))),
      });
      servers.push(server);
      const result = await sendTo(executor, `https://endpoint.example:${server.port}/`);
      expect(result.failure).to.deep.equal({ code: 'TLS', message, sent: 'no' });
    });
  }

  const refused = 'the endpoint refused the client certificate, or asks for one';
  const alerts: readonly (readonly [alert: number, message: string])[] = [
    [
      40,
      'the endpoint refused the TLS handshake: it asks for a client certificate, or shares no cipher with callhooks',
    ],
    [42, `${refused} (bad certificate)`],
    [46, `${refused} (certificate unknown)`],
    [48, `${refused} (unknown ca)`],
    [70, 'the endpoint offers no TLS version from 1.2 on'],
    [71, 'the endpoint shares no cipher with callhooks'],
    [80, 'the endpoint ended TLS with the alert internal error'],
    [112, 'the endpoint has no certificate for this host name'],
    [116, 'the endpoint asks for a client certificate; auth.client_certificate sets one'],
    [120, 'the endpoint does not speak HTTP/1.1 here'],
  ];
  for (const [alert, message] of alerts) {
    it(`says what the alert ${alert} means`, async () => {
      const server = await startRawServer(() => undefined, {
        onConnection: (socket) =>
          socket.once('data', () => socket.end(Buffer.from([0x15, 3, 3, 0, 2, 2, alert]))),
      });
      servers.push(server);
      const result = await sendTo(executor, `https://endpoint.example:${server.port}/`);
      expect(result.failure).to.deep.equal({ code: 'TLS', message, sent: 'no' });
    });
  }

  const asking: TlsOptions = { ...certificate('endpoint'), ca: pem('client-ca.pem'), requestCert: true };
  it('says that the endpoint asks for a client certificate, which it does after the first bytes in TLS 1.3', async () => {
    const server = await serve({ ...asking, minVersion: 'TLSv1.3' });
    for (let time = 1; time <= 20; time++) {
      const result = await sendTo(executor, `https://endpoint.example:${server.port}/`);
      expect(result.failure).to.deep.equal({
        code: 'TLS',
        message: 'the endpoint asks for a client certificate; auth.client_certificate sets one',
        sent: 'maybe',
      });
    }
    expect(server.requestCount()).to.equal(0);
  });

  it('says that the endpoint may ask for a client certificate in TLS 1.2', async () => {
    const server = await serve({ ...asking, maxVersion: 'TLSv1.2' });
    const result = await sendTo(executor, `https://endpoint.example:${server.port}/`);
    expect(outcomeOf(result)).to.equal('TLS no');
    expect(result.failure?.message).to.contain('it asks for a client certificate');
  });

  it('trusts each authority of a bundle', async () => {
    const local = guardedExecutor({ extraCa: `# ours\n${pem('self-signed.pem')}\n${pem('ca.pem')}`, names });
    for (const name of ['endpoint', 'self-signed']) {
      const raw = await serve(certificate(name));
      expect(outcomeOf(await sendTo(local, `https://endpoint.example:${raw.port}/`)), name).to.equal('ok');
    }
    await local.close();
  });

  for (const [title, bundle] of [
    ['without a certificate', 'nothing here'],
    ['with a broken certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
  ] as const) {
    it(`throws for a bundle ${title}`, () => {
      expect(() => createTlsContext(bundle)).to.throw(RangeError, 'CA bundle');
    });
  }
});
