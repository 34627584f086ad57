import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { expect } from 'chai';
import { parseEgressEntries } from '../../src/http/egress/egress-entries.ts';
import type { EgressProxy } from '../../src/http/egress/egress-proxy.ts';
import { parseProxyUrl } from '../../src/http/egress/proxy-url.ts';
import type { GuardedExecutor } from '../../src/http/executor.ts';
import { startConnectProxy, type ConnectProxy } from '../support/connect-proxy.ts';
import { guardedExecutor, outcomeOf, policyOf, sendTo } from '../support/guarded-executor.ts';
import { onQuietMachine, watchMachine } from '../support/quiet-machine.ts';
import { startRawServer, type RawServer } from '../support/raw-server.ts';
import { until } from '../support/until.ts';

watchMachine();

const pem = (name: string) => readFileSync(new URL(`../support/certs/${name}`, import.meta.url), 'utf8');
const certificate = (name: string): TlsOptions => ({ cert: pem(`${name}.pem`), key: pem(`${name}.key`) });
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const PUBLIC = '93.184.216.34';
const NAMES = {
  'crm.example': [PUBLIC],
  'endpoint.example': [PUBLIC],
  'other.example': ['203.0.112.1'],
  'inner.example': ['10.0.0.7'],
  'local.example': ['127.0.0.1'],
  'half.example': ['127.0.0.1', PUBLIC],
  'proxy.corp.example': ['127.0.0.1'],
};

type ProxyOptions = Parameters<typeof startConnectProxy>[0];

