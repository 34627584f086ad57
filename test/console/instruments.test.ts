import { expect } from 'chai';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { until } from '../support/until.ts';
import { launchChromium, CHROMIUM } from './support/chromium.ts';
import { describeWithTools } from '../support/describe-with-tools.ts';
import { expectAccessible } from './support/expect-accessible.ts';
import { openWatchedPage, type PageOptions } from './support/watched-page.ts';
import type { Browser } from 'playwright-core';

const HEAD = '<!doctype html><html lang="en"><title>Page</title><main><h1>Page</h1>';
const STRICT = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'";

describeWithTools(CHROMIUM, 'The instruments of the console tests', function () {
  this.timeout(60_000);
  let browser: Browser;
  let receiver: Receiver;
  before(async () => {
    browser = await launchChromium();
    receiver = await startReceiver();
  });
  after(async () => {
    await browser.close();
    await receiver.close();
  });

  /** Serves a page, opens it, and hands it over with its problems. */
  const show = async (html: string, policy = STRICT, options: PageOptions = {}) => {
    receiver.respond(({ url }) =>
      url === '/'
        ? { body: html, headers: { 'content-type': 'text/html', 'content-security-policy': policy } }
        : { status: 404 },
    );
    const watched = await openWatchedPage(browser, receiver.url, options);
    await watched.page.goto('/');
    return watched;
  };
  const expectProblem = async (html: string, problem: RegExp, options?: PageOptions) => {
    const watched = await show(html, STRICT, options);
    const found = await until(`a problem that matches ${problem}`, () =>
      watched.problems().find((one) => problem.test(one)),
    );
    await watched.close();
    return found;
  };

  it('find nothing in a plain page with a strict policy', async () => {
    const { page, problems, close } = await show(HEAD);
    await expectAccessible(page);
    expect(problems()).to.deep.equal([]);
    await close();
  });

  it('report a script, a style and a handler in the page as violations of its policy', async () => {
    await expectProblem(`${HEAD}<script>window.ran = true</script>`, /script-src/);
    await expectProblem(`${HEAD}<p style="color: red">x</p>`, /style-src/);
    await expectProblem(`${HEAD}<img src="/none" onerror="1">`, /img-src/);
  });

  it('report a violation also where scripts are off', async () => {
    await expectProblem(`${HEAD}<style>p { color: red }</style>`, /style/, { javaScriptEnabled: false });
  });

  it('report a missing part of the page', async () => {
    await expectProblem(`${HEAD}<link rel="stylesheet" href="/none.css">`, /404/);
  });

  it('stop and report a request to another host', async () => {
    const other = await startReceiver();
    const watched = await show(`${HEAD}<img src="${other.url}/pixel" alt="">`, 'default-src *');
    await until('a problem', () => watched.problems().length > 0);
    expect(watched.problems()).to.include(`a request to ${other.url}/pixel`);
    expect(other.requests).to.deep.equal([]);
    await watched.close();
    await other.close();
  });

  it('name what is not accessible: a poor contrast, a field without a name, a page that is too wide', async () => {
    const open = "default-src 'none'; style-src 'unsafe-inline'";
    const html = `${HEAD}<p style="color: #999; background: #fff">A text</p><input><div style="width: 900px">x</div>`;
    const { page, close } = await show(html, open);
    const error = await expectAccessible(page).then(
      () => '',
      (error: Error) => error.message,
    );
    expect(error).to.match(/light, wide: color-contrast/);
    expect(error).to.match(/dark, on a phone: label: /);
    expect(error).to.match(/dark, on a phone: wider than the window: <div/);
    expect(error).to.not.match(/wide: wider/);
    await close();
  });
});
