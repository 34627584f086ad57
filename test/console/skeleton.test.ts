import { expect } from 'chai';
import { startConsoleServer, type ConsoleServer } from './support/console-server.ts';
import { describeInBrowser } from './support/describe-in-browser.ts';

describeInBrowser('The operations port', (open) => {
  let server: ConsoleServer;
  before(async () => {
    server = await startConsoleServer();
  });
  after(() => server.close());

  it('shows a browser the metrics as plain text', async () => {
    const page = await open(server.origin);
    const response = await page.goto('/metrics');
    expect(response?.status()).to.equal(200);
    expect(await page.locator('body').textContent()).to.include('callhooks_build_info');
  });
});
