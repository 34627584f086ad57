import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { sqliteEngine } from '../support/engines.ts';

describe('The headers of the console', () => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp(sqliteEngine()!);
  });
  after(() => app.close());

  const get = (path: string) => fetch(`http://${app.opsAddress}${path}`);

  it('forbid scripts and styles in a page, frames, guessed types, referrers and caches', async () => {
    const { status, headers } = await get('/console');
    expect(status).to.equal(200);
    expect(headers.get('content-security-policy')).to.include("default-src 'none'");
    expect(headers.get('content-security-policy')).to.include("frame-ancestors 'none'");
    expect(headers.get('content-security-policy')).not.to.include('unsafe');
    expect(headers.get('x-content-type-options')).to.equal('nosniff');
    expect(headers.get('referrer-policy')).to.equal('no-referrer');
    expect(headers.get('cache-control')).to.equal('no-store');
  });

  it('stand on a page that does not exist, too', async () => {
    const { status, headers } = await get('/console/nowhere');
    expect(status).to.equal(404);
    expect(headers.get('content-security-policy')).to.include("default-src 'none'");
  });

  it('let browsers keep what pages load for ever', async () => {
    const page = await (await get('/console')).text();
    const paths = [...page.matchAll(/"(\/console\/assets\/[^"]+)"/g)].map(([, path]) => path as string);
    expect(paths).to.have.length(3);
    for (const path of paths) {
      const { status, headers } = await get(path);
      expect(status).to.equal(200);
      expect(headers.get('cache-control')).to.include('immutable');
      expect(headers.get('x-content-type-options')).to.equal('nosniff');
    }
  });
});
