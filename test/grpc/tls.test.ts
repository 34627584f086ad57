import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as openTls } from 'node:tls';
import { credentials } from '@grpc/grpc-js';
import { expect } from 'chai';
import type { TlsFiles } from '../../src/access/tls-files.ts';
import { OnCallStartResponse } from '../../src/gen/index.callhooks.v1.ts';
import { createServerTls, type ServerTls } from '../../src/grpc/server-tls.ts';
import { connect, errorOf } from '../support/rpc.ts';
import { until } from '../support/until.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const pem = (name: string) => readFileSync(new URL(`../support/certs/${name}`, import.meta.url));
const reply = OnCallStartResponse.fromPartial({ replayed: true });
const CA = pem('ca.pem');
const RENEWED = { certificate: 'self-signed.pem', key: 'self-signed.key' };
const NAMES = { certificate: 'cert.pem', key: 'key.pem', clientCa: 'client-ca.pem' } as const;

/** A server with TLS whose files lie in a folder of their own. */
interface TlsServer extends AsyncDisposable, Pick<TestServer, 'port' | 'lines'> {
  readonly tls: ServerTls;
  readonly failures: () => number;
  /** Writes test certificates over the files of the server. */
  write(files: Partial<TlsFiles>): void;
}

async function startTls(certificate = 'endpoint', clientCa?: string): Promise<TlsServer> {
  const folder = mkdtempSync(join(tmpdir(), 'callhooks-tls-'));
  const write = (files: Partial<TlsFiles>): void => {
    for (const [name, source] of Object.entries(files))
      writeFileSync(join(folder, NAMES[name as keyof TlsFiles]), pem(source as string));
  };
  const lines: Record<string, unknown>[] = [];
  const log = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, message, ...fields });
  const logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
  write({ certificate: `${certificate}.pem`, key: `${certificate}.key`, ...(clientCa && { clientCa }) });
  const tls = createServerTls({
    paths: {
      certificate: join(folder, NAMES.certificate),
      key: join(folder, NAMES.key),
      clientCa: clientCa && join(folder, NAMES.clientCa),
    },
    files: {
      certificate: String(pem(`${certificate}.pem`)),
      key: String(pem(`${certificate}.key`)),
      clientCa: clientCa && String(pem(clientCa)),
    },
    logger,
    everyMs: 20,
  });
  let failures = 0;
  const server = await startTestServer(
    { onCallStart: async () => reply },
    { credentials: tls.credentials, logger, onHandshakeFailure: () => (failures += 1) },
  );
  return {
    ...{ port: server.port, lines, tls, write },
    failures: () => failures,
    [Symbol.asyncDispose]: async () => {
      tls.close();
      await server[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Makes one call on a connection of its own. */
async function call(port: number, channel = credentials.createSsl(CA)) {
  const rpc = connect(port, channel);
  try {
    return await rpc.calls.onCallStart({}, { deadlineMs: 5_000 });
  } finally {
    rpc.close();
  }
}

/** Returns the name in the certificate that a new connection is shown. */
function shownName(port: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const trusted = { ca: [CA, pem('self-signed.pem')], ALPNProtocols: ['h2'] };
    const socket = openTls(
      { host: '127.0.0.1', port, ...trusted, checkServerIdentity: () => undefined },
      () => {
        const name = socket.getPeerCertificate().subject.CN;
        socket.destroy();
        resolve(Array.isArray(name) ? name[0] : name);
      },
    );
    socket.on('error', reject);
  });
}

describe('gRPC over TLS', () => {
  it('answers a client that trusts its authority', async () => {
    await using server = await startTls();
    expect(await call(server.port)).to.deep.equal(reply);
  });

  it('answers nobody in plaintext, and counts it', async () => {
    await using server = await startTls();
    expect(await errorOf(call(server.port, credentials.createInsecure()))).to.have.property(
      'code',
      'UNAVAILABLE',
    );
    expect(server.failures()).to.be.greaterThan(0);
  });

  for (const [title, ca] of [
    ['trusts another authority', pem('client-ca.pem')],
    ['trusts the public authorities alone', null],
  ] as const) {
    it(`is refused by a client that ${title}`, async () => {
      await using server = await startTls();
      expect((await errorOf(call(server.port, credentials.createSsl(ca)))).code).to.equal('UNAVAILABLE');
    });
  }

  it('warns of a certificate that has expired, which clients refuse', async () => {
    await using server = await startTls('expired');
    expect(server.lines[0]).to.include({ level: 'warn' });
    expect(server.lines[0]?.['message']).to.contain('has expired');
    expect(server.tls.expiresAtMs()).to.equal(Date.UTC(2001, 0, 1));
    expect((await errorOf(call(server.port))).code).to.equal('UNAVAILABLE');
  });

  it('speaks no TLS below 1.2', async () => {
    await using server = await startTls();
    const old = { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const socket = openTls({ host: '127.0.0.1', port: server.port, ca: CA, ALPNProtocols: ['h2'], ...old });
    const error = await new Promise<Error>((resolve, reject) => {
      socket.on('error', resolve);
      socket.on('secureConnect', () => reject(new Error(String(socket.getProtocol()))));
    });
    expect(String(error)).to.match(/alert|version/i);
  });
});

describe('gRPC over mutual TLS', () => {
  it('answers a client with a certificate of its authority', async () => {
    await using server = await startTls('endpoint', 'client-ca.pem');
    const channel = credentials.createSsl(CA, pem('client.key'), pem('client.pem'));
    expect(await call(server.port, channel)).to.deep.equal(reply);
  });

  const refused = [
    ['no certificate', undefined],
    ['a certificate of another authority', 'self-signed'],
    ['a certificate of the authority of the server', 'endpoint'],
    ['a certificate that has expired', 'expired-client'],
  ] as const;
  for (const [title, name] of refused) {
    it(`refuses a client with ${title}, counts it and logs it`, async () => {
      await using server = await startTls('endpoint', 'client-ca.pem');
      const channel =
        name === undefined
          ? credentials.createSsl(CA)
          : credentials.createSsl(CA, pem(`${name}.key`), pem(`${name}.pem`));
      expect((await errorOf(call(server.port, channel))).code).to.equal('UNAVAILABLE');
      expect(server.failures()).to.be.greaterThan(0);
      await until('a log line', () => server.lines.some(({ message }) => message === 'TLS handshake failed'));
    });
  }

  it('follows its client authorities', async () => {
    await using server = await startTls('endpoint', 'client-ca.pem');
    const channel = () => credentials.createSsl(CA, pem('client.key'), pem('client.pem'));
    expect(await call(server.port, channel())).to.deep.equal(reply);
    server.write({ clientCa: 'ca.pem' });
    await until('a reload', () =>
      server.lines.some(({ message }) => String(message).includes('have changed')),
    );
    expect((await errorOf(call(server.port, channel()))).code).to.equal('UNAVAILABLE');
  });
});

describe('the TLS files of a running server', function () {
  this.timeout(30_000);

  it('are followed without a failed call, on old and on new connections', async () => {
    await using server = await startTls();
    const trusted = () => credentials.createSsl(Buffer.concat([CA, pem('self-signed.pem')]));
    const old = connect(server.port, trusted());
    let isOver = false;
    let calls = 0;
    const repeat = async (once: () => Promise<unknown>): Promise<void> => {
      while (!isOver) {
        await once();
        calls += 1;
      }
    };
    const onOld = Array.from({ length: 4 }, () => repeat(() => old.calls.onCallStart()));
    const onNew = Array.from({ length: 2 }, () => repeat(() => call(server.port, trusted())));
    const load = Promise.all([...onOld, ...onNew]);
    for (const name of ['self-signed', 'endpoint', 'self-signed'] as const) {
      server.write({ certificate: `${name}.pem` });
      server.write({ key: `${name}.key` });
      await until(`the certificate of ${name}`, async () => (await shownName(server.port)) === name);
      const enough = calls + 50;
      await Promise.race([load, until('more calls', () => calls > enough)]);
    }
    isOver = true;
    await load;
    old.close();
  });

  const bad: [title: string, files: Partial<TlsFiles>][] = [
    ['a certificate without its key', { certificate: RENEWED.certificate }],
    ['a key without its certificate', { key: RENEWED.key }],
    ['files that hold no certificate', { certificate: 'README.md', key: 'README.md' }],
    ['a pair that OpenSSL refuses', { certificate: 'weak.pem', key: 'weak.key' }],
  ];
  for (const [title, files] of bad) {
    it(`change nothing when they are ${title}, loudly, until they are good`, async () => {
      await using server = await startTls();
      server.write(files);
      await until('the gauge', () => server.tls.isStale());
      expect(server.lines.at(-1)).to.include({ level: 'error' });
      expect(server.lines.at(-1)?.['message']).to.contain('the last good ones stay in use');
      expect(await call(server.port)).to.deep.equal(reply);
      server.write(RENEWED);
      await until('the new certificate', async () => (await shownName(server.port)) === 'self-signed');
      expect(server.tls.isStale()).to.equal(false);
    });
  }
});
