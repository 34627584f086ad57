import { setTimeout as wait } from 'node:timers/promises';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';

/** Says how a page is opened. */
export interface PageOptions {
  /** Is the zone of the reader, such as `America/New_York`. The default is UTC. */
  readonly timezoneId?: string;
  /** Turns scripts off with false. */
  readonly javaScriptEnabled?: boolean;
  readonly viewport?: { readonly width: number; readonly height: number };
}

/** Is a page of a browser, with everything that went wrong in it. */
export interface WatchedPage {
  readonly page: Page;
  /** Lists errors and warnings of the console, reports of the content security policy, and failed or foreign requests. */
  problems(): readonly string[];
  close(): Promise<void>;
}

/**
 * Opens an empty page with cookies of its own. It may make requests to `origin` (`http://host:port`) alone: every other one
 * is stopped, and is a problem.
 */
export async function openWatchedPage(
  browser: Browser,
  origin: string,
  options: PageOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({
    ...(options as BrowserContextOptions),
    baseURL: origin,
    locale: 'en-US',
    timezoneId: options.timezoneId ?? 'UTC',
  });
  const page = await context.newPage();
  const problems: string[] = [];
  await context.route(
    (url) => url.origin !== origin,
    async (route) => {
      problems.push(`a request to ${route.request().url()}`);
      await route.abort();
    },
  );
  await page.addInitScript(reportPolicyViolations);
  page.on('console', (message) => {
    // The browser reports the status of the page itself, too. A test that opens the page looks at it.
    const isOfPage = message.text().startsWith('Failed to load') && message.location().url === page.url();
    if ((message.type() === 'error' || message.type() === 'warning') && !isOfPage)
      problems.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`error of a script: ${error.message}`));
  page.on('requestfailed', (request) => {
    // A page that is left, or a stream that is closed, ends its requests.
    const reason = request.failure()?.errorText ?? '';
    if (reason !== 'net::ERR_ABORTED') problems.push(`failed request: ${request.url()} ${reason}`);
  });
  return { page, problems: () => problems, close: () => closeSoon(page) };
}

const LOADS_WITHIN_MS = 5_000;
const CLOSES_WITHIN_MS = 10_000;

// Now and then Chromium never closes a page in the middle of a navigation (microsoft/playwright issues 42068 and 42366). So the
// page is loaded first, and what stays open all the same ends with the browser.
async function closeSoon(page: Page): Promise<void> {
  await page.waitForLoadState('load', { timeout: LOADS_WITHIN_MS }).catch(() => undefined);
  await Promise.race([page.context().close(), wait(CLOSES_WITHIN_MS)]);
}

interface Violation {
  readonly violatedDirective: string;
  readonly blockedURI: string;
  readonly sample: string;
}
// The types of a browser would be those of all code.
declare const document: {
  addEventListener(type: 'securitypolicyviolation', listener: (event: Violation) => void): void;
};

/** Runs in the page. The browser names most violations in its console, but none of a policy that only reports. */
function reportPolicyViolations(): void {
  document.addEventListener('securitypolicyviolation', (event) => {
    console.error(`content security policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
  });
}
