import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** Is the width and height of a phone. */
const PHONE = { width: 360, height: 740 } as const;
/** Is the width and height of a common window. */
const WINDOW = { width: 1280, height: 900 } as const;

// A contrast depends on the scheme, and the room for text on the width, so two of the four looks find the same as all.
const LOOKS = [
  { name: 'light, wide', colorScheme: 'light', viewport: WINDOW },
  { name: 'dark, on a phone', colorScheme: 'dark', viewport: PHONE },
] as const;
const RULES = {
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  resultTypes: ['violations'] as ['violations'],
};

interface PageElement {
  readonly clientWidth: number;
  readonly scrollWidth: number;
  readonly outerHTML: string;
  readonly parentElement: PageElement | null;
  getBoundingClientRect(): { readonly right: number };
  querySelectorAll(selector: string): Iterable<PageElement>;
}
// The functions that run in a page find these there. The types of a browser would be those of all code.
declare const document: { readonly documentElement: PageElement };
declare function getComputedStyle(element: PageElement): { readonly overflowX: string };
declare const window: { readonly axe: { run(rules: typeof RULES): Promise<axe.AxeResults> } };

/**
 * Throws with a readable list unless axe-core finds nothing in a page, in a wide window and light, and on a phone and dark, and
 * unless all of it fits into the width of the phone.
 */
export async function expectAccessible(page: Page): Promise<void> {
  const findings: string[] = [];
  for (const { name, colorScheme, viewport } of LOOKS) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.setViewportSize(viewport);
    for (const finding of [...(await axeFindings(page)), ...(await overflow(page))])
      findings.push(`${name}: ${finding}`);
  }
  if (findings.length > 0) throw new Error(`${page.url()} is not accessible:\n${findings.join('\n')}`);
}

async function axeFindings(page: Page): Promise<readonly string[]> {
  // The debugging protocol puts the script into the page, so the policy of the page does not matter.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe.source);
  const { violations } = await page.evaluate((rules) => window.axe.run(rules), RULES);
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(
      ({ html, failureSummary = '' }) =>
        `${id}: ${help}\n    ${html}\n    ${oneLine(failureSummary).slice(0, 200)}`,
    ),
  );
}

/** Names the elements that reach beyond the right edge, if the page can be moved sideways (WCAG 1.4.10). */
function overflow(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    const { documentElement: root } = document;
    const width = root.clientWidth;
    if (root.scrollWidth <= width) return [];
    const isScrolled = (element: PageElement | null): boolean =>
      element !== null &&
      (getComputedStyle(element).overflowX !== 'visible' || isScrolled(element.parentElement));
    return Array.from(root.querySelectorAll('body *'))
      .filter((element) => element.getBoundingClientRect().right > width + 1)
      .filter((element) => !isScrolled(element.parentElement))
      .slice(0, 5)
      .map((element) => `wider than the window: ${element.outerHTML.slice(0, 200)}`);
  });
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}
