import { expect } from 'chai';
import { TOKEN_SETTINGS, TOKENS } from '../support/tokens.ts';
import { startConsoleServer, type ConsoleServer } from './support/console-server.ts';
import { describeInBrowser } from './support/describe-in-browser.ts';
import { expectAccessible } from './support/expect-accessible.ts';
import { walkWithTab } from './support/keyboard.ts';

describeInBrowser('The login page, in a browser', (open) => {
  let server: ConsoleServer;
  before(async () => {
    server = await startConsoleServer(TOKEN_SETTINGS);
  });
  after(() => server.close());

  for (const javaScriptEnabled of [true, false]) {
    it(`leads with a token to the page that was asked for, and out again, ${javaScriptEnabled ? 'with' : 'without'} scripts`, async () => {
      const page = await open(server.origin, { javaScriptEnabled });
      await page.goto('/console?range=hour');
      expect(new URL(page.url()).pathname).to.equal('/console/login');
      await page.getByLabel('Token').fill(TOKENS.viewer);
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.waitForURL('**/console?range=hour');
      expect(await page.locator('header').textContent()).to.include('viewer');
      await page.getByRole('button', { name: 'Log out' }).click();
      await page.waitForURL('**/console/login*');
      await page.goto('/console');
      expect(new URL(page.url()).pathname).to.equal('/console/login');
    });
  }

  it('says at its field what is wrong with a token, and is accessible then and before', async () => {
    const page = await open(server.origin);
    await page.goto('/console/login');
    await expectAccessible(page);
    await page.getByLabel('Token').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    expect(await page.getByLabel('Token').getAttribute('aria-invalid')).to.equal('true');
    await expectAccessible(page);
  });

  it('can be used with the keyboard alone', async () => {
    const page = await open(server.origin);
    await page.goto('/console/login');
    const { unseen, missed } = await walkWithTab(page);
    expect({ unseen, missed }).to.deep.equal({ unseen: [], missed: [] });
  });

  it('gives the session to no script', async () => {
    const page = await open(server.origin);
    await page.goto('/console/login');
    await page.getByLabel('Token').fill(TOKENS.admin);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/console');
    expect(await page.evaluate('document.cookie')).to.equal('');
    const cookies = await page.context().cookies();
    expect(cookies.find(({ name }) => name === 'callhooks_session')).to.include({
      httpOnly: true,
      sameSite: 'Strict',
      path: '/console',
    });
  });
});
