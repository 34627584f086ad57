import type { Page } from 'playwright-core';

interface FocusedElement {
  readonly outerHTML: string;
  readonly tagName: string;
  matches(selector: string): boolean;
}
// The types of a browser would be those of all code.
declare const document: {
  readonly activeElement: FocusedElement;
  querySelectorAll(selector: string): Iterable<FocusedElement & { checkVisibility(): boolean }>;
};
declare function getComputedStyle(element: FocusedElement): {
  readonly outlineStyle: string;
  readonly outlineWidth: string;
};

/** Says what a person finds who goes through a page with the Tab key. */
export interface TabWalk {
  /** Lists the beginnings of the HTML of what got the focus, in order. */
  readonly stops: readonly string[];
  /** Lists the stops that look as if they had no focus. */
  readonly unseen: readonly string[];
  /** Lists visible controls that never got the focus. */
  readonly missed: readonly string[];
}

const MAX_STOPS = 400;

/** Presses Tab until the focus leaves the page. */
export async function walkWithTab(page: Page): Promise<TabWalk> {
  const stops: string[] = [];
  const unseen: string[] = [];
  for (let i = 0; i < MAX_STOPS; i += 1) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(() => {
      const { activeElement } = document;
      if (activeElement.matches('body, html') || activeElement.matches('[data-walked]')) return undefined;
      const { outlineStyle, outlineWidth } = getComputedStyle(activeElement);
      (activeElement as unknown as { dataset: Record<string, string> }).dataset['walked'] = '';
      return {
        html: activeElement.outerHTML.slice(0, 120),
        isSeen: outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2,
      };
    });
    if (stop === undefined) break;
    stops.push(stop.html);
    if (!stop.isSeen) unseen.push(stop.html);
  }
  return { stops, unseen, missed: await missedControls(page) };
}

/** Returns the controls that {@link walkWithTab} has not marked. Of radio buttons with one name, one gets the focus. */
function missedControls(page: Page): Promise<readonly string[]> {
  return page.evaluate(() =>
    Array.from(document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]'))
      .filter(
        (element) => element.checkVisibility() && !element.matches('[data-walked], :disabled, [type=hidden]'),
      )
      .filter((element) => !element.matches('[type=radio]'))
      .map((element) => element.outerHTML.slice(0, 120)),
  );
}
