import { readFileSync } from 'node:fs';
import type { TLSSocket } from 'node:tls';
import { expect } from 'chai';
import type { OutgoingRequest, RedirectOptions } from '../../src/http/http-client.ts';
import { guardedExecutor, outcomeOf, policyOf, sendTo } from '../support/guarded-executor.ts';
import { startRawServer, type RawServer } from '../support/raw-server.ts';

const head = (status: string, ...headers: string[]): string =>
  `HTTP/1.1 ${[status, ...headers].join('\r\n')}\r\n\r\n`;
const redirect = (location: string, status = '302 Found'): string =>
  head(status, `Location: ${location}`, 'Content-Length: 0');
const OK = `${head('200 OK', 'Content-Length: 14')}{"name":"Ada"}`;
const pem = (name: string): string =>
  readFileSync(new URL(`../support/certs/${name}`, import.meta.url), 'utf8');
const PROOFS = ['authorization', 'x-hub-signature'];
const REQUEST: Partial<OutgoingRequest> = {
  headers: {
    authorization: 'Bearer t',
    'x-hub-signature': 's',
    'content-type': 'application/json',
    'content-language': 'de',
    'x-plain': 'p',
  },
};

/** Returns the request lines that a server has read. */
const linesOf = (server: RawServer): string[] =>
  server.connections.flatMap((connection) =>
    [...connection.received().matchAll(/^(\w+ \S+) HTTP\/1\.1\r$/gm)].map(([, line]) => line as string),
  );
const textOf = (server: RawServer): string => server.connections.map(({ received }) => received()).join('');

