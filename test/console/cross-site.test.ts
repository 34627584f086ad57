import { expect } from 'chai';
import { TOKEN_SETTINGS, TOKENS } from '../support/tokens.ts';
import { startConsoleServer, type ConsoleServer } from './support/console-server.ts';
import { describeInBrowser } from './support/describe-in-browser.ts';

describeInBrowser('The console and other sites, in a browser', (open) => {
  let server: ConsoleServer;
  before(async () => {
    server = await startConsoleServer(TOKEN_SETTINGS);
  });
  after(() => server.close());

  it('leads somebody who is logged in from a link of another site to the page, without a second login', async () => {
    const page = await open(server.origin);
    await page.goto('/console/login');
    await page.getByLabel('Token').fill(TOKENS.viewer);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/console');
    await page.goto('about:blank');
    await page.setContent(`<a href="${server.origin}/console/agents?page_size=5">an incident</a>`);
    await page.getByRole('link').click();
    await page.waitForURL('**/console/agents?page_size=5');
    expect(await page.locator('header').textContent()).to.include('viewer');
  });

  it('shows somebody without a session the login after such a link, and the page after it', async () => {
    const page = await open(server.origin);
    await page.setContent(`<a href="${server.origin}/console/agents?page_size=5">an incident</a>`);
    await page.getByRole('link').click();
    await page.waitForURL('**/console/login?again=1**');
    await page.getByLabel('Token').fill(TOKENS.viewer);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/console/agents?page_size=5');
  });

  it('takes no form of another site, although the browser would send it', async () => {
    const page = await open(server.origin);
    await page.setContent(
      `<form method="post" action="${server.origin}/console/login"><input name="token" value="${TOKENS.admin}"><button>Win</button></form>`,
    );
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.request().method() === 'POST'),
      page.getByRole('button').click(),
    ]);
    expect(answer.status()).to.equal(403);
    expect(await page.context().cookies()).to.deep.equal([]);
  });
});
