import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { makeAgent, newCall, postTo } from '../support/calls.ts';
import { startDnsServer } from '../support/dns-server.ts';
import { outcomeOf } from '../support/execution-words.ts';
import { startRawServer, type OnRequest, type RawServer } from '../support/raw-server.ts';
import { until } from '../support/until.ts';
import { startBuiltServer, type BuiltServer } from './built-server.ts';
import {
  PASSWORD,
  PLAIN_PASSWORD,
  REFUSED_HOST,
  startSquid,
  startTinyproxy,
  USER,
  type ProxyProgram,
} from './proxy-programs.ts';
import { describeWith } from './tools.ts';

const certFile = (name: string): string =>
  fileURLToPath(new URL(`../support/certs/${name}`, import.meta.url));
const tls = { cert: readFileSync(certFile('endpoint.pem')), key: readFileSync(certFile('endpoint.key')) };
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}';
const answerOk: OnRequest = (socket) => socket.write(OK);
const PLAIN_LOGIN = `${USER}:${PLAIN_PASSWORD}@`;
const LOGIN = `${USER}:${encodeURIComponent(PASSWORD)}@`;

describeWith(['squid', 'tinyproxy'], 'A webhook behind a proxy of another project', function () {
  this.timeout(30_000);
  const folder = mkdtempSync(join(tmpdir(), 'callhooks-proxies-'));
  const closing: (() => Promise<void>)[] = [];
  let secure: RawServer;
  let plain: RawServer;
  let silent: RawServer;
  let squid: ProxyProgram;
  let tinyproxy: ProxyProgram;
  let dns: string;

  const keep = <T>(part: T, stop: () => Promise<void>): T => {
    closing.push(stop);
    return part;
  };
  before(async () => {
    secure = await startRawServer(answerOk, { tls });
    plain = await startRawServer(answerOk);
    silent = await startRawServer(() => undefined);
    for (const server of [secure, plain, silent]) keep(server, server.close);
    squid = await startSquid();
    keep(squid, squid.stop);
    tinyproxy = await startTinyproxy(secure.port);
    keep(tinyproxy, tinyproxy.stop);
    const server = await startDnsServer((_, family) => (family === 'A' ? ['127.0.0.1'] : []));
    keep(server, server.close);
    dns = server.address;
  });
  after(async () => {
    for (const stop of closing.toReversed()) await stop();
    rmSync(folder, { recursive: true });
  });

  /** Runs a pre-call in a server behind this proxy, and returns its outcome with the message. */
  const call = async ({ rpc }: BuiltServer, url: string, limitSecs = 5): Promise<string> => {
    const agent = await makeAgent(rpc, { pre: postTo(url, {}, { responseTimeoutSecs: limitSecs }) });
    const { execution } = await rpc.calls.onCallStart(newCall(agent));
    if (execution === undefined) return 'no execution';
    return [outcomeOf(execution), execution.failure?.message].filter(Boolean).join(': ');
  };
  const behind = async <T>(proxyUrl: string, use: (server: BuiltServer) => Promise<T>): Promise<T> => {
    const file = join(folder, 'proxy');
    writeFileSync(file, `${proxyUrl}\n`);
    const server = await startBuiltServer({
      CALLHOOKS_EGRESS_PROXY_FILE: file,
      CALLHOOKS_CA_FILE: certFile('ca.pem'),
      CALLHOOKS_DNS_SERVERS: dns,
    });
    try {
      return await use(server);
    } finally {
      await server.stop();
    }
  };

  it('reaches https and http endpoints through squid, with a password', async () => {
    await behind(`http://${LOGIN}127.0.0.1:${squid.port}`, async (server) => {
      expect(await call(server, `https://endpoint.example:${secure.port}/a`)).to.equal('SUCCEEDED');
      expect(await call(server, `http://a.wild.example:${plain.port}/b`)).to.equal('SUCCEEDED');
    });
    await until('squid to log both tunnels', () => squid.log().match(/CONNECT/g)?.length === 2);
    expect(squid.log())
      .to.contain(`CONNECT endpoint.example:${secure.port} ${USER}`)
      .and.contain(`CONNECT a.wild.example:${plain.port} ${USER}`);
    expect(plain.connections.map(({ received }) => received()).join()).to.not.match(
      /proxy-authorization|via:/i,
    );
  });

  it('reaches an https endpoint through a port of squid that speaks TLS', async () => {
    await behind(`https://${LOGIN}endpoint.example:${squid.tlsPort}`, async (server) => {
      expect(await call(server, `https://endpoint.example:${secure.port}/`)).to.equal('SUCCEEDED');
    });
  });

  it('reaches an https endpoint through tinyproxy, with a password', async () => {
    await behind(`http://${PLAIN_LOGIN}127.0.0.1:${tinyproxy.port}`, async (server) => {
      expect(await call(server, `https://127.0.0.1:${secure.port}/`)).to.equal('SUCCEEDED');
    });
    expect(tinyproxy.log()).to.contain(`CONNECT 127.0.0.1:${secure.port} HTTP/1.1`);
  });

  const refusals: readonly (readonly [
    title: string,
    proxy: () => string,
    url: () => string,
    message: RegExp,
  ])[] = [
    [
      'squid is given no password',
      () => `http://127.0.0.1:${squid.port}`,
      () => `http://endpoint.example:${plain.port}/`,
      /the proxy answered 407 Proxy Authentication Required; CALLHOOKS_EGRESS_PROXY/,
    ],
    [
      'squid is given a wrong password',
      () => `http://${USER}:wrong@127.0.0.1:${squid.port}`,
      () => `https://endpoint.example:${secure.port}/`,
      /the proxy answered 407 /,
    ],
    [
      'squid refuses the host',
      () => `http://${LOGIN}127.0.0.1:${squid.port}`,
      () => `https://${REFUSED_HOST}:${secure.port}/`,
      /the proxy answered 403 Forbidden$/,
    ],
    [
      'squid finds nobody at the port',
      () => `http://${LOGIN}127.0.0.1:${squid.port}`,
      () => 'https://endpoint.example:1/',
      /the proxy answered 503 Service Unavailable$/,
    ],
    [
      'tinyproxy is given a wrong password',
      () => `http://${USER}:wrong@127.0.0.1:${tinyproxy.port}`,
      () => `https://127.0.0.1:${secure.port}/`,
      /the proxy answered 40[17] /,
    ],
    [
      'tinyproxy refuses the port',
      () => `http://${PLAIN_LOGIN}127.0.0.1:${tinyproxy.port}`,
      () => `http://127.0.0.1:${plain.port}/`,
      /the proxy answered 403 Forbidden$/,
    ],
  ];
  for (const [title, proxy, url, message] of refusals) {
    it(`fails as CONNECT with sent NO when ${title}`, async () => {
      const seen = [secure, plain].map((endpoint) => endpoint.requestCount());
      const outcome = await behind(proxy(), (server) => call(server, url()));
      expect(outcome)
        .to.match(/^FAILED CONNECT NO: /)
        .and.to.match(message);
      expect([secure, plain].map((endpoint) => endpoint.requestCount())).to.deep.equal(seen);
    });
  }

  it('fails as PROTOCOL with sent MAYBE when squid dies before the response, and as CONNECT afterwards', async () => {
    const dying = await startSquid();
    keep(dying, dying.stop);
    await behind(`http://${LOGIN}127.0.0.1:${dying.port}`, async (server) => {
      const url = `http://endpoint.example:${silent.port}/`;
      const running = call(server, url);
      await until('the request to arrive', () => silent.requestCount() === 1);
      await dying.kill();
      expect(await running).to.match(/^FAILED PROTOCOL MAYBE: /);
      expect(await call(server, url)).to.match(
        /^FAILED CONNECT NO: endpoint\.example:\d+: the proxy can't be reached: connection refused$/,
      );
    });
    expect(silent.requestCount()).to.equal(1);
  });

  it('ends at its time limit when squid is frozen', async () => {
    const frozen = await startSquid();
    keep(frozen, frozen.stop);
    await behind(`http://${LOGIN}127.0.0.1:${frozen.port}`, async (server) => {
      frozen.freeze();
      expect(await call(server, `http://endpoint.example:${plain.port}/`, 0.5)).to.match(
        /^FAILED TIMEOUT NO: no tunnel through the proxy to endpoint\.example:\d+ was made within \d+ ms$/,
      );
    });
  });
});
