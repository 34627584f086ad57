import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { GOALS, isReached, isWorse, toText, type Figure } from './figures.ts';
import type { Machine } from './machine.ts';

/** The saved result of a bench. */
export interface Results {
  readonly takenAt: string;
  readonly machine: Machine;
  readonly figures: readonly Figure[];
  /** The details of each scenario. */
  readonly details: Readonly<Record<string, unknown>>;
}

function pathOf(name: string): string {
  return fileURLToPath(new URL(`../results/${name}.json`, import.meta.url));
}

/** Returns the results under a name, or undefined. */
export function readResults(name: string): Results | undefined {
  return existsSync(pathOf(name)) ? (JSON.parse(readFileSync(pathOf(name), 'utf8')) as Results) : undefined;
}

/** Writes results under a name. The figures and details of scenarios that did not run now stay as they were. */
export function writeResults(name: string, results: Results): void {
  const earlier = readResults(name);
  const keys = new Set(results.figures.map(({ key }) => key));
  const kept = earlier?.figures.filter(({ key }) => !keys.has(key)) ?? [];
  const order = Object.keys(GOALS);
  const figures = [...kept, ...results.figures].toSorted(
    (a, b) => order.indexOf(a.key) - order.indexOf(b.key),
  );
  mkdirSync(fileURLToPath(new URL('../results/', import.meta.url)), { recursive: true });
  const merged = { ...results, figures, details: { ...earlier?.details, ...results.details } };
  writeFileSync(pathOf(name), `${JSON.stringify(merged, rounded, 2)}\n`);
}

// Six digits are more than any figure deserves.
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value;
}

/** Returns the figures as lines, with their goals and their earlier values. */
export function toLines(figures: readonly Figure[], before: Results | undefined): string[] {
  return figures.map((figure) => {
    const { title, unit, atLeast, aim } = GOALS[figure.key] ?? { title: figure.key, unit: '' as const };
    const earlier = before?.figures.find(({ key }) => key === figure.key);
    const spread =
      figure.low === undefined || figure.high === undefined
        ? ''
        : ` (${toText(figure.low, unit)}–${toText(figure.high, unit)})`;
    const goal =
      atLeast === undefined ? '' : `; at least ${toText(atLeast, unit)}, aim ${toText(aim ?? atLeast, unit)}`;
    const change = earlier === undefined ? '' : `; was ${toText(earlier.value, unit)}`;
    const mark = figure.doubt !== undefined ? '?' : isReached(figure) ? '+' : '-';
    return `${mark} ${title}: ${toText(figure.value, unit)}${spread}${goal}${change}${figure.doubt ? `\n    ${figure.doubt}` : ''}`;
  });
}

/** Returns the figures that are worse than before. It leaves out doubtful ones. */
export function worseThan(before: Results | undefined, figures: readonly Figure[]): Figure[] {
  return figures.filter((figure) => {
    const earlier = before?.figures.find(({ key }) => key === figure.key);
    return earlier !== undefined && figure.doubt === undefined && isWorse(figure, earlier);
  });
}
