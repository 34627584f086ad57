import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { sqliteEngine } from '../support/engines.ts';
import { readMetrics } from '../support/metrics.ts';
import { TOKEN_SETTINGS, TOKENS } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { consoleClient, formTokenOf } from './support/console-client.ts';

describe('The login of the console', () => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp(sqliteEngine()!, TOKEN_SETTINGS);
  });
  after(() => app.close());

  const auditLines = (action: string) =>
    app.logLines.filter(({ msg, action: done }) => msg === 'audit' && done === action);

  it('stands before every page, and before those that do not exist', async () => {
    for (const path of [
      '/console',
      '/console/executions?page_size=5',
      '/console/nowhere',
      '/console/logout',
    ]) {
      const { status, headers, body } = await consoleClient(app.opsAddress).get(path);
      expect(status, path).to.equal(303);
      expect(headers.location, path).to.match(/^\/console\/login(\?to=|$)/);
      expect(body, path).to.equal('');
    }
  });

  it('lets the style sheet through without a session', async () => {
    const client = consoleClient(app.opsAddress);
    const [, path = ''] = /href="([^"]+\.css)"/.exec((await client.get('/console/login')).body) ?? [];
    expect((await client.get(path)).status).to.equal(200);
  });

  it('takes a token, sets a cookie that scripts and other sites do not get, and leads to the page', async () => {
    const client = consoleClient(app.opsAddress);
    const page = (await client.get('/console/agents?page_size=5')).headers.location ?? '';
    const shown = (await client.get(page)).body;
    expect(shown).to.include('value="/console/agents?page_size=5"');
    expect(shown).to.match(/type="password"\s+autocomplete="off"/);
    const form = { token: ` ${TOKENS.viewer}\n`, to: '/console/agents?page_size=5' };
    const { status, headers } = await client.post('/console/login', form, { page });
    expect(status).to.equal(303);
    expect(headers.location).to.equal('/console/agents?page_size=5');
    expect(headers['set-cookie']?.[0]).to.match(
      /^callhooks_session=[\w.-]+; HttpOnly; SameSite=Strict; Path=\/console; Max-Age=28800$/,
    );
    expect(headers['set-cookie']?.join()).not.to.include(TOKENS.viewer);
    expect(auditLines('ConsoleLogin').at(-1)).to.include({ caller: 'viewer' });
  });

  it('shows the name and the role on pages, with a way out that ends the session at the browser', async () => {
    const client = consoleClient(app.opsAddress);
    await client.logIn('admin');
    const page = await client.get('/console');
    expect(page.status).to.equal(200);
    expect(page.body).to.include('admin (admin)');
    const { status, headers } = await client.post('/console/logout', { csrf: formTokenOf(page.body) });
    expect(status).to.equal(303);
    expect(headers.location).to.equal('/console/login');
    expect(headers['set-cookie']).to.deep.equal([
      'callhooks_session=; HttpOnly; SameSite=Strict; Path=/console; Max-Age=0',
    ]);
    expect(auditLines('ConsoleLogout').at(-1)).to.include({ caller: 'admin' });
    expect((await client.get('/console')).status).to.equal(303);
  });

  it('leads people with a session past the form', async () => {
    const client = consoleClient(app.opsAddress);
    await client.logIn('viewer');
    const { status, headers } = await client.get('/console/login?to=%2Fconsole%2Fagents');
    expect(status).to.equal(303);
    expect(headers.location).to.equal('/console/agents');
  });

  it('refuses a wrong token at its field, counts it, and writes one line for many of them', async () => {
    const client = consoleClient(app.opsAddress);
    const token = 'callhooks_not-a-token';
    for (let nth = 0; nth < 3; nth += 1) {
      const { status, headers, body } = await client.post(
        '/console/login',
        { token },
        { page: '/console/login' },
      );
      expect(status).to.equal(403);
      expect(body).to.match(/id="token-problem"[^>]*>This server does not know the token/);
      expect(body).not.to.include(token);
      expect(headers['set-cookie']).to.equal(undefined);
    }
    const refused = () =>
      app.logLines.filter(({ msg, rpc }) => msg === 'access refused' && rpc === 'console/login');
    await until(
      'all failures are logged',
      () => refused().reduce((sum, { count }) => sum + Number(count), 0) === 3,
    );
    expect(refused().length).to.be.lessThan(3);
    expect(refused()[0]).to.include({ refusal: 'unknown_token' });
    const metrics = await readMetrics(app.opsAddress);
    expect(metrics.get('callhooks_access_refused_total{refusal="unknown_token"}')).to.equal(3);
  });

  it('loads itself once more after a link of another site, because browsers leave the cookie out then', async () => {
    const client = consoleClient(app.opsAddress);
    await client.logIn('viewer');
    const fromElsewhere = {
      cookie: '',
      ...{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
    };
    const { headers } = await client.get('/console/agents', fromElsewhere);
    const { body } = await client.get(headers.location ?? '', fromElsewhere);
    const [, again = ''] = /http-equiv="refresh" content="0; url=([^"]+)"/.exec(body) ?? [];
    const second = await client.get(again.replaceAll('&amp;', '&'), { 'sec-fetch-site': 'same-origin' });
    expect(second.status).to.equal(303);
    expect(second.headers.location).to.equal('/console/agents');
    const stranger = await client.get(again.replaceAll('&amp;', '&'), fromElsewhere);
    expect(stranger.body).not.to.include('http-equiv="refresh"');
  });
});
