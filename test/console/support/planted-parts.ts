import type { Page } from 'playwright-core';
import { PLANTED_ELEMENT, PLANTED_TEXT } from './planted.ts';

// The types of a browser would be those of all code.
declare const window: { readonly planted?: unknown };

/** Returns the elements that planted texts have become, and whether a planted script ran. Both should be nothing. */
export async function plantedParts(page: Page): Promise<readonly string[]> {
  const elements = await page.locator(PLANTED_ELEMENT).all();
  const shown = await Promise.all(elements.map((element) => element.innerHTML()));
  const hasRun = await page.evaluate(() => window.planted !== undefined);
  return [...shown, ...(hasRun ? ['a planted script ran'] : [])];
}

/** Returns the places whose planted text the page shows, with those of its fields. */
export async function plantedPlaces(page: Page): Promise<ReadonlySet<string>> {
  const text = (await page.locator('body').textContent()) ?? '';
  const fields = await page.locator('input, textarea').all();
  const values = await Promise.all(fields.map((field) => field.inputValue()));
  return new Set(
    [text, ...values].flatMap((one) => Array.from(one.matchAll(PLANTED_TEXT), ([, place = '']) => place)),
  );
}
