import { once } from 'node:events';
import type { Socket } from 'node:net';
import { expect } from 'chai';
import { consoleClient, formTokenOf } from '../console/support/console-client.ts';
import { readMetrics } from '../support/metrics.ts';
import { TOKEN_SETTINGS, TOKENS } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { exchangeRaw, openRaw, rawGet, statusOf } from './support/raw-console.ts';
import { reportAttack } from './support/report.ts';
import { expectShortWork } from './support/time-rules.ts';
import { startWatchedServer, type Toll, type WatchedServer } from './support/watched-server.ts';

// The table shows the truth. These bounds fit a machine that does other things too.
const MOST_BUSY_MS = 500;
const MOST_GROWN_MB = 250;
const UNKNOWN = 'callhooks_access_refused_total{refusal="unknown_token"}';

async function report(attack: string, toll: Toll, record: string): Promise<void> {
  reportAttack({ attack, ...toll, record });
  await expectShortWork(toll, MOST_BUSY_MS);
  expect(toll.grownMb).to.be.below(MOST_GROWN_MB);
}

describe('The console under attack', function () {
  this.timeout(120_000);
  let server: WatchedServer;
  const sockets: Socket[] = [];
  before(async () => {
    server = await startWatchedServer(TOKEN_SETTINGS);
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });
  after(() => server.close());

  const probe = async (): Promise<number> => {
    const beganAtMs = performance.now();
    const { status } = await fetch(`http://${server.opsAddress}/healthz`, {
      headers: { connection: 'close' },
    });
    expect(status).to.equal(200);
    return performance.now() - beganAtMs;
  };
  const openMany = (count: number): readonly Socket[] => {
    const opened = Array.from({ length: count }, () => openRaw(server.opsAddress));
    sockets.push(...opened);
    return opened;
  };
  const loggedIn = async (role: keyof typeof TOKENS) => {
    const client = consoleClient(server.opsAddress);
    // The flood of another test may have used up the logins of this address.
    await until('a login', async () => (await client.logIn(role)).status === 303, { everyMs: 200 });
    return { client, cookie: `callhooks_session=${client.cookies.get('callhooks_session')}` };
  };

  it('answers probes, and keeps little memory, while 1,000 readers ask for pages and read none', async () => {
    const { client, cookie } = await loggedIn('viewer');
    const page = await client.get('/console');
    const [, styles = ''] = /href="([^"]+\.css)"/.exec(page.body) ?? [];
    const requests = [styles, '/console']
      .map((path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\nCookie: ${cookie}\r\n\r\n`)
      .join('');
    const { result: slowestMs, toll } = await server.measure(async () => {
      for (const socket of openMany(1_000)) {
        socket.pause();
        socket.write(requests);
      }
      let slowest = 0;
      for (let round = 0; round < 20; round += 1) slowest = Math.max(slowest, await probe());
      return slowest;
    });
    for (const socket of sockets.splice(0)) socket.destroy();
    await until('pages are shown again', async () => (await client.get('/console')).status === 200);
    await report(
      '1,000 readers of console pages that do not read',
      toll,
      `slowest probe ${slowestMs.toFixed(0)} ms`,
    );
  });

  it('ends connections that send 100 requests without waiting for answers', async () => {
    const requests = 'GET /console/login HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(100);
    const { result: answers, toll } = await server.measure(async () => {
      let answered = '';
      const closed = openMany(100).map((socket) => {
        socket.on('data', (chunk) => (answered += chunk.toString('latin1')));
        socket.write(requests);
        return once(socket, 'close');
      });
      await probe();
      await Promise.all(closed);
      return answered.split('HTTP/1.1 ').length - 1;
    });
    // Two of each connection may be under way.
    expect(answers).to.be.at.most(200);
    await report('100 connections with 100 requests each at once', toll, 'ended at the third request');
  });

  it('ends 200 forms that arrive a byte at a time, and shows pages meanwhile', async () => {
    const { client, cookie } = await loggedIn('viewer');
    const head = `POST /console/logout HTTP/1.1\r\nHost: localhost\r\nCookie: ${cookie}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100000\r\n\r\n`;
    const { toll } = await server.measure(async () => {
      const slow = openMany(200);
      const closed = slow.map((socket) => once(socket.resume(), 'close'));
      for (const socket of slow) socket.write(head);
      const drip = setInterval(() => slow.forEach((socket) => socket.write('a')), 200);
      await probe();
      await Promise.all(closed);
      clearInterval(drip);
    });
    expect((await client.get('/console')).status).to.equal(200);
    await report('200 forms a byte at a time', toll, 'cut off after 5 s');
  });

  it('shows pages to those who are logged in while strangers hold all logins with forms that do not end', async () => {
    const { client } = await loggedIn('viewer');
    const head = `POST /console/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\ncsrf=`;
    const statuses: number[] = [];
    for (const socket of openMany(200)) {
      socket.once('data', (chunk: Buffer) => statuses.push(statusOf(chunk.toString('latin1'))));
      socket.write(head);
    }
    // 16 of them wait for the rest of their forms.
    await until('the others are refused', () => statuses.length >= 184);
    expect(new Set(statuses)).to.deep.equal(new Set([503]));
    expect((await client.get('/console')).status).to.equal(200);
  });

  it('limits 3,000 logins at once, counts them in few lines, and lets people in again two seconds later', async () => {
    const client = consoleClient(server.opsAddress);
    const csrf = formTokenOf((await client.get('/console/login')).body);
    const before = (await readMetrics(server.opsAddress)).get(UNKNOWN) ?? 0;
    const linesBefore = server.log().split('\n').length;
    const { result: statuses, toll } = await server.measure(async () => {
      const all: number[] = [];
      for (let round = 0; round < 60; round += 1) {
        const tries = Array.from({ length: 50 }, (_, nth) =>
          client.post('/console/login', { csrf, token: `guess ${nth}` }),
        );
        all.push(...(await Promise.all(tries)).map(({ status }) => status));
      }
      return all;
    });
    const counts = [403, 429].map((status) => statuses.filter((each) => each === status).length);
    expect(counts[0]).to.be.within(20, 100);
    expect((counts[0] ?? 0) + (counts[1] ?? 0)).to.equal(3_000);
    expect((await readMetrics(server.opsAddress)).get(UNKNOWN)).to.equal(before + (counts[0] ?? 0));
    const { headers } = await client.post('/console/login', { csrf, token: 'guess' });
    expect(Number(headers['retry-after'] ?? 1)).to.equal(1);
    await until('a login', async () => (await client.logIn('viewer')).status === 303, { everyMs: 500 });
    expect(server.log().split('\n').length - linesBefore).to.be.below(100);
    expect(server.log()).not.to.include('guess');
    await report('3,000 logins with wrong tokens', toll, `${counts[0]} looked at, ${counts[1]} limited`);
  });

  it('shows nothing to paths that try to leave it, with or without a session', async () => {
    const { cookie } = await loggedIn('admin');
    for (const path of [
      ...[
        '/console/../metrics',
        '/console/..',
        '/console/%2e%2e/metrics',
        '/console/..%2fmetrics',
        '/console//..',
      ],
      ...['/console/assets/../../package.json', '/console/assets/..%2f..%2fpackage.json', '/console/%00'],
      ...[
        '/console/assets/%2e%2e%2f%2e%2e%2fsrc%2fmain.ts',
        '/console\\..\\metrics',
        '/console/assets/%c0%ae%c0%ae/',
      ],
      ...[
        '/console/%',
        '/console/%ff%fe',
        '/console/assets/',
        '/console/assets',
        '/console/%2fconsole%2fagents',
      ],
      ...[
        '//evil.example/console',
        '/console@evil.example',
        '/console;x',
        'http://evil.example/console/agents',
      ],
      ...['/console/__proto__', '/console/constructor', `/console/${'a/'.repeat(4_000)}`],
    ])
      for (const lines of [['Host: localhost'], ['Host: localhost', `Cookie: ${cookie}`]]) {
        const answer = await exchangeRaw(server.opsAddress, rawGet(path, lines));
        expect(statusOf(answer), path).to.be.oneOf([301, 303, 400, 404]);
        expect(answer, path).not.to.include('callhooks_build_info').and.not.to.include('"name"');
        expect(answer, path).not.to.match(/^location: (?!\/console)/im);
      }
    expect(await exchangeRaw(server.opsAddress, rawGet('/console/%0d%0aset-cookie:%20a=b'))).not.to.match(
      /^set-cookie: a/im,
    );
  });

  it('leads nobody to another server after a login, whatever the address says', async () => {
    for (const to of [
      ...[
        '//evil.example',
        '/\\evil.example',
        '/\\\\evil.example',
        'https://evil.example',
        '/console//evil.example',
      ],
      ...[
        '/console\r\nset-cookie: a=b',
        '/console/\u0000',
        '\t//evil.example',
        '/console/../../evil',
        'javascript:alert(1)',
      ],
    ]) {
      const client = consoleClient(server.opsAddress);
      const page = `/console/login?to=${encodeURIComponent(to)}`;
      const shown = await client.get(page);
      expect(shown.body, to).to.include('name="to" value="/console"');
      await until('the limit lets a login through', async () => {
        const form = { csrf: formTokenOf(shown.body), token: TOKENS.viewer, to };
        const { status, headers } = await client.post('/console/login', form);
        if (status === 429) return false;
        expect([status, headers.location], to).to.deep.equal([303, '/console']);
        expect(headers['set-cookie']?.join(), to).not.to.include('a=b');
        return true;
      });
    }
  });

  it('refuses cookies that are forged, cut off, repeated or huge, and heads that are too long', async () => {
    const { cookie } = await loggedIn('viewer');
    const ask = async (...lines: string[]) =>
      statusOf(await exchangeRaw(server.opsAddress, rawGet('/console', ['Host: localhost', ...lines])));
    const junk = 'callhooks_session=k1.AAAA';
    expect(await ask(`Cookie: ${cookie}`)).to.equal(200);
    expect(await ask(`Cookie: ${junk}; ${cookie}`)).to.equal(200);
    expect(await ask(`Cookie: ${junk}`, `Cookie: ${cookie}`)).to.equal(200);
    expect(await ask(`Cookie: ${cookie.slice(0, -1)}`)).to.equal(303);
    expect(await ask(`Cookie: ${cookie}A`)).to.be.oneOf([200, 303]);
    expect(await ask(`Cookie: callhooks_session=${'A'.repeat(15_000)}`)).to.equal(303);
    expect(await ask(`Cookie: ${`${junk}; `.repeat(500)}${cookie}`)).to.equal(303);
    expect(await ask(`Cookie: a=${'A'.repeat(17_000)}`)).to.equal(431);
    const query = `/console?q=${'a'.repeat(17_000)}`;
    expect(statusOf(await exchangeRaw(server.opsAddress, rawGet(query)))).to.equal(431);
  });

  it('answers odd requests like any other server: no host, two hosts, a host with a path, a body in a GET', async () => {
    const ask = async (...lines: string[]) =>
      statusOf(await exchangeRaw(server.opsAddress, rawGet('/console', lines)));
    expect(await ask()).to.equal(400);
    expect(await ask('Host: a/../b')).to.be.oneOf([303, 400]);
    expect(await ask('Host: localhost', 'Content-Length: 5', 'Transfer-Encoding: chunked')).to.equal(400);
    expect(await ask('Host: localhost', 'Upgrade: websocket')).to.equal(303);
    await probe();
  });
});
