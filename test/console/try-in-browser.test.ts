import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, postTo } from '../support/calls.ts';
import { sqliteEngine } from '../support/engines.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { describeInBrowser } from './support/describe-in-browser.ts';
import { expectAccessible } from './support/expect-accessible.ts';

describeInBrowser('A person who tries a webhook', (open) => {
  let app: TestApp;
  let endpoint: Receiver;
  before(async () => {
    app = await startTestApp(sqliteEngine()!, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' });
    endpoint = await startReceiver({ body: { customer: { full_name: 'Ada', plan: 'gold' } } });
    await makeAgent(app.rpc, {
      variables: { customer_name: 'there', plan: 'unknown' },
      pre: postTo(
        `${endpoint.url}/lookup`,
        { phone: '{{caller_phone}}', note: '{{metadata.note}}' },
        {
          assignments: [
            { attributeName: 'customer.name', dynamicVariable: 'customer_name' },
            { attributeName: 'customer.plan', dynamicVariable: 'plan' },
          ],
        },
      ),
    });
  });
  after(async () => {
    await app.close();
    await endpoint.close();
  });

  const openForm = async (options = {}) => {
    const page = await open(`http://${app.opsAddress}`, options);
    await page.goto('/console/try');
    await page.getByRole('link', { name: 'pre-call' }).click();
    return page;
  };
  const press = (page: Page, name: string) => page.getByRole('button', { name }).click();

  for (const javaScriptEnabled of [true, false]) {
    it(`renders and sends it in two steps, ${javaScriptEnabled ? 'with' : 'without'} scripts, and a reload sends nothing`, async () => {
      const before = endpoint.requests.length;
      const page = await openForm({ javaScriptEnabled });
      await page.getByLabel("Caller's number").fill('+14155550123');
      await page.getByLabel('Dynamic variables').fill('plan=silver');
      await press(page, 'Render the request');
      await page.getByText('rendered, not sent').waitFor();
      expect(endpoint.requests).to.have.length(before);
      await press(page, 'Send it once');
      await page.getByText('HTTP 200').waitFor();
      expect(await page.getByLabel("Caller's number").inputValue()).to.equal('+14155550123');
      // The browser sends the form again, as it does when the person agrees to that.
      await page.reload();
      await page.getByText('This is the answer to that').waitFor();
      expect(endpoint.requests).to.have.length(before + 1);
    });
  }

  it('gets to each control from the list of what is wrong with the form', async () => {
    const page = await openForm();
    await page.getByLabel('Metadata').fill('{nope');
    await page.getByLabel('Conversation id').fill('123');
    await press(page, 'Render the request');
    await page.getByRole('alert').getByText('2 things are to be mended').waitFor();
    await page.getByRole('alert').getByText('metadata is not JSON').click();
    // The browser begins there when the person goes on with the keyboard.
    await page.keyboard.press('Tab');
    await page.keyboard.press('Shift+Tab');
    expect(await page.evaluate<string>('document.activeElement.id')).to.equal('try-metadata');
    expect(await page.getByLabel('Metadata').inputValue()).to.equal('{nope');
  });

  it('sees accessible pages at each step', async function () {
    this.timeout(120_000);
    const page = await openForm();
    await page.getByText('Try another configuration').click();
    await page.getByLabel('Configuration (webhook_config)').fill('{"api_schema": {"url": "htp://x"}}');
    await press(page, 'Render the request');
    await page.getByRole('alert').waitFor();
    await expectAccessible(page);
    await page.getByLabel('Configuration (webhook_config)').fill('');
    await press(page, 'Render the request');
    await page.getByText('rendered, not sent').waitFor();
    await expectAccessible(page);
    await press(page, 'Send it once');
    await page.getByText('HTTP 200').waitFor();
    await expectAccessible(page);
  });
});
