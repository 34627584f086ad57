import { expect } from 'chai';
import { describeInBrowser } from './support/describe-in-browser.ts';
import { expectAccessible } from './support/expect-accessible.ts';
import { walkWithTab } from './support/keyboard.ts';
import { PAGES } from './support/pages.ts';
import { plantedParts, plantedPlaces } from './support/planted-parts.ts';
import { SECRET } from './support/call-rows.ts';
import { useScene } from './support/use-scene.ts';

describeInBrowser('Each page of the console', (open) => {
  const scene = useScene();

  for (const { name, paths, planted, status = 200 } of PAGES) {
    it(`${name} opens with calls of every kind, without an error, a violation of its policy or a secret`, async function () {
      this.timeout(120_000);
      const page = await open(scene().server.origin);
      const places = new Set<string>();
      for (const path of paths(scene())) {
        const response = await page.goto(path);
        expect(response?.status(), path).to.equal(status);
        expect(await page.title()).to.match(/\S · callhooks$/);
        expect(await page.locator('h1').count(), `headings of ${path}`).to.equal(1);
        expect(await page.content()).to.not.include(SECRET);
        expect(await plantedParts(page), path).to.deep.equal([]);
        for (const place of await plantedPlaces(page)) places.add(place);
      }
      expect(
        planted.filter((place) => !places.has(place)),
        'planted texts that are not shown',
      ).to.deep.equal([]);
    });

    it(`${name} is accessible, light and wide, and dark on a phone`, async function () {
      this.timeout(300_000);
      const page = await open(scene().server.origin);
      for (const path of paths(scene())) {
        await page.goto(path);
        await page
          .locator('details')
          .evaluateAll((all: { open: boolean }[]) => all.forEach((one) => (one.open = true)));
        await expectAccessible(page);
      }
    });

    it(`${name} shows the same without scripts`, async () => {
      const [path = ''] = paths(scene());
      const page = await open(scene().server.origin, { javaScriptEnabled: false });
      expect((await page.goto(path))?.status()).to.equal(status);
      expect((await page.locator('main').textContent())?.trim()).to.match(/\S{3}/);
    });

    it(`${name} can be used with the keyboard, and shows where the focus is`, async () => {
      const [path = ''] = paths(scene());
      const page = await open(scene().server.origin);
      await page.goto(path);
      const { stops, unseen, missed } = await walkWithTab(page);
      expect(stops[0]).to.match(/href="#main"/);
      expect({ unseen, missed }).to.deep.equal({ unseen: [], missed: [] });
    });
  }

  it('Execution opens while its report waits, and while it is being sent', async () => {
    const page = await open(scene().server.origin);
    for (const { executionUuid } of await scene().holdReports()) {
      expect((await page.goto(`/console/executions/${executionUuid}`))?.status()).to.equal(200);
      await expectAccessible(page);
    }
  });

  it('begins with a link that skips to its content', async () => {
    const page = await open(scene().server.origin);
    await page.goto('/console');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.evaluate<boolean>('document.activeElement.matches("main")')).to.equal(true);
  });
});
