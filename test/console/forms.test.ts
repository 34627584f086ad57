import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { sqliteEngine } from '../support/engines.ts';
import { TOKEN_SETTINGS, TOKENS } from '../support/tokens.ts';
import { consoleClient, formTokenOf } from './support/console-client.ts';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

describe('A form of the console', () => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp(sqliteEngine()!, TOKEN_SETTINGS);
  });
  after(() => app.close());

  const loggedIn = async (role: keyof typeof TOKENS = 'admin') => {
    const client = consoleClient(app.opsAddress);
    expect((await client.logIn(role)).status).to.equal(303);
    const csrf = formTokenOf((await client.get('/console')).body);
    return { client, csrf };
  };

  it('is refused without its token, and the session goes on', async () => {
    const { client } = await loggedIn();
    for (const csrf of ['', 'made-up', 'k1.AAAA']) {
      const { status, body } = await client.post('/console/logout', { csrf });
      expect(status).to.equal(403);
      expect(body).to.include('belongs to another session');
    }
    expect((await client.get('/console')).status).to.equal(200);
  });

  it('is refused with the token of another session, also of the same person', async () => {
    const { client } = await loggedIn();
    const other = await loggedIn();
    expect((await client.post('/console/logout', { csrf: other.csrf })).status).to.equal(403);
  });

  it('is refused with the token of a login form', async () => {
    const client = consoleClient(app.opsAddress);
    const csrf = formTokenOf((await client.get('/console/login')).body);
    await client.post('/console/login', { csrf, token: TOKENS.admin });
    expect((await client.post('/console/logout', { csrf })).status).to.equal(403);
  });

  it('of a second tab still works: the login after a login, and each page of the session', async () => {
    const client = consoleClient(app.opsAddress);
    const csrf = formTokenOf((await client.get('/console/login')).body);
    await client.post('/console/login', { csrf, token: TOKENS.viewer });
    const ofFirstPage = formTokenOf((await client.get('/console')).body);
    await client.get('/console/agents');
    expect((await client.post('/console/login', { csrf, token: TOKENS.viewer })).status).to.equal(303);
    expect((await client.post('/console/logout', { csrf: ofFirstPage })).status).to.equal(403);
    const ofNewSession = formTokenOf((await client.get('/console')).body);
    expect((await client.post('/console/logout', { csrf: ofNewSession })).status).to.equal(303);
  });

  it('of the login is refused without the cookie that its page has set', async () => {
    const client = consoleClient(app.opsAddress);
    const csrf = formTokenOf((await client.get('/console/login')).body);
    client.cookies.clear();
    const { status, headers } = await client.post('/console/login', { csrf, token: TOKENS.admin });
    expect(status).to.equal(403);
    expect(headers['set-cookie']?.join()).not.to.include('callhooks_session');
  });

  it('is refused when a page of somebody else sent it, whichever header says so', async () => {
    const { client, csrf } = await loggedIn();
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site', origin: 'http://localhost:8080' },
      { origin: 'https://evil.example' },
      { origin: `http://127.0.0.1:1` },
      { origin: 'not an origin' },
    ]) {
      const { status } = await client.post('/console/logout', { csrf }, { headers });
      expect(status, JSON.stringify(headers)).to.equal(403);
    }
    const own = { origin: `http://${app.opsAddress}` };
    expect((await client.post('/console/logout', { csrf }, { headers: own })).status).to.equal(303);
  });

  it('is refused by its announced length, before it is sent, and otherwise as soon as it is too long', async () => {
    const { client, csrf } = await loggedIn();
    const tooLong = `csrf=${csrf}&text=${'x'.repeat(512 * 1024)}`;
    const announced = await client.send('POST', '/console/logout', FORM, tooLong);
    expect(announced.status).to.equal(413);
    expect(announced.body).to.include('512 KiB');
    const chunked = { ...FORM, 'transfer-encoding': 'chunked' };
    expect((await client.send('POST', '/console/logout', chunked, tooLong)).status).to.equal(413);
  });

  it('of the login is refused above 16 KiB, because everybody may send it', async () => {
    const { status, body } = await consoleClient(app.opsAddress).post('/console/login', {
      token: 'x'.repeat(16_384),
    });
    expect(status).to.equal(413);
    expect(body).to.include('16 KiB');
  });

  it('is refused with more than 100 fields, in no time, however many there are', async () => {
    const { client, csrf } = await loggedIn();
    const beganAtMs = performance.now();
    const many = await client.send('POST', '/console/logout', FORM, `csrf=${csrf}${'&'.repeat(500_000)}`);
    expect(many.status).to.equal(400);
    expect(many.body).to.include('100 fields');
    expect(performance.now() - beganAtMs).to.be.below(1_000);
    const few = await client.send('POST', '/console/logout', FORM, `csrf=${csrf}${'&'.repeat(99)}`);
    expect(few.status).to.equal(303);
  });

  it('is refused in another format', async () => {
    const { client, csrf } = await loggedIn();
    const json = { 'content-type': 'application/json' };
    const { status } = await client.send('POST', '/console/logout', json, JSON.stringify({ csrf }));
    expect(status).to.equal(415);
  });

  it('is answered 405 where there is none, and so is every other method', async () => {
    const { client, csrf } = await loggedIn();
    expect((await client.post('/console', { csrf })).status).to.equal(405);
    for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE']) {
      const { status, headers } = await client.send(method, '/console');
      expect(status, method).to.equal(405);
      expect(headers.allow, method).to.equal('GET, HEAD, POST');
    }
    const head = await client.send('HEAD', '/console');
    expect([head.status, head.body]).to.deep.equal([200, '']);
  });
});
