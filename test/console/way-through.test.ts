import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { describeInBrowser } from './support/describe-in-browser.ts';
import type { SceneCall } from './support/calls-of-every-kind.ts';
import { useScene } from './support/use-scene.ts';

describeInBrowser('A person with a conversation id', (open) => {
  const scene = useScene();
  const callOf = (name: string) => scene().calls.get(name) as SceneCall;

  const find = async (page: Page, id: string) => {
    await page.goto('/console');
    await page.getByRole('searchbox').fill(id);
    await page.getByRole('button', { name: 'Find' }).click();
  };

  for (const javaScriptEnabled of [true, false]) {
    it(`sees in two steps why the bot did not know her name, ${javaScriptEnabled ? 'with' : 'without'} scripts`, async () => {
      const page = await open(scene().server.origin, { javaScriptEnabled });
      const { conversationUuid } = callOf('missed');
      await find(page, conversationUuid);
      expect(new URL(page.url()).pathname).to.equal(`/console/conversations/${conversationUuid}`);
      const text = (await page.locator('main').textContent()) ?? '';
      // The variable, the attribute that is not there, and the key that is there instead.
      for (const part of ['customer_name', 'customer.name', 'full_name']) expect(text).to.include(part);
    });
  }

  it('gets to an execution and to an agent by their ids, too', async () => {
    const page = await open(scene().server.origin);
    const { executionUuid, agentUuid } = callOf('TIMEOUT');
    await find(page, executionUuid);
    expect(new URL(page.url()).pathname).to.equal(`/console/executions/${executionUuid}`);
    await find(page, ` ${agentUuid.toUpperCase()} `);
    expect(new URL(page.url()).pathname).to.equal(`/console/agents/${agentUuid}`);
  });

  it('copies an id whole, and is told so, or that it could not be copied', async () => {
    const page = await open(scene().server.origin);
    const { executionUuid } = callOf('missed');
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.goto(`/console/executions/${executionUuid}`);
    await page.getByRole('button', { name: 'Copy execution id' }).click();
    await page.getByRole('button', { name: 'Copied execution id' }).waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).to.equal(executionUuid);
    await page.evaluate('navigator.clipboard.writeText = () => Promise.reject(new Error("not allowed"))');
    await page.getByRole('button', { name: 'Copy agent id' }).click();
    await page.getByRole('button', { name: 'Could not copy agent id' }).waitFor();
  });

  it('sees times in the zone of the browser, and UTC when the pointer is over one', async () => {
    const page = await open(scene().server.origin, { timezoneId: 'America/New_York' });
    await page.goto(`/console/executions/${callOf('success').executionUuid}`);
    const time = page.locator('time').first();
    const at = new Date((await time.getAttribute('datetime')) ?? '');
    const day = at.toLocaleDateString('sv', { timeZone: 'America/New_York' });
    const hour = at.toLocaleTimeString('sv', { timeZone: 'America/New_York' });
    expect(await time.textContent()).to.match(new RegExp(`^${day} ${hour} E[SD]T$`));
    expect(await time.getAttribute('title'))
      .to.include(at.toISOString().slice(11, 19))
      .and.include('UTC');
  });
});
