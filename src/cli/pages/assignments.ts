import type { ExplainedMiss } from '../../explain/missed-assignments.ts';
import { plainLine } from '../frame/plain-text.ts';
import type { Page } from './page.ts';

/** Returns for each assignment that took no value why, and what stood in the response instead. */
export function missedLines(page: Page, misses: readonly ExplainedMiss[]): string[] {
  return misses.flatMap(({ attributeName, dynamicVariable, why, nearText }) => [
    page.bad(plainLine(`${attributeName} → ${dynamicVariable}: ${why}`)),
    ...page.wrap(plainLine(nearText)).map((line) => `  ${line}`),
  ]);
}