describe('the HTTP executor, which follows redirects', () => {
  const allow = ['127.0.0.1', '127.0.0.2'];
  const names = {
    'one.example': ['127.0.0.1'],
    'endpoint.example': ['127.0.0.1'],
    'inside.example': ['10.1.2.3'],
    'both.example': ['127.0.0.1', '10.0.0.9'],
  };
  const executor = guardedExecutor({ policy: policyOf(allow), names });
  const servers: RawServer[] = [];
  let entered: string[] = [];
  let hasRoom = true;
  beforeEach(() => {
    entered = [];
    hasRoom = true;
  });
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });
  after(() => executor.close());

  const options = (max: number): RedirectOptions => ({
    max,
    firstOriginHeaders: PROOFS,
    enterOrigin: (origin) => {
      if (hasRoom) entered.push(origin);
      return hasRoom;
    },
  });
  const send = (url: string, max = 3, more: { limitMs?: number; executor?: typeof executor } = {}) =>
    sendTo(more.executor ?? executor, url, { redirects: options(max), request: REQUEST, ...more });

  /** Starts a server that answers its requests, over all connections, with these texts in turn. */
  const serve = async (host: string, ...answers: string[]): Promise<RawServer> => {
    let answered = 0;
    const server = await startRawServer(
      (socket) => socket.write(answers[Math.min(answered++, answers.length - 1)] ?? '', 'latin1'),
      { host },
    );
    servers.push(server);
    return server;
  };
  const urlOf = ({ port }: RawServer, host: string): string => `http://${host}:${port}`;

  for (const status of ['301 Moved Permanently', '302 Found', '303 See Other']) {
    it(`follows ${status} with GET, without a body and its headers`, async () => {
      const server = await serve('127.0.0.1', redirect('/next', status), OK);
      const result = await send(server.url);
      expect(outcomeOf(result)).to.equal('ok');
      expect(result.response?.status).to.equal(200);
      expect(linesOf(server)).to.deep.equal(['POST /', 'GET /next']);
      const hop = server.connections.at(-1)?.received() ?? '';
      expect(hop).to.not.match(/content-|transfer-encoding/i);
      expect(hop).to.contain('x-plain: p').and.contain('authorization: Bearer t');
      expect(entered).to.deep.equal([]);
    });
  }

  for (const status of ['307 Temporary Redirect', '308 Permanent Redirect']) {
    it(`never follows ${status}`, async () => {
      const server = await serve('127.0.0.1', redirect('/next', status), OK);
      expect(outcomeOf(await send(server.url))).to.equal('REDIRECT yes');
      expect(linesOf(server)).to.deep.equal(['POST /']);
    });
  }

  it('follows none when none may be followed', async () => {
    const server = await serve('127.0.0.1', redirect('/next'), OK);
    expect(outcomeOf(await sendTo(executor, server.url))).to.equal('REDIRECT yes');
    expect(linesOf(server)).to.deep.equal(['POST /']);
  });

  it('sends headers that prove who sends to the first origin only, and not again on the way back', async () => {
    // The way is start → away → start: the port makes the origin.
    const away = await startRawServer((socket) => socket.write(redirect(`${start.url}/home`)), {
      host: '127.0.0.2',
    });
    const start = await serve('127.0.0.1', redirect(`${urlOf(away, '127.0.0.2')}/away`), OK);
    servers.push(away);
    expect(outcomeOf(await send(start.url))).to.equal('ok');
    const [first = '', home = ''] = textOf(start).split('GET /home');
    expect(first).to.contain('authorization: Bearer t').and.contain('x-hub-signature: s');
    expect(textOf(away))
      .to.contain('x-plain: p')
      .and.not.match(/authorization|signature/);
    expect(home)
      .to.contain('x-plain: p')
      .and.not.match(/authorization|signature/);
    expect(entered).to.deep.equal([urlOf(away, '127.0.0.2'), start.url]);
  });

  it('takes another port, and another scheme, for another origin', async () => {
    const other = await serve('127.0.0.1', OK);
    const server = await serve('127.0.0.1', redirect(`${other.url}/x`));
    expect(outcomeOf(await send(server.url))).to.equal('ok');
    expect(textOf(other)).to.not.match(/authorization|signature/);
    expect(entered).to.deep.equal([other.url]);
  });

  it('does not use the connection again that brought a redirect to the same origin', async () => {
    const server = await startRawServer((socket, connection) =>
      connection === 0 ? socket.end(redirect('/next')) : socket.end(OK),
    );
    servers.push(server);
    expect(outcomeOf(await send(server.url))).to.equal('ok');
    expect(server.connections).to.have.length(2);
  });

  it('takes no connection from a request that waits for one', async () => {
    const narrow = guardedExecutor({ policy: policyOf(allow), maxDialsPerOrigin: 1 });
    const server = await startRawServer((socket, connection) => {
      const isFirst = !(server.connections[connection]?.received() ?? '').includes('GET /next');
      socket.write(isFirst ? redirect('/next') : OK);
    });
    servers.push(server);
    const sendings = Array.from({ length: 20 }, () => send(server.url, 1, { executor: narrow }));
    const outcomes = (await Promise.all(sendings)).map(outcomeOf);
    expect(new Set(outcomes)).to.deep.equal(new Set(['ok']));
    await narrow.close();
  });

  it('keeps the connection to the first origin for the next request', async () => {
    const far = await serve('127.0.0.2', OK);
    const near = await serve('127.0.0.1', redirect(urlOf(far, '127.0.0.2')));
    for (let i = 0; i < 3; i += 1) expect(outcomeOf(await send(near.url))).to.equal('ok');
    expect([near.connections.length, far.connections.length]).to.deep.equal([1, 1]);
  });

  it('throws away the body of a redirect, however long it is', async () => {
    const far = await serve('127.0.0.2', OK);
    const body = 'x'.repeat(300_000);
    const location = `Location: ${urlOf(far, '127.0.0.2')}/`;
    const near = await serve(
      '127.0.0.1',
      head('302 Found', location, `Content-Length: ${body.length}`) + body,
    );
    const result = await send(near.url);
    expect([outcomeOf(result), result.response?.bodyBytes]).to.deep.equal(['ok', 14]);
  });

  it('ends a loop by the count, with the last redirect as the response', async () => {
    const server = await serve('127.0.0.1', redirect('/again'));
    const result = await send(server.url, 2);
    expect(outcomeOf(result)).to.equal('REDIRECT yes');
    expect(result.failure?.message).to.equal(
      'HTTP 302 Found: at most 2 redirects are followed (max_redirects)',
    );
    expect(result.response?.status).to.equal(302);
    expect(linesOf(server)).to.deep.equal(['POST /', 'GET /again', 'GET /again']);
  });

  const refused: [title: string, location: string, outcome: string, message: RegExp][] = [
    ['no location', '', 'REDIRECT yes', /^HTTP 302 Found: redirect 1 of 3 is not followed: .*no Location$/],
    ['a user in the location', 'http://u@127.0.0.1/', 'REDIRECT yes', /redirect 1 of 3 .*user name/],
    [
      'a metadata service',
      'http://169.254.169.254/latest',
      'EGRESS_DENIED yes',
      /^redirect 1 of 3, to http:\/\/169\.254\.169\.254: 169\.254\.169\.254 belongs to/,
    ],
    [
      'a private address in another spelling',
      'http://0x0a000001/',
      'EGRESS_DENIED yes',
      /10\.0\.0\.1 belongs/,
    ],
    ['IPv6 loopback', 'http://[::1]/', 'EGRESS_DENIED yes', /redirect 1 of 3, to http:\/\/\[::1\]/],
    ['localhost', 'http://localhost/', 'EGRESS_DENIED yes', /this machine itself/],
    [
      'a name with a private address',
      'http://inside.example/',
      'EGRESS_DENIED yes',
      /^redirect 1 of 3, to http:\/\/inside\.example: inside\.example leads to a private network/,
    ],
    [
      'a name with a private address among others',
      'http://both.example/',
      'EGRESS_DENIED yes',
      /private network/,
    ],
    ['a name that is unknown', 'http://nowhere.example/', 'DNS yes', /^redirect 1 of 3, to http:\/\/nowhere/],
    [
      'a port that is closed',
      'http://127.0.0.1:1/',
      'CONNECT yes',
      /^redirect 1 of 3, to http:\/\/127\.0\.0\.1:1: /,
    ],
  ];
  for (const [title, location, outcome, message] of refused) {
    it(`fails a redirect with ${title}, and says which one and why`, async () => {
      const server = await serve(
        '127.0.0.1',
        location === '' ? head('302 Found', 'Content-Length: 0') : redirect(location),
      );
      const result = await send(server.url);
      expect(outcomeOf(result)).to.equal(outcome);
      expect(result.failure?.message)
        .to.match(message)
        .and.not.match(/10\.1\.2\.3|10\.0\.0\.9/);
      expect(result.response?.status).to.equal(302);
    });
  }

  it('names the second redirect when that one fails', async () => {
    const far = await serve('127.0.0.2', redirect('http://10.0.0.1/'));
    const near = await serve('127.0.0.1', redirect(urlOf(far, '127.0.0.2')));
    const { failure } = await send(near.url, 2);
    expect(failure?.message).to.match(/^redirect 2 of 2, to http:\/\/10\.0\.0\.1: /);
  });

  describe('over TLS', () => {
    const secure = guardedExecutor({ policy: policyOf(allow), extraCa: pem('ca.pem'), names });
    after(() => secure.close());
    const shown: string[] = [];
    const serveTls = async (answer: () => string, requestCert = false): Promise<RawServer> => {
      const tls = {
        cert: pem('endpoint.pem'),
        key: pem('endpoint.key'),
        requestCert,
        rejectUnauthorized: false,
      };
      const server = await startRawServer(
        (socket) => {
          const hasCertificate = (socket as TLSSocket).getPeerX509Certificate() !== undefined;
          shown.push(`${server.url} ${hasCertificate}`);
          socket.write(answer());
        },
        { tls },
      );
      servers.push(server);
      return server;
    };

    it('refuses a way from https to http', async () => {
      const far = await serve('127.0.0.1', OK);
      const near = await serveTls(() => redirect(far.url));
      const result = await send(near.url, 3, { executor: secure });
      expect(outcomeOf(result)).to.equal('REDIRECT yes');
      expect(result.failure?.message).to.match(/redirect 1 of 3 is not followed: .* from https to http$/);
      expect(linesOf(far)).to.deep.equal([]);
    });

    it('verifies the certificate of each hop by its own name', async () => {
      const far = await serveTls(() => OK);
      const near = await serve('127.0.0.1', redirect(`https://one.example:${far.port}/`));
      const result = await send(near.url, 3, { executor: secure });
      expect(outcomeOf(result)).to.equal('TLS yes');
      expect(result.failure?.message).to.match(/^redirect 1 of 3, to .*not valid for one\.example/);
      const good = await serve('127.0.0.1', redirect(`https://endpoint.example:${far.port}/`));
      expect(outcomeOf(await send(good.url, 3, { executor: secure }))).to.equal('ok');
    });

    it('shows a client certificate to the first origin only', async () => {
      const far = await serveTls(() => OK, true);
      const answers = [redirect('/second'), redirect(`https://127.0.0.1:${far.port}/far`)];
      const near = await serveTls(() => answers.shift() ?? OK, true);
      const clientIdentity = { certificate: pem('client.pem'), privateKey: pem('client.key') };
      const request = { ...REQUEST, clientIdentity };
      shown.length = 0;
      const result = await sendTo(secure, near.url, { redirects: options(3), request });
      expect(outcomeOf(result)).to.equal('ok');
      expect(shown.splice(0)).to.deep.equal([`${near.url} true`, `${near.url} true`, `${far.url} false`]);
    });
  });

  it('fails as OVERLOADED when the other origin is full', async () => {
    const far = await serve('127.0.0.2', OK);
    const near = await serve('127.0.0.1', redirect(urlOf(far, '127.0.0.2')));
    hasRoom = false;
    const result = await send(near.url);
    expect(outcomeOf(result)).to.equal('OVERLOADED yes');
    expect(linesOf(far)).to.deep.equal([]);
  });

  it('fails as TIMEOUT within the limit of the first request when the next host is silent', async () => {
    const far = await serve('127.0.0.2', '');
    const near = await serve('127.0.0.1', redirect(urlOf(far, '127.0.0.2')));
    const result = await send(near.url, 3, { limitMs: 300 });
    expect(outcomeOf(result)).to.equal('TIMEOUT yes');
    expect(result.failure?.message).to.match(
      /^redirect 1 of 3, to .*no response head arrived within 300 ms$/,
    );
    expect(result.timings.totalMs).to.be.within(250, 1_500);
  });

  it('fails as PROTOCOL with sent yes when the next host breaks off before it answers', async () => {
    const far = await startRawServer((socket) => socket.destroy(), { host: '127.0.0.2' });
    servers.push(far);
    const near = await serve('127.0.0.1', redirect(urlOf(far, '127.0.0.2')));
    expect(outcomeOf(await send(near.url))).to.equal('PROTOCOL yes');
  });

  it('adds up the phases of all hops', async () => {
    const far = await serve('127.0.0.2', OK);
    const middle = await serve('127.0.0.1', redirect(urlOf(far, '127.0.0.2')));
    const near = await serve('127.0.0.1', redirect(`http://one.example:${middle.port}/`));
    const { timings } = await send(near.url);
    const { dnsMs = -1, connectMs = -1, firstByteMs = -1, totalMs = -1 } = timings;
    expect([dnsMs, connectMs, firstByteMs].every((ms) => ms >= 0)).to.equal(true);
    expect(dnsMs + connectMs + firstByteMs).to.be.at.most(totalMs);
  });
});
