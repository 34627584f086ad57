import { expect } from 'chai';
import { startConsoleServer, type ConsoleServer } from './support/console-server.ts';
import { describeInBrowser } from './support/describe-in-browser.ts';
import { expectAccessible } from './support/expect-accessible.ts';

describeInBrowser('The console of a new server', (open) => {
  let server: ConsoleServer;
  before(async () => {
    server = await startConsoleServer();
  });
  after(() => server.close());

  for (const path of ['/console', '/console/executions', '/console/agents', '/console/search']) {
    it(`says at ${path} what to do next, and is accessible`, async () => {
      const page = await open(server.origin);
      expect((await page.goto(path))?.status()).to.equal(200);
      await expectAccessible(page);
    });
  }

  it('shows the grpcurl call that makes the first agent', async () => {
    const page = await open(server.origin);
    await page.goto('/console/agents');
    expect(await page.locator('main').textContent()).to.match(/grpcurl[^]*AgentAdmin\/CreateAgent/);
  });
});
