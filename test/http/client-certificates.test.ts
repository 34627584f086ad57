import { readFileSync } from 'node:fs';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { expect } from 'chai';
import type { ClientIdentity } from '../../src/http/http-client.ts';
import { guardedExecutor, outcomeOf, sendTo } from '../support/guarded-executor.ts';
import { startRawServer, type RawServer } from '../support/raw-server.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

function pem(name: string): string {
  return readFileSync(new URL(`../support/certs/${name}`, import.meta.url), 'utf8');
}

function identity(name: string): ClientIdentity {
  return { certificate: pem(`${name}.pem`), privateKey: pem(`${name}.key`) };
}

describe('client certificates to endpoints', () => {
  const executor = guardedExecutor({ extraCa: pem('ca.pem'), names: { 'endpoint.example': ['127.0.0.1'] } });
  const servers: RawServer[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });
  after(() => executor.close());

  const serve = async (more: TlsOptions = {}): Promise<RawServer> => {
    const tls: TlsOptions = {
      cert: pem('endpoint.pem'),
      key: pem('endpoint.key'),
      ca: pem('client-ca.pem'),
      requestCert: true,
      rejectUnauthorized: true,
      ...more,
    };
    const server = await startRawServer((socket) => socket.write(OK), { tls });
    servers.push(server);
    return server;
  };
  const send = ({ port }: RawServer, clientIdentity?: ClientIdentity) =>
    sendTo(executor, `https://endpoint.example:${port}/`, { request: { clientIdentity } });
  const shownBy = ({ connections }: RawServer) =>
    connections.map(({ socket }) => (socket as TLSSocket).getPeerCertificate().subject?.CN);

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`shows the certificate by ${version} to an endpoint that asks for one`, async () => {
      const server = await serve({ minVersion: version, maxVersion: version });
      expect(outcomeOf(await send(server, identity('client')))).to.equal('ok');
      expect(shownBy(server)).to.deep.equal(['client']);
    });

    const refused: [title: string, ClientIdentity | undefined, message: RegExp][] = [
      ['none', undefined, /^the endpoint .*asks for a client certificate/],
      [
        'one of another authority',
        identity('self-signed'),
        /^the endpoint (?:closed|reset) the connection [\w ]+$/,
      ],
      ['an expired one', identity('expired-client'), /; the client certificate has expired on 2001-01-01$/],
    ];
    for (const [title, clientIdentity, message] of refused)
      it(`fails by ${version}, without an answer, when the endpoint wants a certificate and is shown ${title}`, async () => {
        const server = await serve({ minVersion: version, maxVersion: version });
        const { failure, response } = await send(server, clientIdentity);
        expect(failure?.message).to.match(message);
        expect(response).to.equal(undefined);
        expect(server.requestCount()).to.equal(0);
      });
  }

  it('shows none to an endpoint that does not ask, and the answer is read', async () => {
    const server = await serve({ requestCert: false });
    expect(outcomeOf(await send(server, identity('client')))).to.equal('ok');
    expect(shownBy(server)).to.deep.equal([undefined]);
  });

  it('verifies the certificate of the endpoint as always', async () => {
    const server = await serve({ cert: pem('self-signed.pem'), key: pem('self-signed.key') });
    expect(outcomeOf(await send(server, identity('client')))).to.equal('TLS no');
  });

  it('uses a connection again for the same identity, and never for another one or for none', async () => {
    const server = await serve({ rejectUnauthorized: false });
    const [one, other] = [identity('client'), identity('self-signed')];
    for (const each of [one, one, other, undefined, other, one, undefined])
      expect(outcomeOf(await send(server, each))).to.equal('ok');
    expect(shownBy(server)).to.deep.equal(['client', 'self-signed', undefined]);
    expect(server.requestCount()).to.equal(7);
  });

  it('fails as TLS, unsent, when the certificate can not be used', async () => {
    const server = await serve();
    for (const bad of [identity('weak'), { certificate: 'nonsense', privateKey: '' }]) {
      const { failure } = await send(server, bad);
      expect(failure).to.include({ code: 'TLS', sent: 'no' });
      expect(failure?.message).to.match(/^the client certificate can't be used \(\w+\)$/);
    }
    expect(server.requestCount()).to.equal(0);
  });

  it('takes an equal certificate for another identity', async () => {
    const server = await serve();
    for (const each of [identity('client'), identity('client')])
      expect(outcomeOf(await send(server, each))).to.equal('ok');
    expect(server.connections).to.have.length(2);
  });
});
