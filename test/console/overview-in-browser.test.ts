import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, newCall, postTo, type CallAgent } from '../support/calls.ts';
import { sqliteEngine } from '../support/engines.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { describeInBrowser } from './support/describe-in-browser.ts';

describeInBrowser('A person who looks at the overview', (open) => {
  let app: TestApp;
  let endpoint: Receiver;
  let agent: CallAgent;
  let calls = 0;
  before(async () => {
    app = await startTestApp(sqliteEngine()!, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' });
    endpoint = await startReceiver();
    agent = await makeAgent(app.rpc, { pre: postTo(endpoint.url) });
  });
  after(async () => {
    await app.close();
    await endpoint.close();
  });

  const call = async () => {
    await app.rpc.calls.onCallStart(newCall(agent));
    calls += 1;
  };
  const counted = (page: Page, count = calls) => page.locator('.legend').getByText(`${count} succeeded`);
  /** Lets half a minute go by for the page, until it shows all calls. */
  const untilCounted = async (page: Page) => {
    while ((await counted(page).count()) === 0) {
      await page.clock.fastForward('00:31');
      await page.waitForLoadState('networkidle');
    }
  };
  const openOverview = async () => {
    const page = await open(`http://${app.opsAddress}`);
    await page.clock.install();
    await page.goto('/console');
    return page;
  };

  it('sees new calls without a new load of the page, and what she has unfolded and focused stays', async () => {
    await call();
    const page = await openOverview();
    await untilCounted(page);
    await page.getByText('The numbers of these charts').click();
    await page.evaluate('window.isSamePage = true');
    await call();
    await untilCounted(page);
    expect(await page.evaluate<boolean>('window.isSamePage')).to.equal(true);
    expect(await page.locator('table.steps').isVisible()).to.equal(true);
    expect(await page.evaluate<string>('document.activeElement.textContent')).to.equal(
      'The numbers of these charts',
    );
    expect(await page.locator('#overview time').first().getAttribute('title')).to.match(/ UTC$/);
  });

  it('keeps a text that she has marked, and sees new calls when it is no longer marked', async () => {
    const page = await openOverview();
    await untilCounted(page);
    await page.evaluate("getSelection().selectAllChildren(document.querySelector('.legend'))");
    const before = calls;
    await call();
    const answered = page.waitForResponse((response) => response.url().endsWith('/console'));
    await page.clock.fastForward('00:31');
    await answered;
    await page.waitForLoadState('networkidle');
    expect(await counted(page, before).count()).to.equal(1);
    await page.evaluate('getSelection().empty()');
    await untilCounted(page);
  });
});
