import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { describeWithTools } from '../../support/describe-with-tools.ts';
import { CHROMIUM, launchChromium } from './chromium.ts';
import { openWatchedPage, type PageOptions, type WatchedPage } from './watched-page.ts';

/** Opens an empty page for the running test. It may make requests to `origin` alone. */
export type OpenPage = (origin: string, options?: PageOptions) => Promise<Page>;

let shared: Promise<Browser> | undefined;

/**
 * Describes a suite with pages in a real browser. All suites share one browser. After each test its pages are closed, and the
 * test fails if something went wrong in one of them: an error in the console, a report of the content security policy, or a
 * request that failed or that went elsewhere.
 */
export function describeInBrowser(title: string, suite: (open: OpenPage) => void): void {
  describeWithTools(CHROMIUM, title, function () {
    this.timeout(60_000);
    this.slow(5_000);
    let pages: WatchedPage[] = [];
    afterEach(async () => {
      const problems = pages.flatMap((page) => page.problems());
      await Promise.all(pages.map((page) => page.close()));
      pages = [];
      expect(problems).to.deep.equal([]);
    });
    suite(async (origin, options) => {
      const page = await openWatchedPage(await (shared ??= launchChromium()), origin, options);
      pages.push(page);
      return page.page;
    });
  });
}

after(async () => {
  await (await shared)?.close();
});