describe('a request through the proxy', () => {
  let endpoint: RawServer;
  let proxy: ConnectProxy;
  const closing: { close(): Promise<void> }[] = [];

  beforeEach(async () => {
    endpoint = await startRawServer((socket) => socket.write(OK));
    proxy = await startConnectProxy({ port: endpoint.port });
    closing.push(endpoint, proxy);
  });
  afterEach(() => Promise.all(closing.splice(0).map((part) => part.close())));

  const proxyOf = (url: string, { except = [] as string[], resolvesNames = false } = {}): EgressProxy => ({
    server: parseProxyUrl(url),
    exceptions: parseEgressEntries(except).entries,
    resolvesNames,
  });
  /** Makes an executor behind a proxy, whose policy is the default one: 127.0.0.1 is not allowed as a target. */
  const behind = (
    through: EgressProxy = proxyOf(`http://127.0.0.1:${proxy.port}`),
    options: Parameters<typeof guardedExecutor>[0] = {},
  ): GuardedExecutor => {
    const executor = guardedExecutor({
      policy: policyOf([]),
      names: NAMES,
      extraCa: pem('ca.pem'),
      proxy: through,
      ...options,
    });
    closing.push(executor);
    return executor;
  };
  const serve = async (
    tls: TlsOptions,
  ): Promise<{ secure: RawServer; tunnels: ConnectProxy; through: EgressProxy }> => {
    const secure = await startRawServer((socket) => socket.write(OK), { tls });
    const tunnels = await startConnectProxy({ port: secure.port });
    closing.push(secure, tunnels);
    return { secure, tunnels, through: proxyOf(`http://127.0.0.1:${tunnels.port}`) };
  };

  it('is sent in a tunnel that names the host and port, though the address of the proxy is private', async () => {
    const result = await sendTo(behind(), 'http://crm.example/pre-call?a=1');
    expect(outcomeOf(result), result.failure?.message).to.equal('ok');
    expect(proxy.heads).to.deep.equal(['CONNECT crm.example:80 HTTP/1.1\r\nHost: crm.example:80\r\n\r\n']);
    expect(endpoint.connections[0]?.received()).to.match(
      /^POST \/pre-call\?a=1 HTTP\/1\.1\r\nhost: crm\.example\r\n/,
    );
  });

  it('names an IPv6 address in brackets', async () => {
    await sendTo(behind(), 'http://[2606:2800:220:1::1]:8080/');
    expect(proxy.heads[0]).to.match(/^CONNECT \[2606:2800:220:1::1\]:8080 HTTP/);
  });

  it('gives user and password to the proxy, and nothing of them to the endpoint', async () => {
    const through = proxyOf(`http://us%40er:p%C3%A4ss%3A%2F@127.0.0.1:${proxy.port}`);
    await sendTo(behind(through), 'http://crm.example/');
    const header = Buffer.from('us@er:päss:/').toString('base64');
    expect(proxy.heads[0]).to.contain(`\r\nProxy-Authorization: Basic ${header}\r\n`);
    expect(endpoint.connections[0]?.received()).to.not.match(/proxy-|Basic/i);
  });

  it('keeps its connection for the next request of the same origin alone', async () => {
    const executor = behind();
    for (const url of ['http://crm.example/a', 'http://crm.example/b', 'http://other.example/c'])
      expect(outcomeOf(await sendTo(executor, url))).to.equal('ok');
    expect(proxy.heads.map((head) => head.split(' ')[1])).to.deep.equal([
      'crm.example:80',
      'other.example:80',
    ]);
    expect(endpoint.requestCount()).to.equal(3);
  });

  it('is limited in its response by the same count of raw bytes', async () => {
    const flooding = await startRawServer((socket) =>
      socket.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(70_000)}\r\n\r\n`),
    );
    const tunnels = await startConnectProxy({ port: flooding.port });
    closing.push(flooding, tunnels);
    const result = await sendTo(behind(proxyOf(`http://127.0.0.1:${tunnels.port}`)), 'http://crm.example/');
    expect(outcomeOf(result)).to.equal('PROTOCOL maybe');
    expect(result.failure?.message).to.contain('the response head is larger than 65536 bytes');
  });

  it('follows a redirect in a tunnel of its own, where the egress policy allows it', async () => {
    const redirecting = await startRawServer((socket) => {
      const isFirst = redirecting.requestCount() === 1;
      socket.write(
        `HTTP/1.1 302 Found\r\nLocation: http://${isFirst ? 'other.example' : 'inner.example'}/\r\nContent-Length: 0\r\n\r\n`,
      );
    });
    const tunnels = await startConnectProxy({ port: redirecting.port });
    closing.push(redirecting, tunnels);
    const redirects = { max: 3, firstOriginHeaders: [], enterOrigin: () => true };
    const executor = behind(proxyOf(`http://127.0.0.1:${tunnels.port}`));
    const { failure } = await sendTo(executor, 'http://crm.example/', { redirects });
    expect(failure).to.deep.include({ code: 'EGRESS_DENIED', sent: 'yes' });
    expect(tunnels.heads.map((head) => head.split(' ')[1])).to.deep.equal([
      'crm.example:80',
      'other.example:80',
    ]);
  });

  describe('over TLS', () => {
    it('verifies the certificate of the endpoint in the tunnel, by the host of the URL', async () => {
      const { secure, tunnels, through } = await serve(certificate('endpoint'));
      const result = await sendTo(behind(through), 'https://endpoint.example/');
      expect(outcomeOf(result), result.failure?.message).to.equal('ok');
      expect(tunnels.heads[0]).to.match(/^CONNECT endpoint\.example:443 HTTP/);
      expect((secure.connections[0]?.socket as TLSSocket).servername).to.equal('endpoint.example');
      expect(result.timings.tlsMs).to.be.greaterThan(0);
    });

    const bad: readonly (readonly [title: string, cert: string, host: string, message: RegExp])[] = [
      ['of another name', 'endpoint', 'other.example', /^the certificate is not valid for other\.example$/],
      ['that is self-signed', 'self-signed', 'endpoint.example', /^the certificate is self-signed/],
    ];
    for (const [title, cert, host, message] of bad) {
      it(`refuses a certificate ${title} before anything is sent`, async () => {
        const { secure, through } = await serve(certificate(cert));
        const { failure } = await sendTo(behind(through), `https://${host}/`);
        expect(failure).to.deep.include({ code: 'TLS', sent: 'no' });
        expect(failure?.message).to.match(message);
        expect(secure.requestCount()).to.equal(0);
      });
    }

    for (const scheme of ['http', 'https'] as const) {
      it(`reaches an ${scheme} endpoint through a proxy with TLS of its own`, async () => {
        const upstream = await startRawServer(
          (socket) => socket.write(OK),
          scheme === 'https' ? { tls: certificate('endpoint') } : {},
        );
        const tunnels = await startConnectProxy({ port: upstream.port, tls: certificate('endpoint') });
        closing.push(upstream, tunnels);
        const executor = behind(proxyOf(`https://endpoint.example:${tunnels.port}`), {
          names: { ...NAMES, 'endpoint.example': ['127.0.0.1'], 'a.wild.example': [PUBLIC] },
        });
        for (let turn = 0; turn < 2; turn++) {
          const result = await sendTo(executor, `${scheme}://a.wild.example/`);
          expect(outcomeOf(result), result.failure?.message).to.equal('ok');
        }
        expect(tunnels.heads).to.have.length(1);
      });
    }

    it('shows its client certificate to the endpoint in the tunnel, and none to the proxy', async () => {
      const asking: TlsOptions = { requestCert: true, rejectUnauthorized: false, ca: pem('client-ca.pem') };
      const secure = await startRawServer((socket) => socket.write(OK), {
        tls: { ...certificate('endpoint'), ...asking },
      });
      const shown: unknown[] = [];
      const tunnels = await startConnectProxy({
        port: secure.port,
        tls: { ...certificate('endpoint'), ...asking },
        onSecure: (socket) => shown.push(socket.getPeerCertificate().subject?.CN),
      });
      closing.push(secure, tunnels);
      const executor = behind(proxyOf(`https://127.0.0.1:${tunnels.port}`));
      const clientIdentity = { certificate: pem('client.pem'), privateKey: pem('client.key') };
      const result = await sendTo(executor, 'https://endpoint.example/', { request: { clientIdentity } });
      expect(outcomeOf(result), result.failure?.message).to.equal('ok');
      const [tunnelled] = secure.connections;
      expect((tunnelled?.socket as TLSSocket).getPeerCertificate().subject?.CN).to.equal('client');
      expect(shown).to.deep.equal([undefined]);
    });

    const untrusted: readonly (readonly [
      title: string,
      options: ProxyOptions,
      host: string,
      message: string,
    ])[] = [
      [
        'of another name',
        { tls: certificate('endpoint') },
        'proxy.corp.example',
        'the certificate is not valid for proxy.corp.example',
      ],
      [
        'that is self-signed',
        { tls: certificate('self-signed') },
        '127.0.0.1',
        'the certificate is self-signed; CALLHOOKS_CA_FILE names certificates to trust',
      ],
      ['that never comes, because it speaks plaintext', {}, 'proxy.corp.example', ''],
    ];
    for (const [title, options, host, message] of untrusted) {
      it(`refuses a proxy with a certificate ${title}, as CONNECT`, async () => {
        const tunnels = await startConnectProxy({ port: endpoint.port, ...options });
        closing.push(tunnels);
        const executor = behind(proxyOf(`https://user:hunter2@${host}:${tunnels.port}`));
        const { failure } = await sendTo(executor, 'http://crm.example/', { limitMs: 1_000 });
        expect(failure?.sent).to.equal('no');
        if (message !== '')
          expect(failure).to.deep.include({
            code: 'CONNECT',
            message: `crm.example:80: the TLS handshake with the proxy failed: ${message}`,
          });
        expect(tunnels.heads.join()).to.equal('');
        expect(endpoint.connections).to.have.length(0);
      });
    }
  });

  describe('that the egress policy checks', () => {
    const denied: readonly (readonly [title: string, url: string, resolvesNames: boolean])[] = [
      ['a private literal', 'http://10.0.0.1/', false],
      ['a private literal, although the proxy resolves names', 'http://10.0.0.1/', true],
      ['a metadata literal, although the proxy resolves names', 'http://169.254.169.254/latest', true],
      ['a name that resolves to a private address', 'http://inner.example/', false],
      ['localhost, although the proxy resolves names', 'http://localhost/', true],
      ['a name in .internal, although the proxy resolves names', 'http://metadata.google.internal/', true],
      ['a single label, although the proxy resolves names', 'http://crm/', true],
    ];
    for (const [title, url, resolvesNames] of denied) {
      it(`is refused for ${title}, before the proxy is asked`, async () => {
        const executor = behind(proxyOf(`http://127.0.0.1:${proxy.port}`, { resolvesNames }));
        expect(outcomeOf(await sendTo(executor, url))).to.equal('EGRESS_DENIED no');
        expect(proxy.connectionCount()).to.equal(0);
      });
    }

    it('is refused for a denied name that the proxy would resolve', async () => {
      const through = proxyOf(`http://127.0.0.1:${proxy.port}`, { resolvesNames: true });
      const executor = behind(through, { policy: policyOf([], ['*.bad.example']) });
      expect(outcomeOf(await sendTo(executor, 'http://x.bad.example/'))).to.equal('EGRESS_DENIED no');
      expect(proxy.connectionCount()).to.equal(0);
    });

    it('needs an entry of its own for a special-use name that the proxy resolves', async () => {
      const through = proxyOf(`http://127.0.0.1:${proxy.port}`, { resolvesNames: true });
      const byAddress = await sendTo(
        behind(through, { policy: policyOf(['10.0.0.0/8']) }),
        'http://crm.internal/',
      );
      expect(byAddress.failure).to.deep.include({
        code: 'EGRESS_DENIED',
        message:
          'crm.internal is a special-use name, and the proxy resolves it; the entry crm.internal in CALLHOOKS_EGRESS_ALLOW would let it pass',
      });
      const byName = await sendTo(
        behind(through, { policy: policyOf(['crm.internal']) }),
        'http://crm.internal/',
      );
      expect(outcomeOf(byName)).to.equal('ok');
      expect(proxy.heads[0]).to.match(/^CONNECT crm\.internal:80 /);
    });

    it('leaves a name that DNS does not know to a proxy that resolves names, and else says how', async () => {
      const url = `http://127.0.0.1:${proxy.port}`;
      const { failure } = await sendTo(behind(proxyOf(url)), 'http://far.example/');
      expect(failure).to.deep.include({
        code: 'DNS',
        sent: 'no',
        message:
          'far.example does not exist in DNS; where only the proxy can resolve names, set CALLHOOKS_EGRESS_PROXY_RESOLVES=true',
      });
      const result = await sendTo(behind(proxyOf(url, { resolvesNames: true })), 'http://far.example/');
      expect(outcomeOf(result)).to.equal('ok');
      expect(result.timings).to.not.have.property('dnsMs');
    });
  });

  describe('with exceptions', () => {
    const ways: readonly (readonly [
      title: string,
      except: string[],
      host: string,
      way: 'direct' | 'tunnel',
    ])[] = [
      ['a name', ['local.example'], 'local.example', 'direct'],
      ['another name', ['other.example'], 'local.example', 'tunnel'],
      ['names below a suffix', ['*.local.example'], 'local.example', 'tunnel'],
      ['an address that the name resolves to', ['127.0.0.1'], 'local.example', 'direct'],
      ['a CIDR with the literal', ['127.0.0.0/8'], '127.0.0.1', 'direct'],
      ['a CIDR with one of two addresses', ['127.0.0.0/8'], 'half.example', 'tunnel'],
      ['the name with another port', ['local.example:1'], 'local.example', 'tunnel'],
      ['the address with another port', ['127.0.0.1:1'], '127.0.0.1', 'tunnel'],
    ];
    for (const [title, except, host, way] of ways) {
      it(`goes ${way === 'direct' ? 'around' : 'through'} the proxy when an exception is ${title}`, async () => {
        const executor = behind(proxyOf(`http://127.0.0.1:${proxy.port}`, { except }), {
          policy: policyOf(['127.0.0.1']),
        });
        expect(outcomeOf(await sendTo(executor, `http://${host}:${endpoint.port}/`))).to.equal('ok');
        expect(proxy.heads).to.have.length(way === 'direct' ? 0 : 1);
      });
    }

    it('resolves and checks an exception here, although the proxy resolves names', async () => {
      const through = proxyOf(`http://127.0.0.1:${proxy.port}`, {
        resolvesNames: true,
        except: ['inner.example', 'local.example'],
      });
      const executor = behind(through, { policy: policyOf(['127.0.0.1']) });
      expect(outcomeOf(await sendTo(executor, `http://inner.example/`))).to.equal('EGRESS_DENIED no');
      expect(outcomeOf(await sendTo(executor, `http://local.example:${endpoint.port}/`))).to.equal('ok');
      expect(proxy.connectionCount()).to.equal(0);
    });
  });

  describe('that the proxy refuses or spoils', () => {
    const say = (text: string) => (socket: Socket) => void socket.write(text);
    const trickle = (text: string) => (socket: Socket) => {
      let at = 0;
      const timer = setInterval(() => socket.write(text.charAt(at++ % text.length)), 5);
      socket.on('close', () => clearInterval(timer));
    };
    const flood = (text: string) => (socket: Socket) => {
      const more = () => {
        while (!socket.destroyed && socket.write(text.repeat(1_000)));
      };
      socket.on('drain', more);
      more();
    };
    const rows: readonly (readonly [title: string, onConnect: (socket: Socket) => void, outcome: RegExp])[] =
      [
        [
          'answers 407',
          say('HTTP/1.1 407 Nope\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n'),
          /^CONNECT no: crm\.example:443: the proxy answered 407 Proxy Authentication Required; CALLHOOKS_EGRESS_PROXY holds/,
        ],
        [
          'answers 403 with a page',
          say(`HTTP/1.1 403 Forbidden\r\nContent-Length: 50000\r\n\r\n${'x'.repeat(50_000)}`),
          /^CONNECT no: crm\.example:443: the proxy answered 403 Forbidden$/,
        ],
        ['answers 502 by HTTP/1.0', say('HTTP/1.0 502 x\r\n\r\n'), /the proxy answered 502 Bad Gateway$/],
        [
          'answers 302',
          say('HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\n\r\n'),
          /answered 302 Found$/,
        ],
        [
          'answers 101',
          say('HTTP/1.1 101 Switching\r\n\r\n'),
          /^CONNECT no: .*answered 101 Switching Protocols$/,
        ],
        [
          'answers 299 and a body',
          say('HTTP/1.1 299 x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'),
          /^CONNECT no: .*a body instead of a tunnel$/,
        ],
        [
          'answers 200 with a body',
          say('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
          /^CONNECT no: .*the proxy sent a body instead of a tunnel$/,
        ],
        [
          'speaks TLS',
          say('\x15\x03\x01\x00\x02\x02\x46'),
          /^CONNECT no: .*something that is not HTTP\/1\.1$/,
        ],
        ['speaks HTTP/2', say('HTTP/2 200\r\n\r\n'), /^CONNECT no: .*something that is not HTTP\/1\.1$/],
        ['sends a status of two digits', say('HTTP/1.1 20 OK\r\n\r\n'), /^CONNECT no: .*not HTTP\/1\.1$/],
        ['sends garbage without an end', flood('garbage'), /^CONNECT no: .*not HTTP\/1\.1$/],
        [
          'sends a head without an end',
          flood('HTTP/1.1 200 OK\r\n'),
          /^CONNECT no: .*larger than 16384 bytes$/,
        ],
        [
          'sends 1xx without an end',
          flood('HTTP/1.1 103 Hints\r\n\r\n'),
          /^CONNECT no: .*larger than 16384 bytes$/,
        ],
        ['closes', (socket) => socket.end(), /^CONNECT no: .*closed the connection before it answered$/],
        [
          'resets',
          (socket) => socket.resetAndDestroy(),
          /^CONNECT no: .*closed the connection before it answered$/,
        ],
        ['closes in its head', (socket) => socket.end('HTTP/1.1 20'), /^CONNECT no: .*closed the connection/],
        [
          'is silent',
          () => undefined,
          /^TIMEOUT no: no tunnel through the proxy to crm\.example:443 was made within \d+ ms$/,
        ],
        [
          'trickles its head',
          trickle(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(9_999)}`),
          /^TIMEOUT no: no tunnel/,
        ],
        [
          'closes the tunnel at once',
          (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n'),
          /^TLS no: the endpoint closed the connection during the TLS handshake$/,
        ],
        [
          'sends a body into the tunnel',
          (socket) => {
            socket.write('HTTP/1.1 200 OK\r\n\r\n');
            setTimeout(() => socket.write('<html>'.repeat(20)), 30);
          },
          /^TLS no: /,
        ],
      ];
    for (const [title, onConnect, outcome] of rows) {
      it(`is a failure with sent NO when it ${title}`, async () => {
        const spoiler = await startConnectProxy({ onConnect });
        closing.push(spoiler);
        const executor = behind(proxyOf(`http://user:hunter2@127.0.0.1:${spoiler.port}`));
        const fromMs = Date.now();
        const start = performance.now();
        const result = await sendTo(executor, 'https://crm.example/?token=1', { limitMs: 500 });
        const tookMs = performance.now() - start;
        expect(`${outcomeOf(result)}: ${result.failure?.message}`).to.match(outcome);
        expect(JSON.stringify(result)).to.not.match(/hunter2|aHVudGVyMg|dXNlcj/);
        await onQuietMachine('it ends in time', fromMs, () => expect(tookMs).to.be.below(1_000));
        await until('the connection to be closed', () => spoiler.openCount() === 0);
      });
    }

    it('takes the final answer after interim ones, in any pieces', async () => {
      const text =
        'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nlink: x\r\n\r\nHTTP/1.0 200 OK\r\nVia: x\r\n\r\n';
      const tunnels = await startConnectProxy({
        onConnect: (socket) => {
          let at = 0;
          const timer = setInterval(() => {
            if (at < text.length) socket.write(text.slice(at, (at += 3)));
            else clearInterval(timer);
          }, 2);
          socket.on('data', () => socket.write(OK));
        },
      });
      closing.push(tunnels);
      const result = await sendTo(behind(proxyOf(`http://127.0.0.1:${tunnels.port}`)), 'http://crm.example/');
      expect(outcomeOf(result), result.failure?.message).to.equal('ok');
    });

    it('counts the time until the tunnel is up as connect', async () => {
      const tunnels = await startConnectProxy({
        onConnect: (socket) => {
          setTimeout(() => socket.write('HTTP/1.1 200 OK\r\n\r\n'), 120);
          socket.on('data', () => socket.write(OK));
        },
      });
      closing.push(tunnels);
      const { timings } = await sendTo(
        behind(proxyOf(`http://127.0.0.1:${tunnels.port}`)),
        'http://crm.example/',
      );
      expect(timings.connectMs).to.be.at.least(110);
      expect(timings.firstByteMs).to.be.below(timings.connectMs ?? 0);
    });

    it('is a failure with sent YES when the proxy dies in the middle of the response', async () => {
      const slow = await startRawServer((socket) =>
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'),
      );
      const tunnels = await startConnectProxy({ port: slow.port });
      closing.push(slow, tunnels);
      const sent = sendTo(behind(proxyOf(`http://127.0.0.1:${tunnels.port}`)), 'http://crm.example/');
      await until('the request to arrive', () => slow.requestCount() === 1);
      setTimeout(() => tunnels.breakTunnels(), 50);
      expect(outcomeOf(await sent)).to.equal('PROTOCOL yes');
    });

    it('is a failure with sent MAYBE when the proxy dies before the response', async () => {
      const silent = await startRawServer(() => undefined);
      const tunnels = await startConnectProxy({ port: silent.port });
      closing.push(silent, tunnels);
      const sent = sendTo(behind(proxyOf(`http://127.0.0.1:${tunnels.port}`)), 'http://crm.example/');
      await until('the request to arrive', () => silent.requestCount() === 1);
      tunnels.breakTunnels();
      expect(outcomeOf(await sent)).to.equal('PROTOCOL maybe');
    });

    const unreachable: readonly (readonly [title: string, url: string, message: string])[] = [
      [
        'is not there',
        'http://127.0.0.1:1',
        "crm.example:80: the proxy can't be reached: connection refused",
      ],
      [
        'has a name that does not exist',
        'http://nowhere.corp.example:3128',
        "crm.example:80: the proxy can't be reached: nowhere.corp.example does not exist in DNS",
      ],
    ];
    for (const [title, url, message] of unreachable) {
      it(`is a failure of CONNECT when the proxy ${title}`, async () => {
        const { failure } = await sendTo(behind(proxyOf(url)), 'http://crm.example/');
        expect(failure).to.deep.equal({ code: 'CONNECT', message, sent: 'no' });
      });
    }

    it('resolves the name of the proxy as those of endpoints, without the egress policy', async () => {
      const result = await sendTo(
        behind(proxyOf(`http://proxy.corp.example:${proxy.port}`)),
        'http://crm.example/',
      );
      expect(outcomeOf(result)).to.equal('ok');
    });
  });
});
