import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { sqliteEngine } from '../support/engines.ts';
import { API_TOKENS, TOKEN_SETTINGS, TOKENS } from '../support/tokens.ts';
import { formatApiToken } from '../../src/access/api-tokens.ts';
import { consoleClient, formTokenOf } from './support/console-client.ts';

const KEYS = (byte: number) => `k1:${Buffer.alloc(32, byte).toString('base64')}`;
const ELSEWHERE = { host: 'callhooks.example:9464' };
const OVER_TLS = { ...ELSEWHERE, 'x-forwarded-proto': 'https' };

describe('A console without tokens', () => {
  const apps: TestApp[] = [];
  const start = async (env: Readonly<Record<string, string>> = {}) => {
    const app = await startTestApp(sqliteEngine()!, env);
    apps.push(app);
    return consoleClient(app.opsAddress);
  };
  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close();
  });

  it('is there on loopback, without a login, for requests that name this machine', async () => {
    const client = await start();
    for (const host of ['localhost:9464', '127.0.0.1', '127.8.9.10:1', '[::1]:9464']) {
      const { status, body } = await client.get('/console', { host });
      expect(status, host).to.equal(200);
      expect(body, host).not.to.include('Log out');
    }
    expect((await client.get('/console/login')).status).to.equal(404);
  });

  it('answers 421 to names of others, which may lead here by DNS, with nothing but that', async () => {
    const client = await start();
    for (const host of ['evil.example', 'evil.example:9464', 'localhost.evil.example', '10.0.0.1']) {
      const { status, body } = await client.get('/console', { host });
      expect(status, host).to.equal(421);
      expect(body, host).not.to.include('<nav');
    }
    expect((await client.get('/healthz', { host: 'evil.example' })).status).to.equal(200);
  });

  it('is there by any name where CALLHOOKS_AUTH=none and the port is open to other machines', async () => {
    const client = await start({ CALLHOOKS_AUTH: 'none', CALLHOOKS_OPS_LISTEN: '0.0.0.0:0' });
    expect((await client.get('/console', ELSEWHERE)).status).to.equal(200);
  });

  it('is not there where the port is open to other machines without that', async () => {
    const client = await start({ CALLHOOKS_OPS_LISTEN: '0.0.0.0:0' });
    expect((await client.get('/console')).status).to.equal(404);
  });

  it('is not there with CALLHOOKS_CONSOLE=false', async () => {
    const client = await start({ CALLHOOKS_CONSOLE: 'false', ...TOKEN_SETTINGS });
    for (const path of ['/console', '/console/login', '/console/assets/x.css']) {
      const { status, body } = await client.get(path);
      expect(status).to.equal(404);
      expect(body).to.equal('GET /metrics, /healthz or /readyz\n');
    }
  });

  it('checks the token of a form by a cookie', async () => {
    const client = await start();
    const page = await client.get('/console');
    const cookie = page.headers['set-cookie']?.[0];
    expect(cookie).to.match(/^callhooks_form=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/console$/);
    expect((await client.get('/console')).headers['set-cookie']).to.equal(undefined);
    expect((await client.post('/console/nowhere', { csrf: 'made-up' })).status).to.equal(403);
  });

  it('is not loaded into a page of somebody else, who may link to it', async () => {
    const client = await start();
    const site = { 'sec-fetch-site': 'cross-site' };
    expect((await client.get('/console', { ...site, 'sec-fetch-mode': 'no-cors' })).status).to.equal(403);
    expect((await client.get('/console', { ...site, 'sec-fetch-mode': 'navigate' })).status).to.equal(200);
  });
});

describe('A session of the console', () => {
  let app: TestApp;
  beforeEach(async () => {
    app = await startTestApp(sqliteEngine()!, { ...TOKEN_SETTINGS, CALLHOOKS_ENCRYPTION_KEYS: KEYS(1) });
  });
  afterEach(() => app.close());
  const statusWith = async (cookie: string) =>
    (await consoleClient(app.opsAddress).get('/console', { cookie })).status;

  it('goes on after a restart, ends when its token is removed, and does not open with other keys', async () => {
    const client = consoleClient(app.opsAddress);
    await client.logIn('viewer');
    const cookie = `callhooks_session=${client.cookies.get('callhooks_session')}`;
    await app.restart();
    expect(await statusWith(cookie)).to.equal(200);
    const others = API_TOKENS.filter(({ name }) => name !== 'viewer').map(formatApiToken);
    await app.restart({ CALLHOOKS_AUTH_TOKENS: others.join(), CALLHOOKS_ENCRYPTION_KEYS: KEYS(1) });
    expect(await statusWith(cookie)).to.equal(303);
    const foreign = await startTestApp(sqliteEngine()!, {
      ...TOKEN_SETTINGS,
      CALLHOOKS_ENCRYPTION_KEYS: KEYS(2),
    });
    const there = consoleClient(foreign.opsAddress);
    expect((await there.get('/console', { cookie })).status).to.equal(303);
    await there.logIn('admin');
    await foreign.close();
    await app.restart();
    expect(await statusWith(cookie)).to.equal(200);
    expect(await statusWith(`callhooks_session=${there.cookies.get('callhooks_session')}`)).to.equal(303);
  });

  it('is not begun in plaintext from another machine, and the page says what to do', async () => {
    const client = consoleClient(app.opsAddress);
    const { status, body } = await client.get('/console/login', ELSEWHERE);
    expect(status).to.equal(403);
    expect(body).to.include('kubectl port-forward').and.to.include('ssh -L');
    expect(body).not.to.include('type="password"');
    const csrf = formTokenOf((await client.get('/console/login')).body);
    const sent = await client.post('/console/login', { csrf, token: TOKENS.admin }, { headers: ELSEWHERE });
    expect(sent.status).to.equal(403);
    expect(sent.body).to.include('replace it');
    expect(client.cookies.has('callhooks_session')).to.equal(false);
  });

  it('is begun through a proxy with TLS, and its cookies never leave TLS then', async () => {
    const client = consoleClient(app.opsAddress);
    const page = await client.get('/console/login', OVER_TLS);
    expect(page.headers['set-cookie']?.[0]).to.match(/; Secure$/);
    const form = { csrf: formTokenOf(page.body), token: TOKENS.admin };
    const { status, headers } = await client.post('/console/login', form, { headers: OVER_TLS });
    expect(status).to.equal(303);
    expect(headers['set-cookie']?.[0]).to.match(/^callhooks_session=.*; Secure$/);
  });

  it('is begun in plaintext with CALLHOOKS_INSECURE=true', async () => {
    await app.restart({ ...TOKEN_SETTINGS, CALLHOOKS_ENCRYPTION_KEYS: KEYS(1), CALLHOOKS_INSECURE: 'true' });
    const client = consoleClient(app.opsAddress);
    const csrf = formTokenOf((await client.get('/console/login', ELSEWHERE)).body);
    const sent = await client.post('/console/login', { csrf, token: TOKENS.admin }, { headers: ELSEWHERE });
    expect(sent.status).to.equal(303);
  });
});
